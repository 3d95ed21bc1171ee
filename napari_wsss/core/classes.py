"""The ordered foreground classes of a project, and the only place that knows background 0, ignore 255 and the +1."""

from __future__ import annotations

import colorsys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import filterfalse

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
LEAST_DISTANCE = 12.0
TO_XYZ = np.array([[0.4339, 0.3762, 0.1899], [0.2126, 0.7152, 0.0722], [0.0177, 0.1095, 0.8728]])
"""Linear sRGB to XYZ as shares of white; dark tones, where L*a*b* is linear, are taken with the cube root as well."""
BRIGHT, SOFT = (0.62, 0.95), (0.78, 0.65)
"""Lightness and saturation in [0, 1] of further colours, in turns."""


@dataclass(frozen=True)
class ClassList:
    """Foreground class names in a fixed order; class ``k`` (from 0) has mask value ``k + 1``.

    A class that was merged into another one, or deleted, is *gone*: it keeps name, mask value and head channel, so that
    masks on disk and models keep their meaning, but no image is labelled with it, and its pixels count as others.

    Parameters
    ----------
    names : sequence of str
        1 to 254 different, non-empty names. Order is meaning: it decides mask values and head channels.

    Attributes
    ----------
    gone : mapping of int to int
        Mask value of a class that is gone -> what its pixels count as: another class (that is not gone), background or
        ignore. Lists with equal names are equal, whatever is gone.
    colours : mapping of int to str
        Mask value -> colour on the screen that a person chose, ``#rrggbb``.

    Raises
    ------
    LabelError
        When names repeat, are empty, mean background or are too many for 8-bit masks.
    """

    names: tuple[str, ...]
    gone: Mapping[int, int] = field(default_factory=dict, compare=False)
    colours: Mapping[int, str] = field(default_factory=dict, compare=False)

    def __init__(self, names: Iterable[str]) -> None:
        self._set(tuple(str(name).strip() for name in names), {}, {})
        background = next((name for name in self.names if name.casefold() in BACKGROUND_NAMES), "")
        if background:
            raise LabelError(
                f"{background!r} is no class: mask value {BACKGROUND} is background in every project. "
                "Leave it out of the class names."
            )

    @classmethod
    def stored(
        cls, names: Iterable[str], gone: Mapping[int, int] | None = None, colours: Mapping[int, str] | None = None
    ) -> ClassList:
        """Return the classes of a project or model that exists, which may call one of them *background*.

        Parameters
        ----------
        gone, colours
            See `ClassList`; a class may have become one that is gone itself.
        """
        made = object.__new__(cls)
        becomes = dict(gone or {})
        for value in becomes:
            for _ in becomes:  # a damaged file may lead in a circle
                becomes[value] = becomes.get(becomes[value], becomes[value])
        made._set(tuple(names), becomes, dict(colours or {}))
        return made

    def _set(self, names: tuple[str, ...], gone: Mapping[int, int], colours: Mapping[int, str]) -> None:
        for attribute, value in (("names", names), ("gone", gone), ("colours", colours)):
            object.__setattr__(self, attribute, value)
        self._check()

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
        """Return every value a mask of this project may hold: 0, 1 .. K without classes that are gone, 255."""
        values = range(1, len(self.names) + 1)
        return (BACKGROUND, *(filterfalse(self.gone.__contains__, values) if self.gone else values), IGNORE)

    @cached_property
    def current(self) -> tuple[str, ...]:
        """The names of the classes that are not gone: those an image may be labelled with."""
        return tuple(name for value, name in enumerate(self.names, start=1) if value not in self.gone)

    def counted(self, values: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Return mask values (any shape) uint8 with those of classes that are gone as what they count as.

        Where there are none it is the very same array.
        """
        if not self.gone or not np.isin(values, list(self.gone)).any():
            return values
        table = np.arange(256, dtype=np.uint8)
        table[list(self.gone)] = list(self.gone.values())
        return table[values]

    def merged_into(self, index: int) -> tuple[int, ...]:
        """Return the 0-based indices of the classes that were merged into class `index`, ascending."""
        return tuple(sorted(value - 1 for value, becomes in self.gone.items() if becomes == index + 1))

    @cached_property
    def palette(self) -> NDArray[np.uint8]:
        """(256, 3) uint8 RGB of mask files: PASCAL VOC's, background black, ignore light grey."""
        palette = voc_colours(256)
        palette[IGNORE] = (224, 224, 192)
        return palette

    @cached_property
    def screen(self) -> NDArray[np.uint8]:
        """(256, 3) uint8 RGB of mask values on a screen: background black, classes told apart by everybody.

        A colour that a person chose takes the place of the palette's.
        """
        colours = self.palette.copy()
        colours[1 : len(self) + 1] = screen_colours(len(self))
        for value, text in self.colours.items():
            colours[value] = list(bytes.fromhex(text[1:]))
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


def alike(one: Sequence[int], other: Sequence[int]) -> bool:
    """Tell whether two colours (RGB, 0 to 255) can hardly be told apart where they lie over a photograph.

    Measured is the distance in CIE L*a*b* (D65); about 2 is just noticed side by side, `LEAST_DISTANCE` is asked for.
    """
    first, second = (_lab(np.asarray(colour, float) / 255) for colour in (one, other))
    return float(np.linalg.norm(first - second)) < LEAST_DISTANCE


def _lab(colour: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return a colour (3,) sRGB in [0, 1] in CIE L*a*b*."""
    linear = np.where(colour <= 0.04045, colour / 12.92, ((colour + 0.055) / 1.055) ** 2.4)
    x, y, z = np.cbrt(TO_XYZ @ linear)
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


def natural_order(names: Sequence[str]) -> tuple[str, ...]:
    """Return names sorted as a person would (``class2`` before ``class10``)."""
    import re

    def key(name: str) -> list[tuple[int, int, str]]:
        parts = re.split(r"(\d+)", name.casefold())
        return [(0, int(part), "") if part.isdecimal() else (1, 0, part) for part in parts]

    return tuple(sorted(names, key=key))
