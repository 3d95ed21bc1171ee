"""Colours that tell classes apart on a screen, for people with any colour vision; files keep PASCAL VOC's palette.

The first seven are those of Okabe and Ito ("Color Universal Design", 2008) without black, in an order that keeps
neighbours apart; further ones go round the hues by the golden angle in two lightnesses, so that any number of classes
gets different colours that are bright enough for a dark photograph.
"""

import colorsys

import numpy as np
from numpy.typing import NDArray

OKABE_ITO = ("#e69f00", "#56b4e9", "#f0e442", "#cc79a7", "#009e73", "#d55e00", "#3d8fd1")
"""Orange, sky blue, yellow, reddish purple, bluish green, vermillion and blue (lighter than theirs, for outlines)."""
GOLDEN_ANGLE = 0.381966
BRIGHT, SOFT = (0.62, 0.95), (0.78, 0.65)
"""Lightness and saturation in [0, 1] of further colours, in turns."""


def screen_colours(count: int) -> NDArray[np.uint8]:
    """Return (count, 3) uint8 RGB of the first `count` classes."""
    known = [bytes.fromhex(text[1:]) for text in OKABE_ITO[:count]]
    further = (colorsys.hls_to_rgb(GOLDEN_ANGLE * k % 1.0, *(SOFT if k % 2 else BRIGHT)) for k in range(count))
    rows = [list(colour) for colour in known] + [[round(255 * part) for part in colour] for colour in further]
    return np.array(rows[:count], np.uint8).reshape(count, 3)
