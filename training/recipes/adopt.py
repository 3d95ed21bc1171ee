"""Take a trained localizer from elsewhere into a project, as a finished run that can be applied like any other.

The file is a published one (PSA's classifier, SEAM, SC-CAM, EDAM) or a checkpoint trained in another project.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from napari_wsss.core.classes import ClassList
from napari_wsss.core.errors import WeightsError
from napari_wsss.core.parameters import to_dict
from napari_wsss.core.progress import Progress
from napari_wsss.core.project import Project
from napari_wsss.core.provenance import Provenance
from napari_wsss.localize.base import Localizer, load_localizer, save_localizer
from napari_wsss.published import open_published_localizer
from napari_wsss.weights.checkpoint import is_checkpoint
from napari_wsss.weights.download import sha256_of
from napari_wsss.weights.fit import FitReport
from training.checkpoints import BEST
from training.config import RunConfig, resolve_file
from training.execute import apply
from training.report import Reporter
from training.run_folder import RunFolder

DONE = 0
STAGE = "adopt"
_NAMES_SHOWN = 6


@dataclass(frozen=True)
class Adopted:
    """A localizer from elsewhere.

    Parameters
    ----------
    localizer : Localizer
    classes : ClassList
        Order of its outputs.
    facts : mapping
        Where it comes from and what was loaded, plain JSON types, kept in `run.json`.
    """

    localizer: Localizer
    classes: ClassList
    facts: dict[str, Any]


def add_adopt_options(parser: argparse.ArgumentParser, typed: Sequence[str]) -> None:
    """Add the options of ``adopt``."""
    parser.add_argument("--project", type=Path, required=True, help="project folder")
    parser.add_argument(
        "--weights", type=Path, required=True, help="a published localizer's file, or a checkpoint of another project"
    )
    parser.add_argument("--apply", action="store_true", help="let the project use the localizer")


def adopt(options: argparse.Namespace, report: Reporter) -> int:
    """Open the file, write it as a finished run of the project, apply it if asked to; return the exit code."""
    with Project.open(options.project, read_only=True) as project:
        report.show(Progress(STAGE, 0, 2, f"opening {options.weights.name}"))
        found = opened(options.weights, project.classes)
        report.show(Progress(STAGE, 1, 2, "writing the run"))
        config = _config_of(found.localizer, options.weights)
        run = _written(project, config, found)
        report.show(Progress(STAGE, 2, 2))
    report.say(f"run folder: {run.path}", run_folder=str(run.path))
    report.say(_as_text(found.facts), adopted=found.facts)
    if options.apply:
        with Project.open(options.project) as project:
            apply(project, config, run)
    return DONE


def opened(path: Path, classes: ClassList) -> Adopted:
    """Return the localizer in a file of either kind.

    Raises
    ------
    WeightsError
        When the file is none, or is for other classes.
    """
    if not is_checkpoint(path):
        localizer, fitted = open_published_localizer(path, classes)
        return Adopted(localizer, classes, {**_origin(path, localizer), **_published_facts(fitted, classes)})
    localizer, known, _ = load_localizer(path)
    unknown = [name for name in classes.names if name not in known.names]
    if unknown:
        raise WeightsError(
            f"{path.name} was trained for the classes {', '.join(known.names)}; the project has also "
            f"{', '.join(unknown)}. Train a classifier here, which may start from the file (give it as trunk weights)."
        )
    title = f"{localizer.title} on {localizer.trunk.name}, trained by this program"
    return Adopted(localizer, known, {**_origin(path, localizer), "title": title, "classes": list(known.names)})


def _origin(path: Path, localizer: Localizer) -> dict[str, Any]:
    return {
        "file": path.name,
        "sha256": sha256_of(path),
        "normalisation": localizer.normalisation.to_dict(),
        "loaded": len(localizer.state_dict()),
    }


def _published_facts(fitted: FitReport, classes: ClassList) -> dict[str, Any]:
    entry = fitted.descriptor
    return {
        "title": entry.title,
        "citation": entry.citation,
        "licence": entry.licence,
        "source": entry.source,
        "classes": list(classes.names),
        "named": len(entry.classes) == len(classes),
        "loaded": len(fitted.loaded),
        "missing": list(fitted.missing),
        "unexpected": list(fitted.unexpected),
    }


def _config_of(localizer: Localizer, path: Path) -> RunConfig:
    """Return what a training of this method from this file would be told (`run.json` is a valid ``--config``)."""
    trunk = localizer.trunk
    network = {
        "trunk": trunk.name,
        "output_stride": trunk.output_stride,
        "width": trunk.width,
        "trunk_weights": str(path.resolve()),
    }
    file = {"method": localizer.method, "parameters": to_dict(localizer.settings), "network": network}
    return resolve_file("classifier", file)


def _written(project: Project, config: RunConfig, found: Adopted) -> RunFolder:
    """Return a finished run with the localizer as its checkpoint; one that is there already serves again."""
    decisive = {"method": config.method, "parameters": dict(config.parameters), "classes": list(found.classes.names)}
    provenance = Provenance("training.adopt", decisive, weights=found.facts["sha256"])
    there = project.training_folder / f"adopted-{provenance.key}"
    if (there / BEST).is_file() and (run := RunFolder.open(there)).record["state"] == "done":
        return run
    record = {
        "recipe": config.recipe,
        "config": config.to_dict(),
        "classes": list(project.classes.names),
        "plan": project.plan.to_dict(),
        "adopted": found.facts,
    }
    run = RunFolder.create(project.training_folder, "adopted", provenance, record)
    try:
        memory = {"recipe": config.recipe, "config": config.decisive(), "adopted": found.facts}
        save_localizer(run.path / BEST, found.localizer, found.classes, memory)
    except BaseException as error:
        run.finish("failed", error=str(error) or type(error).__name__)
        raise
    run.note(Progress(STAGE, 1, 1, found.facts["title"]))
    run.finish("done")
    return run


def _as_text(facts: dict[str, Any]) -> str:
    lines = [facts["title"]]
    lines += [f"{name}: {facts[name]}" for name in ("citation", "licence", "source") if facts.get(name)]
    lines.append(f"input: {_in_words(facts['normalisation'])}")
    lines.append(f"classes: {', '.join(facts['classes'])}")
    if facts.get("named") is False:
        lines.append("The file does not name its classes: they are taken to be the project's, in this order.")
    counts = [f"{facts['loaded']} tensors loaded"]
    counts += [f"{kind}: {_some(facts[kind])}" for kind in ("missing", "unexpected") if facts.get(kind)]
    return "\n".join([*lines, "; ".join(counts)])


def _in_words(normalisation: dict[str, Any]) -> str:
    mean, std = (", ".join(f"{value:g}" for value in normalisation[name]) for name in ("mean", "std"))
    return f"{normalisation['channel_order']}, (pixel x {normalisation['scale']:.6g} - [{mean}]) / [{std}]"


def _some(names: Sequence[str]) -> str:
    more = len(names) - _NAMES_SHOWN
    return ", ".join(names[:_NAMES_SHOWN]) + (f" and {more} more" if more > 0 else "")
