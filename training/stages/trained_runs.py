"""Which trained networks of a project tables show: one per method, of its comparison or its newest finished run."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from napari_wsss.core.registry import load_method, method_names
from napari_wsss.pipeline.lineage import ModelShelf
from napari_wsss.processes.stage_list import Recipe
from napari_wsss.project.project import Project
from training.config import RECIPES
from training.loop.checkpoints import BEST, LAST
from training.run_folder import RunFolder
from training.stages.compare import measured_rows


@dataclass(frozen=True)
class Model:
    """A trained localizer or segmentation network.

    Parameters
    ----------
    title, method : str
    checkpoint : Path
    run : Path
        Folder of its run.
    """

    title: str
    method: str
    checkpoint: Path
    run: Path

    def rounds(self) -> list[Model]:
        """Return the models of its rounds in order, none for a method without rounds."""
        found = sorted(self.run.glob(f"round-*/{LAST}"), key=lambda path: int(path.parent.name.removeprefix("round-")))
        return [
            Model(f"{self.title}, {path.parent.name.replace('-', ' ')}", self.method, path, self.run) for path in found
        ]


def trained_models(project: Project, comparison: Path) -> list[Model]:
    """Return one trained localizer per method: that of a comparison (its first seed), else of the newest finished run.

    Parts of an ablation are none.
    """
    return _one_of_each((*_compared(comparison), *_finished(project, "classifier")), "localize")


def trained_segmenters(project: Project) -> list[Model]:
    """Return the segmentation network of the newest finished run of each method."""
    return _one_of_each(_finished(project, "segmentation"), "segment")


def _one_of_each(models: Iterable[Model], shelf: ModelShelf) -> list[Model]:
    """Return the first model of each method whose file is there, in the shelf's order."""
    found: dict[str, Model] = {}
    for model in models:
        if model.checkpoint.is_file():
            found.setdefault(model.method, model)
    return [found[name] for name in method_names(shelf) if name in found]


def _compared(comparison: Path) -> Iterator[Model]:
    for row in sorted(measured_rows(comparison), key=lambda row: row["seed"]):
        path, title = Path(row["checkpoint"]), str(load_method("localize", row["method"]).title)
        in_round = path.parent.name.startswith("round-")
        run = path.parent.parent if in_round else path.parent
        if in_round or row["title"] == title:
            yield Model(title, row["method"], run / LAST, run)


def _finished(project: Project, recipe: Recipe) -> Iterator[Model]:
    folders = project.training_folder.glob("*/run.json")
    runs = [RunFolder.open(path.parent) for path in folders]
    for run in sorted(runs, key=lambda run: -float(run.record.get("started", 0))):
        if (run.record["recipe"], run.record.get("state")) == (recipe, "done"):
            method = run.record["config"]["method"]
            title = str(load_method(RECIPES[recipe][0], method).title)
            leaked = " (pixel masks)" if run.record.get("pixel_supervised") else ""
            yield Model(title + leaked, method, run.path / BEST, run.path)
