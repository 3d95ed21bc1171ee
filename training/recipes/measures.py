"""Figures of a project's trained localizers on images with true masks, each measured once and kept."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import Any, Literal

import numpy as np

from napari_wsss import pipeline
from napari_wsss.core.background import equivalent_alpha
from napari_wsss.core.errors import ProjectError
from napari_wsss.core.evidence import NOTHING
from napari_wsss.core.files import publish
from napari_wsss.core.inference import Inference
from napari_wsss.core.lineage import checkpoint_of, file_digest
from napari_wsss.core.metrics import Scores
from napari_wsss.core.parameters import to_dict
from napari_wsss.core.plan import Step
from napari_wsss.core.project import Project
from napari_wsss.core.registry import load_method
from training.checkpoints import BEST, LAST
from training.recipes.compare import CRF, checkpoint_maps, measured_rows
from training.report import Reporter, watched
from training.run_folder import RunFolder
from training.scoring import AcceptedMasks, Mask, TrueMasks, class_names, score, scored_names, sweep

Chain = Literal["seeds", "crf", "walk"]


@dataclass(frozen=True)
class Model:
    """A trained localizer.

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
    found: dict[str, Model] = {}
    for model in (*_compared(comparison), *_finished(project)):
        if model.checkpoint.is_file():
            found.setdefault(model.method, model)
    return list(found.values())


def _compared(comparison: Path) -> Iterator[Model]:
    for row in sorted(measured_rows(comparison), key=lambda row: row["seed"]):
        path, title = Path(row["checkpoint"]), str(load_method("localize", row["method"]).title)
        in_round = path.parent.name.startswith("round-")
        run = path.parent.parent if in_round else path.parent
        if in_round or row["title"] == title:
            yield Model(title, row["method"], run / LAST, run)


def _finished(project: Project) -> Iterator[Model]:
    folders = project.training_folder.glob("*/run.json")
    runs = [RunFolder.open(path.parent) for path in folders]
    for run in sorted(runs, key=lambda run: -float(run.record.get("started", 0))):
        if (run.record["recipe"], run.record.get("state")) == ("classifier", "done"):
            method = run.record["config"]["method"]
            yield Model(str(load_method("localize", method).title), method, run.path / BEST, run.path)


@dataclass(frozen=True)
class Measured:
    """The scores of one chain on one split, and the background threshold they were taken at (masks of the split
    chose it).
    """

    scores: Scores
    threshold: float


@dataclass(frozen=True)
class Measures:
    """Measures and remembers.

    Parameters
    ----------
    project : Project
        Only read; its store of results receives the maps.
    folder : Path
        Where figures are kept.
    truth : TrueMasks or AcceptedMasks
    inference : Inference
    device : str
    limit : int
        Most images per split, a fixed random choice; 0 takes all.
    classes : tuple of str
        Means run over background and these; over all when empty.
    """

    project: Project
    folder: Path
    truth: TrueMasks | AcceptedMasks
    report: Reporter
    inference: Inference
    device: str
    limit: int = 0
    classes: tuple[str, ...] = ()

    @cached_property
    def only(self) -> tuple[str, ...] | None:
        """Names that means run over, None for all."""
        return scored_names(self.project, self.classes)

    def ids(self, split: str) -> list[str]:
        """Return the images of a split that are measured; none when no true mask is known."""
        try:
            known = self.truth.known(self.project.catalog.ids(split=split))
        except ProjectError:
            return []
        order = np.random.default_rng(0).permutation(len(known))
        return [known[int(index)] for index in order][: self.limit or None]

    def of(self, model: Model, split: str, chain: Chain) -> Measured:
        """Return the figures of a model's maps as they are, after the CRF, or after a random walk.

        Raises
        ------
        StepError
            For the walk, when no affinity network is applied.
        """
        ids = self.ids(split)
        path = self.folder / f"{model.method}-{split}-{chain}-{self._key(model, ids, chain)}.json"
        if path.exists():
            kept = json.loads(path.read_text(encoding="utf-8"))
        else:
            kept = self._measured(model, split, ids, chain)
            self.folder.mkdir(parents=True, exist_ok=True)
            with publish(path) as file:
                file.write(json.dumps(kept).encode())
        return Measured(Scores(np.asarray(kept["matrix"]), class_names(self.project)), kept["threshold"])

    def miou(self, model: Model, split: str, chain: Chain) -> float:
        """Return the mean IoU in percent."""
        return 100 * self.of(model, split, chain).scores.mean_iou(only=self.only)

    def _measured(self, model: Model, split: str, ids: Sequence[str], chain: Chain) -> dict[str, object]:
        self.report.say(f"measuring {model.title}, {chain}, {split}: {len(ids)} images")
        maps_of = checkpoint_maps(self.project, model.method, model.checkpoint, self.inference, self.device)
        if chain == "seeds":
            swept = watched(sweep(self.project, ids, maps_of, self.truth), self.report)
            index = swept.best(only=self.only)
            return {"matrix": swept.matrices[index].tolist(), "threshold": swept.thresholds[index]}
        threshold = self.of(model, split, "seeds").threshold
        steps = self._steps(chain, threshold)

        def refined(image_id: str) -> Mask:
            maps = maps_of(image_id)
            assert maps is not None
            evidence = NOTHING
            if chain == "walk":
                evidence = pipeline.evidence_of(self.project, image_id, self.device, background=False)
            return pipeline.refine_maps(self.project.load_image(image_id).pixels, maps, steps, evidence).to_mask()

        found = watched(score(self.project, ids, refined, self.truth), self.report)
        return {"matrix": found.matrix.tolist(), "threshold": threshold}

    def _version(self, image_id: str) -> tuple[int, int]:
        """Return what changes with the true mask of an image."""
        truth = self.truth
        path = truth.path(image_id) if isinstance(truth, TrueMasks) else self.project.accepted_path(image_id)
        facts = path.stat() if path is not None else None
        return (facts.st_size, facts.st_mtime_ns) if facts is not None else (0, 0)

    @staticmethod
    def _steps(chain: Chain, threshold: float) -> tuple[Step, ...]:
        alpha = equivalent_alpha(threshold)
        if chain == "crf":
            return (Step("power_background", {"background_power": alpha}), CRF)
        return (Step("random_walk", {"with_background": True, "background_power": alpha}),)

    def _key(self, model: Model, ids: Sequence[str], chain: Chain) -> str:
        project = self.project
        facts: list[Any] = [
            file_digest(model.checkpoint),
            to_dict(self.inference.resolved()),
            project.classes.names,
            self.only,
        ]
        facts += [(image_id, *self._version(image_id)) for image_id in ids]
        if chain == "walk":
            facts.append(file_digest(checkpoint_of(project, project.plan, "affinity")))
        return sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:12]
