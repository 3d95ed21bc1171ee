"""The ordered foreground classes of a project, and the only place that knows background 0, ignore 255 and the +1."""

from __future__ import annotations

import colorsys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from napari_wsss.core.errors import LabelError

BACKGROUND = 0
IGNORE = 255
MOST_CLASSES = IGNORE - 1
BACKGROUND_NAMES = frozenset({"background", "_background_", "__background__", "bg"})
"""What class lists call mask value 0, in lower case."""
OKABE_ITO = ("#e69f00", "#56b4e9", "#f0e442", "#cc79a7", "#009e73", "#d55e00", "#3d8fd1")
"""Orange, sky blue, yellow, reddish purple, bluish green, vermillion and blue (lighter than theirs, for outlines)."""
GOLDEN_ANGLE = 0.381966
BRIGHT, SOFT = (0.62, 0.95), (0.78, 0.65)
"""Lightness and saturation in [0, 1] of further colours, in turns."""


@dataclass(frozen=True)
class ClassList:
    """Foreground class names in a fixed order; class ``k`` (from 0) has mask value ``k + 1``.

    Parameters
    ----------
    names : sequence of str
        1 to 254 different, non-empty names. Order is meaning: it decides mask values and head channels.

    Raises
    ------
    LabelError
        When names repeat, are empty, mean background or are too many for 8-bit masks.
    """

    names: tuple[str, ...]

    def __init__(self, names: Iterable[str]) -> None:
        object.__setattr__(self, "names", tuple(str(name).strip() for name in names))
        self._check()
        background = next((name for name in self.names if name.casefold() in BACKGROUND_NAMES), "")
        if background:
            raise LabelError(
                f"{background!r} is no class: mask value {BACKGROUND} is background in every project. "
                "Leave it out of the class names."
            )

    @classmethod
    def stored(cls, names: Iterable[str]) -> ClassList:
        """Return the classes of a project or model that exists, which may call one of them *background*."""
        made = object.__new__(cls)
        object.__setattr__(made, "names", tuple(names))
        made._check()
        return made

    def _check(self) -> None:
        repeated = sorted({name for name in self.names if self.names.count(name) > 1})
        if not self.names:
            raise LabelError("The class list is empty; give at least one foreground class name.")
        if repeated or "" in self.names:
            wrong = ", ".join(repeated) or "an empty name"
            raise LabelError(f"Class names must be different and not empty; found {wrong}. Rename or remove them.")
        if len(self.names) > MOST_CLASSES:
            raise LabelError(
                f"{len(self.names)} classes do not fit 8-bit masks (0 is background, 255 is ignore): "
                f"at most {MOST_CLASSES} are possible. Split the project or merge classes."
            )

    def __len__(self) -> int:
        return len(self.names)

    @cached_property
    def _positions(self) -> dict[str, int]:
        return {name: k for k, name in enumerate(self.names)}

    def index(self, name: str) -> int:
        """Return the 0-based class index of `name`; raise `LabelError` listing the known names otherwise."""
        try:
            return self._positions[name]
        except KeyError:
            known = ", ".join(self.names)
            raise LabelError(f"There is no class {name!r}; the project's classes are: {known}.") from None

    def mask_value(self, name: str) -> int:
        """Return the mask value (1 to 254) of class `name`."""
        return self.index(name) + 1

    def name_of(self, value: int) -> str:
        """Return what a mask value means: a class name, ``background`` or ``ignore``."""
        if value in (BACKGROUND, IGNORE):
            return "background" if value == BACKGROUND else "ignore"
        if not 0 < value <= len(self.names):
            raise LabelError(f"Mask value {value} has no class; expected 0 to {len(self.names)} or {IGNORE}.")
        return self.names[value - 1]

    def indices(self, labels: Iterable[str]) -> tuple[int, ...]:
        """Return the sorted 0-based indices of the classes named in `labels`."""
        wanted, known = set(labels), self._positions
        return tuple(sorted(map(known.__getitem__ if wanted <= known.keys() else self.index, wanted)))

    def vector(self, labels: Iterable[str]) -> NDArray[np.bool_]:
        """Return (K,) bool, True for the classes named in `labels` (a multi-hot target)."""
        present = np.zeros(len(self), dtype=bool)
        present[list(self.indices(labels))] = True
        return present

    def names_of(self, indices: Iterable[int]) -> tuple[str, ...]:
        """Return the names of 0-based class indices, in the given order."""
        return tuple(self.names[k] for k in indices)

    def values(self) -> tuple[int, ...]:
        """Return every value a mask of this project may hold: 0, 1 .. K, 255."""
        return (BACKGROUND, *range(1, len(self.names) + 1), IGNORE)

    @cached_property
    def palette(self) -> NDArray[np.uint8]:
        """(256, 3) uint8 RGB of mask files: PASCAL VOC's, background black, ignore light grey."""
        palette = voc_colours(256)
        palette[IGNORE] = (224, 224, 192)
        return palette

    @cached_property
    def screen(self) -> NDArray[np.uint8]:
        """(256, 3) uint8 RGB of mask values on a screen: background black, classes told apart by everybody."""
        colours = self.palette.copy()
        colours[1 : len(self) + 1] = screen_colours(len(self))
        return colours

    def colour(self, name: str) -> tuple[float, float, float]:
        """Return the colour of class `name` on a screen, RGB in [0, 1]."""
        red, green, blue = (float(channel) / 255 for channel in self.screen[self.mask_value(name)])
        return red, green, blue


def voc_colours(count: int) -> NDArray[np.uint8]:
    """Return (count, 3) uint8 colours of the PASCAL VOC colour map: the bits of the index, spread over RGB."""
    index = np.arange(count)
    colours = np.zeros((count, 3), dtype=np.uint8)
    for bit in range(8):
        for channel in range(3):
            colours[:, channel] |= (((index >> (3 * bit + channel)) & 1) << (7 - bit)).astype(np.uint8)
    return colours


def screen_colours(count: int) -> NDArray[np.uint8]:
    """Return (count, 3) uint8 RGB of the first `count` classes on a screen, told apart with any colour vision.

    The first seven are those of Okabe and Ito ("Color Universal Design", 2008) without black, in an order that keeps
    neighbours apart; further ones go round the hues by the golden angle in two lightnesses.
    """
    known = [bytes.fromhex(text[1:]) for text in OKABE_ITO[:count]]
    further = (colorsys.hls_to_rgb(GOLDEN_ANGLE * k % 1.0, *(SOFT if k % 2 else BRIGHT)) for k in range(count))
    rows = [list(colour) for colour in known] + [[round(255 * part) for part in colour] for colour in further]
    return np.array(rows[:count], np.uint8).reshape(count, 3)


def natural_order(names: Sequence[str]) -> tuple[str, ...]:
    """Return names sorted as a person would (``class2`` before ``class10``)."""
    import re

    def key(name: str) -> list[tuple[int, int, str]]:
        parts = re.split(r"(\d+)", name.casefold())
        return [(0, int(part), "") if part.isdecimal() else (1, 0, part) for part in parts]

    return tuple(sorted(names, key=key))
