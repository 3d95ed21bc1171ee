"""Label decoupling of LDF (Wei et al., CVPR 2020): a mask as its body, high inside, and its detail, high at the edge.

As the published code computes it, with D the chamfer distance to the nearest pixel where the mask blurred by a box of
5x5 pixels is 0::

    body = floor(255 sqrt(D) / max sqrt(D))          detail = mask - body

The paper's body is the mask times the linear distance; the code has the root and no product, so the body reaches two
pixels beyond the mask, where the detail is negative. All objects of a picture share one maximum.
"""

import numpy as np
from numpy.typing import NDArray

from napari_wsss.pixels.chamfer import chamfer_distance

FULL = 255
_RADIUS = 2

Grey = NDArray[np.uint8]


def decoupled(mask: Grey) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return body, in [0, 255], and detail, in [-255, 255], of a mask; both (H,W) float32, whole numbers.

    Parameters
    ----------
    mask : (H, W) uint8
        255 where the object is, 0 elsewhere (a mask of 0 and 1 loses its edges in the blur).
    """
    distance = chamfer_distance(_blurred(mask) > 0)
    # A mask without a hole is infinitely deep everywhere, which is the same depth everywhere.
    depth = np.sqrt(np.where(np.isinf(distance), np.float32(1), distance))
    body = np.floor(depth / max(depth.max(), np.finfo(np.float32).tiny) * FULL)
    return body, mask.astype(np.float32) - body


def stored(part: NDArray[np.float32]) -> Grey:
    """Return a body or detail as it is kept in a picture: (H,W) uint8, negative values as 0."""
    return np.clip(part, 0, FULL).astype(np.uint8)


def detail_weights(mask: Grey, ignore: int, strength: float) -> NDArray[np.float32]:
    """Return pixel weights (H,W) float32 from 1 inside to 1 + `strength` at the edges between a mask's values.

    The detail of every value of the mask, background included, is taken in turn; pixels that are `ignore` are no
    part of any, and an edge towards them does not count as one.

    Parameters
    ----------
    mask : (H, W) uint8
        Mask values.
    ignore : int
        The value of undecided pixels.
    strength : float >= 0
    """
    weights = np.ones(mask.shape, np.float32)
    undecided = mask == ignore
    for value in np.unique(mask[~undecided]):
        own = mask == value
        _, detail = decoupled(np.where(own | undecided, np.uint8(FULL), np.uint8(0)))
        weights[own] += strength * np.clip(detail[own], 0, None) / FULL
    return weights


def _blurred(mask: Grey) -> Grey:
    """Return the mean of 5x5 pixels, rounded; beyond the border the picture is mirrored without its edge pixel."""
    side = 2 * _RADIUS + 1
    padded = np.pad(mask, _RADIUS, mode="reflect")
    windows = np.lib.stride_tricks.sliding_window_view(padded, (side, side))
    sums = windows.sum((2, 3), dtype=np.int64)
    rounded: NDArray[np.int64] = (2 * sums + side * side) // (2 * side * side)
    return rounded.astype(np.uint8)
