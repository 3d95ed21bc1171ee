"""What mean IoU hides: classes that a mask leaves out altogether, and parts of them it does not touch."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import label

from napari_wsss.core.classes import IGNORE
from napari_wsss.core.masks import Mask

SMALLEST_PART = 0.001
"""Share of the picture below which a part is not looked for."""
FOUND = 0.1
"""Share of a part that must be predicted as its class."""
_TOUCHING = np.ones((3, 3), bool)
Counts = NDArray[np.int64]


@dataclass(frozen=True)
class Missing:
    """Counts (K + 1,) int64 by mask value, background first and 0.

    Parameters
    ----------
    images, vanished : (K + 1,) int64
        Images in whose truth a class occurs, and those of them whose mask has no pixel of it.
    parts, missed : (K + 1,) int64
        Connected parts of a class in the truth, and those of which less than `FOUND` is predicted as the class.
    """

    images: Counts
    vanished: Counts
    parts: Counts
    missed: Counts

    @classmethod
    def nothing(cls, count: int) -> Missing:
        """Return the counts of no image, for `count` mask values."""
        return cls(*np.zeros((4, count), np.int64))

    def __add__(self, other: Missing) -> Missing:
        return Missing(*(one + more for one, more in zip(vars(self).values(), vars(other).values(), strict=True)))


def missing_in(truth: Mask, prediction: Mask, count: int) -> Missing:
    """Return what a mask misses of the true one (both (H, W) uint8, 255 left out), for `count` mask values."""
    found = Missing.nothing(count)
    for value in np.unique(truth):
        if value in (0, IGNORE):
            continue
        inside = truth == value
        parts, _ = label(inside, _TOUCHING)
        sizes = np.bincount(parts.ravel())[1:]
        hits = np.bincount(parts[prediction == value], minlength=len(sizes) + 1)[1:]
        looked_for = sizes >= SMALLEST_PART * truth.size
        found.images[value] = 1
        found.vanished[value] = not (prediction == value).any()
        found.parts[value] = looked_for.sum()
        found.missed[value] = (looked_for & (hits < FOUND * sizes)).sum()
    return found


def missing_by_level(
    truth: Mask, value: Mask, level: NDArray[np.int64], thresholds: int, count: int
) -> NDArray[np.int64]:
    """Return what masks of one image miss at every threshold (T, 4, count) int64, in the order of `Missing`.

    Parameters
    ----------
    truth : (H, W) uint8
        255 left out.
    value : (H, W) uint8
        What the strongest class of a pixel would have in a mask.
    level : (H, W) int64
        At how many of the thresholds, the lowest ones, a pixel shows that class: background at the others.
    thresholds : int
        How many there are (T).
    count : int
        Number of mask values.
    """
    found = np.zeros((thresholds, 4, count), np.int64)
    for true in np.unique(truth):
        if true in (0, IGNORE):
            continue
        parts, number = label(truth == true, _TOUCHING)
        sizes = np.bincount(parts.ravel(), minlength=number + 1)[1:]
        looked_for = sizes >= SMALLEST_PART * truth.size
        shown = value == true
        places = parts[shown] * (thresholds + 1) + level[shown]
        counts = np.bincount(places, minlength=(number + 1) * (thresholds + 1)).reshape(number + 1, thresholds + 1)
        above = counts[:, ::-1].cumsum(1)[:, ::-1][:, 1:]  # pixels shown at threshold 0 .. T - 1
        found[:, 0, true] = 1
        found[:, 1, true] = above.sum(0) == 0
        found[:, 2, true] = looked_for.sum()
        found[:, 3, true] = (looked_for[:, None] & (above[1:] < FOUND * sizes[:, None])).sum(0)
    return found
