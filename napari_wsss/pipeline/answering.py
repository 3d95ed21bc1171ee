"""What the applied model answers for one image, a pixel classifier together with what the localizer's maps propose."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from napari_wsss.core.cells import working_cells
from napari_wsss.core.evidence import NOTHING
from napari_wsss.core.maps import ActivationMaps
from napari_wsss.core.progress import finish
from napari_wsss.core.provenance import Provenance
from napari_wsss.pipeline.applied_model import (
    answers_from_features,
    applied_network,
    as_wanted,
    asked_classes,
    companions_for,
    from_probabilities,
    known_as,
    restricted,
    with_merged,
)
from napari_wsss.pipeline.imported_maps import is_imported, kept_maps
from napari_wsss.pipeline.learner.chains import plan_of_maps
from napari_wsss.pipeline.learner.pooling import pooled, with_maps_of
from napari_wsss.pipeline.learner.tap_features import kept_features
from napari_wsss.pipeline.lineage import Lineage, inference_of
from napari_wsss.pipeline.refining import refined
from napari_wsss.pixels.tap_features import TapFeatures
from napari_wsss.project.results.kept_maps import as_stored


def model_maps(lineage: Lineage, classes: tuple[int, ...], device: str, background: bool) -> ActivationMaps:
    """Return base maps of one image by the applied model; what it knows of classes that were merged counts together.

    Parameters
    ----------
    lineage : Lineage
        Which image, which model.
    classes : tuple of int
        Ascending 0-based indices of the project's classes; one the model never learned gets a zero map.
    device : str
        As `networks.device.choose_device` takes it.
    background : bool
        Leave one core to a window.

    Raises
    ------
    RunError
        When the model cannot be loaded.
    ProjectError
        When the image cannot be read.
    StepError
        When maps were imported, and none for this image.
    """
    asked = asked_classes(lineage, classes)
    return with_merged(_maps_apart(lineage, asked, device, background), classes, dict(lineage.merged))


def _maps_apart(lineage: Lineage, classes: tuple[int, ...], device: str, background: bool) -> ActivationMaps:
    """Return base maps of one image, of classes that were merged each by itself."""
    if lineage.source == "localize" and is_imported(lineage.plan):
        return kept_maps(lineage, classes)
    wanted = lineage.base.weights
    network, known = applied_network(lineage.project, lineage.plan, lineage.source, device, background, wanted)
    settings = inference_of(lineage.plan, lineage.source)
    project_classes = lineage.project.classes
    pairs = {k: own for k in classes if (own := known_as(k, project_classes, known)) is not None}
    if answers_from_features(network, settings):
        # Of a class that is gone nothing else is asked: who was never shown it was shown what it became.
        gone = {k for k in classes if k + 1 in project_classes.gone}
        pairs = {k: own for k, own in pairs.items() if k not in gone or network.was_shown(own)}
        unshown = [k for k in classes if k not in gone and (k not in pairs or not network.was_shown(pairs[k]))]
        share = float(getattr(network, "map_share", 0.0)) if lineage.labelled else 0.0
        features = kept_features(lineage.project, network)(lineage.image_id)
        if not (unshown or share) or (lineage.labelled and not lineage.plan.localizer_checkpoint):
            return _from_features(network, features, classes, pairs)
        shown = {k: own for k, own in pairs.items() if k not in unshown}
        if not lineage.labelled:
            return _from_features(network, features, classes, shown)
        # Both come from grids coarser than the picture, and the CRF that follows works on a smaller one, so they become
        # one on that one's grid: a ninth of the pixels to multiply and to keep.
        maps = _proposed_on_cells(lineage, classes, device, background)
        alone = _from_features(network, features, classes, shown, maps.size)
        return as_stored(with_maps_of(pooled(alone, maps, share), maps, unshown)).enlarged(features.size)
    image = lineage.project.load_image(lineage.image_id).pixels
    if lineage.source == "segment":
        return from_probabilities(network.infer(image, settings), classes, pairs)
    companions = companions_for(lineage, known)
    # Methods that compare nothing need not know of companions.
    found = network.infer(image, tuple(pairs.values()), settings, *([companions] if companions else []))
    return as_wanted(found, classes, pairs)


def _from_features(
    network: Any,
    features: TapFeatures,
    classes: tuple[int, ...],
    pairs: dict[int, int],
    size: tuple[int, int] | None = None,
) -> ActivationMaps:
    """Return maps and background from the kept features of an image, which share all probability, at a size."""
    found = network.answer(features, tuple(pairs.values()), size)
    scores = np.zeros((len(classes), *found.shape[1:]), np.float32)
    for row, k in enumerate(classes):
        if k in pairs:
            scores[row] = found[1 + list(pairs).index(k)]
    return ActivationMaps(scores, classes, found[0])


def proposed_by_maps(lineage: Lineage, classes: tuple[int, ...], device: str, background: bool) -> ActivationMaps:
    """Return what the applied localizer's maps propose of an image, with background; stored, or computed now.

    Parameters
    ----------
    lineage : Lineage
        Which image, under which plan; the chain is the recommended one (`learner.chains.plan_of_maps`).
    classes, device, background
        As of `model_maps`, whose errors it raises.
    """
    project, image_id = lineage.project, lineage.image_id
    item = _of_maps(lineage, classes)
    base = project.store.read_maps(item.base, image_id, item.base_content)
    if base is None or not set(classes) <= set(base.classes):
        base = as_stored(model_maps(item, classes, device, background))
        project.store.write_maps(item.base, image_id, item.base_content, base)
    base = restricted(base, classes)
    # As read back, so that an answer does not depend on whether the maps were just computed.
    found = as_stored(finish(refined(item, base, NOTHING, _now, stored=len(item.links))))
    learned = base.scores.max((1, 2), keepdims=True) > 0  # what a localizer never learned stays nothing after a CRF
    return found.with_scores(found.scores * learned, found.background)


def _of_maps(lineage: Lineage, classes: tuple[int, ...]) -> Lineage:
    """Return the lineage of an image's maps under the recommended chain."""
    project, image_id = lineage.project, lineage.image_id
    return replace(Lineage.of(project, image_id, "localize", plan_of_maps(lineage.plan)), classes=classes)


def _proposed_on_cells(lineage: Lineage, classes: tuple[int, ...], device: str, background: bool) -> ActivationMaps:
    """Return what `proposed_by_maps` does, on the grid of the CRF that follows; kept on that, too.

    It is asked for after every fit and hardly ever changes, and at the size of the picture it takes longer to read than
    the learner to answer.
    """
    project, image_id = lineage.project, lineage.image_id
    item = _of_maps(lineage, classes)
    kept = Provenance("refine.on_cells", {}, parents=(item.result,))
    found = project.store.read_maps(kept, image_id, item.content)
    if found is None or found.classes != classes:
        maps = proposed_by_maps(lineage, classes, device, background)
        found = as_stored(maps.averaged(working_cells(*maps.size)))
        project.store.write_maps(kept, image_id, item.content, found)
    return found


def _now(write: Callable[..., None], *given: object) -> None:
    write(*given)
