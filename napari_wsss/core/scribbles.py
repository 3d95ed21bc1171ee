"""Scribbles: (H, W) uint8, 0 where a person said nothing, else a mask value; background has a value of its own."""

import numpy as np
from numpy.typing import NDArray

from napari_wsss.core.classes import BACKGROUND, IGNORE, MOST_CLASSES, ClassList
from napari_wsss.core.errors import LabelError
from napari_wsss.core.masks import Mask

NOTHING = 0
BACKGROUND_SCRIBBLE = MOST_CLASSES
"""What a scribble of background is written as, because 0 means that there is none."""


def scribble_value(value: int, classes: ClassList) -> int:
    """Return what a mask value is written as in scribbles.

    Raises
    ------
    LabelError
        For background, when the project has so many classes that no value is left for it.
    """
    if value != BACKGROUND:
        return value
    if len(classes) >= BACKGROUND_SCRIBBLE:
        raise LabelError(
            f"With {len(classes)} classes no value is left for background scribbles. Paint background in the mask."
        )
    return BACKGROUND_SCRIBBLE


def mask_value(scribble: int, classes: ClassList) -> int:
    """Return the mask value that a scribble stands for."""
    is_background = scribble == BACKGROUND_SCRIBBLE and len(classes) < BACKGROUND_SCRIBBLE
    return BACKGROUND if is_background else scribble


def counted(scribbles: Mask, classes: ClassList) -> Mask:
    """Return scribbles (H, W) uint8 with classes that were merged as what they became, and without deleted ones."""
    deleted = [value for value, becomes in classes.gone.items() if becomes in (BACKGROUND, IGNORE)]
    kept = np.where(np.isin(scribbles, deleted), np.uint8(NOTHING), scribbles) if deleted else scribbles
    return classes.counted(kept)


def as_seeds(scribbles: Mask, classes: ClassList) -> tuple[Mask, NDArray[np.bool_]]:
    """Return the mask values (H, W) uint8 of scribbles, and where there are any (H, W) bool."""
    seeded = scribbles != NOTHING
    if len(classes) >= BACKGROUND_SCRIBBLE:
        return scribbles, seeded
    return np.where(scribbles == BACKGROUND_SCRIBBLE, np.uint8(BACKGROUND), scribbles), seeded
