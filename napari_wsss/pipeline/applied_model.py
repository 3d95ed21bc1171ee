"""The model a project has applied: loaded through the registry when the first image needs it.

The model's classes are found in the project's by name, so a project may gain or rename classes after training.
"""

from collections.abc import Mapping, Sequence
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_wsss.core.classes import ClassList
from napari_wsss.core.errors import StepError, WsssError
from napari_wsss.core.inference import Companion, Inference, SegmentInference
from napari_wsss.core.maps import ActivationMaps
from napari_wsss.core.plan import Plan
from napari_wsss.core.registry import load_method
from napari_wsss.pipeline.imported_maps import is_imported
from napari_wsss.pipeline.lineage import Lineage, ModelShelf, checkpoint_of, file_digest, inference_of, method_of
from napari_wsss.project.project import Project

MAP_BACKGROUND = 0.4
"""Background score beside maps that have none, where a learner is compared with them, and where clicks are spread by
them or weighed against them; it must not depend on the plan's refiners."""


class RunError(Exception):
    """Wraps an error that is no image's fault (`reason`), so that it ends a run over many images."""

    def __init__(self, reason: Exception) -> None:
        super().__init__(str(reason))
        self.reason = reason


def asked_classes(lineage: Lineage, classes: tuple[int, ...]) -> tuple[int, ...]:
    """Return the classes a model is asked for: those wanted, and those that were merged into them."""
    members = (one for k, merged in lineage.merged if k in classes for one in merged)
    return tuple(sorted({*classes, *members}))


def with_merged(
    maps: ActivationMaps, classes: tuple[int, ...], merged: Mapping[int, tuple[int, ...]]
) -> ActivationMaps:
    """Return the maps of `classes`, those of classes merged into them taken along.

    Probabilities (where there is a background) are added, activations count where they are largest.
    """
    if maps.classes == classes:
        return maps
    scores, rows = maps.scores.copy(), {k: row for row, k in enumerate(maps.classes)}
    combined = np.maximum if maps.background is None else np.add
    for k in classes:
        for one in merged.get(k, ()):
            combined(scores[rows[k]], maps.scores[rows[one]], out=scores[rows[k]])
    return maps.with_scores(scores, maps.background).only(classes)


def together(lineage: Lineage, size: tuple[int, int], device: str, background: bool) -> int:
    """Return how many images of a size (height, width) the applied model takes at once; 1 for most.

    Parameters are those of `model_maps`; `RunError` likewise.
    """
    if lineage.source != "localize" or is_imported(lineage.plan):
        return 1
    network, _ = applied_network(lineage.project, lineage.plan, "localize", device, background, lineage.base.weights)
    takes = getattr(network, "takes_together", None)
    return 1 if takes is None else int(takes(*size, inference_of(lineage.plan, "localize")))


def model_maps_together(
    lineages: Sequence[Lineage], classes: Sequence[tuple[int, ...]], device: str, background: bool
) -> list[ActivationMaps]:
    """Return what `model_maps` does of each of as many images of one size as `together` says."""
    first = lineages[0]
    network, known = applied_network(first.project, first.plan, "localize", device, background, first.base.weights)
    project_classes = first.project.classes
    asked = [asked_classes(lineage, wanted) for lineage, wanted in zip(lineages, classes, strict=True)]
    pairs = [{k: own for k in one if (own := known_as(k, project_classes, known)) is not None} for one in asked]
    images = [lineage.project.load_image(lineage.image_id).pixels for lineage in lineages]
    settings = inference_of(first.plan, "localize")
    found = network.infer_together(images, [tuple(own.values()) for own in pairs], settings)
    maps = [as_wanted(one, many, own) for one, many, own in zip(found, asked, pairs, strict=True)]
    return [
        with_merged(one, wanted, dict(lineage.merged))
        for one, wanted, lineage in zip(maps, classes, lineages, strict=True)
    ]


def as_wanted(found: ActivationMaps, classes: tuple[int, ...], pairs: dict[int, int]) -> ActivationMaps:
    """Return a localizer's maps by the project's classes; of those it never learned they are zero."""
    scores = np.zeros((len(classes), *found.size), np.float32)
    for row, k in enumerate(classes):
        if k in pairs:
            scores[row] = found.scores[found.classes.index(pairs[k])]
    return ActivationMaps(scores, classes)


def stored_base(item: Lineage) -> ActivationMaps | None:
    """Return the stored maps of exactly the possible classes; more may be stored, fewer do not count."""
    if item.awaits_labels:
        return None
    stored = item.project.store.read_maps(item.base, item.image_id, item.base_content)
    if stored is None or not set(item.classes) <= set(stored.classes):
        return None
    return restricted(stored, item.classes)


def restricted(maps: ActivationMaps, classes: tuple[int, ...]) -> ActivationMaps:
    """Return the maps of just these classes, which share all probability where there is a background."""
    return maps if maps.classes == classes else renormalised(maps.only(classes))


def companions_for(lineage: Lineage, known: ClassList) -> list[Companion]:
    """Return the companions of a lineage's image for a model that knows the classes `known`; not read yet."""
    project, given = lineage.project, []
    for image_id, content in lineage.companions.chosen.items():
        shared = project.classes.indices(lineage.companions.labels[image_id])
        labels = tuple(own for k in shared if (own := known_as(k, project.classes, known)) is not None)
        given.append(Companion(content, labels, partial(_pixels, project, image_id)))
    return given


def _pixels(project: Project, image_id: str) -> NDArray[np.uint8]:
    return project.load_image(image_id).pixels


def known_as(k: int, classes: ClassList, known: ClassList) -> int | None:
    """Return the model's index of the project's class `k`, None when it never learned it.

    Classes are found by name. A name the model does not know, at a place whose model name the project does not
    know, was renamed since the training.
    """
    name = classes.names[k]
    if name in known.names:
        return known.index(name)
    renamed = k < len(known) and known.names[k] not in classes.names
    return k if renamed else None


def renormalised(maps: ActivationMaps) -> ActivationMaps:
    """Return maps and background divided by their sum; maps without background as they are."""
    if maps.background is None:
        return maps
    total = np.maximum(maps.scores.sum(0) + maps.background, np.finfo(np.float32).tiny)
    return maps.with_scores(maps.scores / total, maps.background / total)


def from_probabilities(
    probabilities: NDArray[np.float32], classes: tuple[int, ...], pairs: Mapping[int, int]
) -> ActivationMaps:
    """Return maps and background of a segmenter's (C+1,H,W) output, renormalised over the labelled classes."""
    scores = np.zeros((len(classes), *probabilities.shape[1:]), np.float32)
    for row, k in enumerate(classes):
        if k in pairs:
            scores[row] = probabilities[pairs[k] + 1]
    return renormalised(ActivationMaps(scores, classes, probabilities[0]))


def answers_from_features(network: Any, settings: Inference | SegmentInference) -> bool:
    """Return True when a network answers from the kept features of a frozen trunk, and is asked for one plain view."""
    return hasattr(network, "answer") and (settings.scales, settings.flip) == ((1.0,), False)


def applied_network(
    project: Project, plan: Plan, source: ModelShelf, device: str, background: bool, digest: str | None = None
) -> tuple[Any, ClassList]:
    """Return the network that is applied on a shelf, and its classes (none for networks without); kept once loaded.

    Parameters
    ----------
    project : Project
    plan : Plan
    source : str
        The shelf.
    device : str
        As `networks.device.choose_device` takes it.
    background : bool
        Leave one core to a window.
    digest : str, optional
        What the model's file must hold; what it holds now by default.

    Raises
    ------
    RunError
        When it cannot be loaded.
    """
    method = method_of(plan, source)
    try:
        path = checkpoint_of(project, plan, source)
        return _load(source, method, path, digest or file_digest(path), device, background)
    except (WsssError, OSError) as reason:
        raise RunError(reason) from reason


_AT_HAND: dict[tuple[Path, str], tuple[Any, ClassList]] = {}


def have_at_hand(path: Path, network: Any, classes: ClassList) -> None:
    """Have `applied_network` use a network that was just saved, instead of reading it again; the last one counts.

    Parameters
    ----------
    path : Path
        Its file, which it is equal to.
    network : TrunkNetwork
        On the device that is computed on; whoever gives it changes it no more.
    classes : ClassList
    """
    _AT_HAND.clear()
    _AT_HAND[path, file_digest(path)] = network, classes


@lru_cache(maxsize=4)
def _load(
    source: ModelShelf, method: str, path: Path, digest: str, device: str, background: bool
) -> tuple[Any, ClassList]:
    if (path, digest) in _AT_HAND:
        return _AT_HAND[path, digest]
    network, classes, what = load_method(source, method).restore(path, device, background=background)
    if what.method != method:
        raise StepError(
            f"The applied model {path.name} is a {what.method} network, the plan names {method}. Apply its run again."
        )
    if file_digest(path) != digest:
        raise StepError(f"The applied model {path} was replaced while it was being read. Start again.")
    return network, classes
