"""What a file or folder with several planes and channels says of itself, whatever its format."""

import math
from dataclasses import dataclass

import numpy as np

CHANNEL, DEPTH = "C", "Z"
_WORDS = {"Z": "focus plane", "T": "time"}
_NAMES_SHOWN, _LONGEST_TEXT = 6, 40


@dataclass(frozen=True)
class Stack:
    """What a TIFF file or an OME-Zarr folder holds.

    Parameters
    ----------
    planes : int
        Pictures a project may have as images of their own.
    channels : int
        Samples of each pixel of a plane, which may lie in pages of their own.
    axes : str
        Letters of what the planes differ in (``Z``, ``TZ``), "" for plain pages.
    lengths : tuple of int
        How many of each there are.
    names : tuple of str
        Names of the channels, where the file gives them.
    pixel_size : str
        As ``0.325 x 0.325 µm``, "" where the file does not say.
    series : int
        Pictures of another kind in the file, the first of which counts (an OME-TIFF may hold several).
    """

    planes: int
    channels: int
    axes: str = ""
    lengths: tuple[int, ...] = ()
    names: tuple[str, ...] = ()
    pixel_size: str = ""
    series: int = 1

    @property
    def is_volume(self) -> bool:
        """Whether its planes are slices of a volume."""
        return DEPTH in self.axes

    def place_of(self, plane: int) -> str:
        """Return where a plane (from 1) lies: ``page 3 of 5``, ``focus plane 3 of 5``."""
        if not self.axes:
            return f"page {plane} of {self.planes}" if self.planes > 1 else ""
        places = np.unravel_index(plane - 1, self.lengths)
        parts = zip(self.axes, places, self.lengths, strict=True)
        return ", ".join(f"{_WORDS.get(a, a)} {int(at) + 1} of {length}" for a, at, length in parts if length > 1)

    @property
    def left_out(self) -> str:
        """Which planes are left out where the file is one image, "" when none is."""
        if self.planes == 1:
            return ""
        if self.is_volume:
            return f"first of {self.planes} focus planes: volumes are not shown as such"
        return f"first of {self.planes} pages"

    @property
    def named(self) -> str:
        """What the file says of itself: names of its channels and the size of a pixel, "" when nothing."""
        shown = ", ".join(f"{number} {name}" for number, name in enumerate(self.names[:_NAMES_SHOWN], 1))
        size = f"pixel {self.pixel_size}" if self.pixel_size else ""
        return "; ".join(filter(None, (f"channels {shown}" if shown else "", size)))

    def called(self, channel: int) -> str:
        """Return a channel (from 1) with its name: ``2 (GFP)``."""
        name = self.names[channel - 1] if 0 < channel <= len(self.names) else ""
        return f"{channel} ({name})" if name else str(channel)


def plain(text: str) -> str:
    """Return what can be printed of a stranger's text, so long as it fits a line."""
    return "".join(one for one in text if one.isprintable())[:_LONGEST_TEXT].strip()


def size_text(across: str | float, down: str | float, unit: str) -> str:
    """Return the size of a pixel in words, "" where it is none."""
    sizes = _number(across), _number(down)
    return f"{sizes[0]} x {sizes[1]} {plain(unit)}" if all(sizes) else ""


def _number(value: str | float) -> str:
    try:
        return f"{float(value):.4g}" if math.isfinite(float(value)) and float(value) > 0 else ""
    except (TypeError, ValueError):
        return ""
