"""What becomes of a mask when an image-level label is taken away."""

from collections.abc import Collection

import numpy as np
from numpy.typing import NDArray

from napari_wsss.core.classes import BACKGROUND
from napari_wsss.core.masks import Mask


def without_values(
    mask: Mask, removed: Collection[int], by_machine: NDArray[np.bool_], next_best: Mask
) -> tuple[Mask, int]:
    """Return the mask without the removed classes and how many pixels changed; all other pixels stay.

    Parameters
    ----------
    mask : (H, W) uint8
    removed : collection of int
        Mask values that go.
    by_machine : (H, W) bool
        Where a pixel of a removed class was the machine's: it becomes what the machine says now. A person's pixel
        becomes background, because nobody has said that it is anything else.
    next_best : (H, W) uint8
        What the machine says without the removed classes.
    """
    gone = np.isin(mask, list(removed))
    instead = np.where(by_machine & ~np.isin(next_best, list(removed)), next_best, np.uint8(BACKGROUND))
    return np.where(gone, instead, mask), int(np.count_nonzero(gone))
