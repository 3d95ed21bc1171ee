"""Pictures larger than the memory: a segmenter goes over them by the window, and the mask is written by the tile.

Each window is looked at with a halo around it, as neighbouring tiles of smaller pictures overlap: a pixel's class
depends on nothing beyond that. Windows begin where the grid of every trunk does. Nothing is normalised by the window:
probabilities need no common maximum. The maps of a localizer do, so that those are not made of such pictures.
"""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from napari_wsss.core.classes import ClassList
from napari_wsss.core.errors import StepError
from napari_wsss.core.files import publish
from napari_wsss.pixels.large_tiff import LargeTiff, size_of, write_mask_tiles
from napari_wsss.prediction.predictor import Predictor

PIXELS = 100_000_000
"""From so many on a picture is read by the window; less takes some gigabytes in memory."""
SIDE = 768
HALO = 160
"""Both multiples of 32, so that every trunk's grid continues; a window has fewer pixels than a usual forward pass."""


def is_large(path: Path) -> bool:
    """Tell whether a picture is read by the window."""
    size = size_of(path)
    return size is not None and size[0] * size[1] >= PIXELS


def predict_large(predictor: Predictor, path: Path, present: Sequence[int] | None, target: Path) -> None:
    """Write the most probable class of every pixel as a tiled TIFF, with what says where a GeoTIFF lies.

    Parameters
    ----------
    predictor : Predictor
    path : Path
        A TIFF.
    present : sequence of int or None
        As `Predictor.predict` takes it.
    target : Path
        A ``.tif``, published when it is whole.

    Raises
    ------
    StepError
        For a localizer.
    ProjectError
        When the picture cannot be read by the window.
    """
    if predictor.kind != "segment":
        raise StepError(
            f"{path} is too large for activation maps, which share one maximum over the whole picture. Cut it into "
            "pieces, or take a segmentation network."
        )
    with LargeTiff(path) as picture, publish(target, lasting=False) as file:
        masks = (predictor.predict(pixels, present).to_mask()[kept] for pixels, kept in windows(picture))
        write_mask_tiles(
            file, picture.size, masks, SIDE, predictor.classes.palette, picture.tags, _meaning(predictor.classes)
        )


def windows(picture: LargeTiff) -> Iterator[tuple[NDArray[np.uint8], tuple[slice, slice]]]:
    """Yield windows row by row: their pixels with the halo around, and which part of them the window is."""
    height, width = picture.size
    for top in range(0, height, SIDE):
        for left in range(0, width, SIDE):
            first, begin = max(0, top - HALO), max(0, left - HALO)
            bottom, right = min(height, top + SIDE), min(width, left + SIDE)
            pixels = picture.read(slice(first, bottom + HALO), slice(begin, right + HALO))
            yield pixels, (slice(top - first, bottom - first), slice(left - begin, right - begin))


def _meaning(classes: ClassList) -> str:
    names = {0: classes.name_of(0)} | {value: classes.name_of(value) for value in classes.values()}
    return json.dumps({"classes": names})
