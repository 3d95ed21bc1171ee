"""Two masks of one image as pictures: a mask over the photograph, and what became different between two masks."""

import numpy as np
from numpy.typing import NDArray

from napari_wsss.core.classes import IGNORE, ClassList
from napari_wsss.core.masks import Mask

Picture = NDArray[np.uint8]
TINT = 0.5
STRIPE = 4
"""Width in pixels of the stripes that mark what is gone."""


def tinted(image: Picture, mask: Mask, classes: ClassList) -> Picture:
    """Return an opaque picture (H, W, 3) uint8: the photograph with the mask's classes in their colours over it.

    Parameters
    ----------
    image : (H, W, 3) uint8
    mask : (H, W) uint8
    classes : ClassList
        Whose colours to use; 255 (ignore) is tinted too.
    """
    return _laid_over(image, classes.screen[mask], mask > 0, TINT)


def difference(image: Picture, before: Mask, after: Mask, classes: ClassList) -> Picture:
    """Return an opaque picture (H, W, 3) uint8 of what changed, over the photograph in faint grey.

    Pixels that got a class are filled with its colour; where a class went and background came, its colour is striped.
    """
    grey = (image.mean(axis=2, keepdims=True) * 0.4 + 80).astype(np.uint8)
    picture = np.repeat(grey, 3, axis=2)
    changed = (before != after) & (before != IGNORE)
    came = changed & (after > 0)
    picture = _laid_over(picture, classes.screen[after], came, 0.8)
    rows, columns = np.ogrid[: after.shape[0], : after.shape[1]]
    stripes = (rows + columns) // STRIPE % 2 == 0
    return _laid_over(picture, classes.screen[before], changed & (after == 0) & stripes, 0.8)


def _laid_over(picture: Picture, colours: Picture, where: NDArray[np.bool_], share: float) -> Picture:
    found = picture.copy()
    mixed = picture[where] * np.float32(1 - share) + colours[where] * np.float32(share)
    found[where] = np.rint(mixed).astype(np.uint8)
    return found
