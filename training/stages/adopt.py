"""Take a trained network from elsewhere into a project, as a finished run that can be applied like any other.

The file is a published one of any shelf (`weights` lists them) or a checkpoint trained in another project.
"""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from torch import Tensor

from napari_wsss.core.classes import ClassList
from napari_wsss.core.errors import WeightsError
from napari_wsss.core.parameters import to_dict
from napari_wsss.core.progress import Progress
from napari_wsss.core.provenance import Provenance
from napari_wsss.core.registry import Shelf, load_method
from napari_wsss.core.trunk_choice import TrunkChoice
from napari_wsss.processes.stage_list import Recipe
from napari_wsss.project.project import Project
from napari_wsss.published import WITH_CLASSES, open_published, shelf_of
from napari_wsss.weights.checkpoint import is_checkpoint, load_checkpoint
from napari_wsss.weights.download import sha256_of
from napari_wsss.weights.matching import FitReport
from napari_wsss.weights.normalisation import Normalisation
from napari_wsss.weights.trained import Trained, load_trained, save_trained
from training.config import RECIPES, RunConfig
from training.execute import apply
from training.loop.checkpoints import BEST
from training.report import Reporter
from training.resolving import resolve_file
from training.run_folder import RunFolder

DONE = 0
STAGE = "adopt"
LEAK = "trained on pixel masks: results built on it are not weakly supervised by image-level labels alone"
_NAMES_SHOWN = 6


@dataclass(frozen=True)
class Adopted:
    """A network from elsewhere.

    Parameters
    ----------
    state : mapping of str to Tensor
        Its values, under our names.
    what : Trained
        What it is.
    facts : mapping
        Where it comes from and what was loaded, plain JSON types, kept in `run.json`.
    """

    state: dict[str, Tensor]
    what: Trained
    facts: dict[str, Any]


def add_adopt_options(parser: argparse.ArgumentParser, typed: Sequence[str]) -> None:
    """Add the options of ``adopt``."""
    parser.add_argument("--project", type=Path, required=True, help="project folder")
    parser.add_argument(
        "--weights", type=Path, required=True, help="a published network's file, or a checkpoint of another project"
    )
    parser.add_argument("--apply", action="store_true", help="let the project use the network")


def adopt(options: argparse.Namespace, report: Reporter) -> int:
    """Open the file, write it as a finished run of the project, apply it if asked to; return the exit code."""
    with Project.open_to_read(options.project) as project:
        report.show(Progress(STAGE, 0, 2, f"opening {options.weights.name}"))
        found = opened(options.weights, project.classes)
        report.show(Progress(STAGE, 1, 2, "writing the run"))
        config = _config_of(found.what, options.weights)
        run = _written(project, config, found)
        report.show(Progress(STAGE, 2, 2))
    report.say(f"run folder: {run.path}", run_folder=str(run.path))
    report.say(_as_text(found.facts), adopted=found.facts)
    if options.apply:
        with Project.open(options.project) as project:
            apply(project, config, run)
    return DONE


def opened(path: Path, classes: ClassList) -> Adopted:
    """Return the network in a file of either kind.

    Raises
    ------
    WeightsError
        When the file is none, is a trunk only, or is for other classes.
    """
    if is_checkpoint(path):
        return _of_ours(path, classes)
    network, fitted = open_published(path, classes)
    shelf = shelf_of(fitted.descriptor)
    assert shelf is not None  # else it would not have been opened
    trunk = network.trunk
    what = Trained(
        shelf,
        fitted.descriptor.network,
        to_dict(network.settings),
        TrunkChoice(trunk.name, trunk.output_stride, trunk.width, dilated=trunk.dilated),
        network.normalisation,
        classes if shelf in WITH_CLASSES else None,
    )
    return Adopted(network.state_dict(), what, {**_origin(path, what), **_published_facts(fitted, what.classes)})


def recipe_of(shelf: Shelf, method: str) -> Recipe:
    """Return the recipe that trains a method: the one made for it, else the first of its shelf."""
    fitting = [recipe for recipe, (served, _) in RECIPES.items() if served == shelf]
    return next((recipe for recipe in fitting if RECIPES[recipe][1] == method), fitting[0])


def in_words(normalisation: Normalisation) -> str:
    """Return what becomes of a pixel before a network sees it, for people."""
    mean, std = (", ".join(f"{value:g}" for value in triple) for triple in (normalisation.mean, normalisation.std))
    return f"{normalisation.channel_order}, (pixel x {normalisation.scale:.6g} - [{mean}]) / [{std}]"


def _of_ours(path: Path, classes: ClassList) -> Adopted:
    shelf: Shelf = load_checkpoint(path)[1].get("shelf", "localize")
    state, what = load_trained(path, shelf)
    load_method(shelf, what.method).restore(path, "cpu")  # raises where it cannot be used here
    known = what.classes.names if what.classes else ()
    unknown = [name for name in classes.names if name not in known]
    if shelf in WITH_CLASSES and unknown:
        raise WeightsError(
            f"{path.name} was trained for the classes {', '.join(known)}; the project has also "
            f"{', '.join(unknown)}. Train a network here, which may start from the file (give it as trunk weights)."
        )
    title = f"{load_method(shelf, what.method).title} on {what.trunk.name}, trained by this program"
    # What was adopted there keeps its terms, and whether it ever saw pixel masks.
    before = what.run.get("adopted", {})
    facts = {name: before[name] for name in ("citation", "licence", "source") if name in before}
    facts |= {"title": title, "classes": list(known), "loaded": len(state)}
    facts["pixel_supervised"] = bool({**what.run, **before}.get("pixel_supervised"))
    return Adopted(dict(state), what, {**_origin(path, what), **facts})


def _origin(path: Path, what: Trained) -> dict[str, Any]:
    return {
        "file": path.name,
        "sha256": sha256_of(path),
        "shelf": what.shelf,
        "method": what.method,
        "normalisation": what.normalisation.to_dict(),
    }


def _published_facts(fitted: FitReport, classes: ClassList | None) -> dict[str, Any]:
    entry = fitted.descriptor
    names = classes.names if classes else ()
    return {
        "name": entry.name,
        "title": entry.title,
        "citation": entry.citation,
        "licence": entry.licence,
        "source": entry.source,
        "pixel_supervised": entry.pixel_supervised,
        "classes": list(names),
        "named": len(entry.classes) == len(names),
        "loaded": len(fitted.loaded),
        "missing": list(fitted.missing),
        "unexpected": [*fitted.unexpected, *fitted.skipped_head],
    }


def _config_of(what: Trained, path: Path) -> RunConfig:
    """Return what a training of this method from this file would be told (`run.json` is a valid ``--config``)."""
    network = {
        "trunk": what.trunk.name,
        "output_stride": what.trunk.output_stride,
        "width": what.trunk.width,
        "dilated": what.trunk.dilated,
        "trunk_weights": str(path.resolve()),
    }
    file = {"method": what.method, "parameters": dict(what.parameters), "network": network}
    return resolve_file(recipe_of(what.shelf, what.method), file)


def _written(project: Project, config: RunConfig, found: Adopted) -> RunFolder:
    """Return a finished run with the network as its checkpoint; one that is there already serves again."""
    decisive = {"method": config.method, "parameters": dict(config.parameters), "classes": found.facts["classes"]}
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
        memory = {**config.remembered(), "adopted": found.facts}
        save_trained(run.path / BEST, found.state, replace(found.what, run=memory))
    except BaseException as error:  # an interruption, too: the record must not say that it runs
        run.finish("failed", error=str(error) or type(error).__name__)
        raise
    run.note(Progress(STAGE, 1, 1, found.facts["title"]))
    run.finish("done")
    return run


def _as_text(facts: dict[str, Any]) -> str:
    lines = [facts["title"]]
    if facts["pixel_supervised"]:
        lines.append(LEAK)
    lines += [f"{name}: {facts[name]}" for name in ("citation", "licence", "source") if facts.get(name)]
    lines.append(f"input: {in_words(Normalisation.from_dict(facts['normalisation']))}")
    lines.append(f"classes: {', '.join(facts['classes']) or 'none needed'}")
    if facts.get("named") is False:
        lines.append("The file does not name its classes: they are taken to be the project's, in this order.")
    counts = [f"{facts['loaded']} tensors loaded"]
    words = {"missing": "missing", "unexpected": "left out"}
    counts += [f"{word}: {some(facts[kind])}" for kind, word in words.items() if facts.get(kind)]
    return "\n".join([*lines, "; ".join(counts)])


def some(names: Sequence[str]) -> str:
    """Return the first names of a list and how many more there are."""
    more = len(names) - _NAMES_SHOWN
    return ", ".join(names[:_NAMES_SHOWN]) + (f" and {more} more" if more > 0 else "")
