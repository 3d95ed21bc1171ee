"""Base maps of pictures that are larger than the memory: at a bounded size, with one maximum over the whole picture."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_wsss.core.errors import ProjectError, StepError
from napari_wsss.core.inference import SegmentInference
from napari_wsss.core.maps import ActivationMaps
from napari_wsss.pipeline.applied_model import (
    answers_from_features,
    applied_network,
    as_wanted,
    asked_classes,
    from_probabilities,
    known_as,
    with_merged,
)
from napari_wsss.pipeline.imported_maps import is_imported
from napari_wsss.pipeline.lineage import Lineage, inference_of
from napari_wsss.pixels import by_window
from napari_wsss.pixels.by_window import LargePicture, means, open_large, reduced_size, reduction, windows
from napari_wsss.project.project import Project


def is_large(project: Project, image_id: str) -> bool:
    """Tell whether an image of a project is one that only the window can be looked at by."""
    can_be = image_id.lower().endswith(by_window.SUFFIXES)  # of all others no question is asked
    return can_be and by_window.is_large(project.image_path(image_id), by_window.WHOLE_PIXELS)


def opened(item: Lineage) -> LargePicture:
    """Return an image to be read by the window.

    Raises
    ------
    ProjectError
        When it cannot be, also where the project chooses channels: its windows have those of the file.
    """
    if item.project.channels:
        raise ProjectError(
            f"{item.image_id} is larger than the memory, and channels cannot be chosen of such pictures. Save the "
            "wanted ones as 8-bit RGB."
        )
    return open_large(item.project.image_path(item.image_id))


def large_maps(item: Lineage, classes: tuple[int, ...], device: str) -> ActivationMaps:
    """Return base maps of a large picture by the applied model, as means of squares of its pixels.

    Parameters and errors are those of `applied_model.model_maps`, and:

    Raises
    ------
    StepError
        For models that look at a whole picture at once (imported maps, kept features, pictures compared).
    """
    if is_imported(item.plan):
        raise StepError(
            f"{item.image_id} is larger than the memory; maps made elsewhere are not used for such pictures."
        )
    network, known = applied_network(item.project, item.plan, item.source, device, False, item.base.weights)
    settings = inference_of(item.plan, item.source)
    if answers_from_features(network, settings):
        raise StepError(
            f"{item.image_id} is larger than the memory; a pixel classifier keeps features of whole pictures. Apply "
            "a segmentation network or a localizer for such pictures."
        )
    asked = asked_classes(item, classes)
    project_classes = item.project.classes
    pairs = {k: own for k in asked if (own := known_as(k, project_classes, known)) is not None}
    with opened(item) as picture:
        if isinstance(settings, SegmentInference):
            found = _probabilities(network, picture, settings, asked, pairs)
        else:
            found = as_wanted(network.infer_large(picture, tuple(pairs.values()), settings), asked, pairs)
    return with_merged(found, classes, dict(item.merged))


def _probabilities(
    network: Any,
    picture: LargePicture,
    settings: SegmentInference,
    classes: tuple[int, ...],
    pairs: Mapping[int, int],
) -> ActivationMaps:
    """Return the means of what a segmenter says, window by window."""
    side = reduction(*picture.size)
    planes: NDArray[np.float32] = np.zeros((len(classes) + 1, *reduced_size(*picture.size)), np.float32)
    for pixels, places, kept in windows(picture):
        maps = from_probabilities(network.infer(pixels, settings), classes, pairs)
        assert maps.background is not None  # a segmenter has one
        window = np.concatenate([maps.scores, maps.background[None]])[:, kept[0], kept[1]]
        rows, columns = ((place.start + inside.start) // side for place, inside in zip(places, kept, strict=True))
        part = means(window, side)
        planes[:, rows : rows + part.shape[1], columns : columns + part.shape[2]] = part
    return ActivationMaps(planes[:-1], classes, planes[-1])
