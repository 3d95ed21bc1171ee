"""The contour of an activation map drawn into a small picture."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image

LEVEL = 0.5
"""The contour is where the map has this value."""

Pixels = NDArray[np.uint8]


def with_contour(picture: Pixels, scores: NDArray[np.float32], colour: Pixels) -> Pixels:
    """Return a picture with a line around where a map is above `LEVEL`, dark on its outside so that it shows anywhere.

    Parameters
    ----------
    picture : (h, w, 3) uint8
    scores : (H, W) float32 in [0, 1]
        The activation map of the whole image.
    colour : (3,) uint8
    """
    height, width = picture.shape[:2]
    small = Image.fromarray(np.ascontiguousarray(scores)).resize((width, height), Image.Resampling.BILINEAR)
    inside = np.asarray(small) > LEVEL
    drawn = picture.copy()
    drawn[_grown(inside) & ~inside] = colour // 4
    drawn[inside & _grown(~inside)] = colour
    return drawn


def _grown(where: NDArray[np.bool_]) -> NDArray[np.bool_]:
    found = where.copy()
    for axis in (0, 1):
        for step in (1, -1):
            found |= _shifted(where, step, axis)
    return found


def _shifted(where: NDArray[np.bool_], step: int, axis: int) -> NDArray[np.bool_]:
    moved = np.roll(where, step, axis)
    edge = 0 if step > 0 else -1
    moved[(edge, slice(None)) if axis == 0 else (slice(None), edge)] = False
    return moved
