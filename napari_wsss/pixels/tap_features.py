"""Features of one image at several depths of a trunk, small enough to be kept for every image of a project.

Each channel x of each tap is kept in 8 bits between its least and largest value in this image::

    q = round((x - low) / step),   step = (high - low) / 255,   |x - (low + step q)| <= step / 2

Taps keep their own grids: deep ones have many channels and few cells, and are brought to the finest grid when they are
read. What is kept is what is learned from and answered from, so that nothing depends on what was just computed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from napari_wsss.core.errors import StepError

LEVELS = 255


@dataclass(frozen=True, eq=False)
class TapFeatures:
    """Features of an image in 8 bits.

    Parameters
    ----------
    size : (int, int)
        Height and width of the image in pixels.
    planes : tuple of (C, h, w) uint8
        One array per tap, the finest grid first.
    lows, steps : tuple of (C,) float32
        Value of level 0 and distance of two levels, of each channel.
    """

    size: tuple[int, int]
    planes: tuple[NDArray[np.uint8], ...]
    lows: tuple[NDArray[np.float32], ...]
    steps: tuple[NDArray[np.float32], ...]

    def __post_init__(self) -> None:
        if not len(self.planes) == len(self.lows) == len(self.steps) > 0:
            raise StepError(f"{len(self.planes)} taps have {len(self.lows)} lows and {len(self.steps)} steps.")

    @classmethod
    def of(cls, size: tuple[int, int], taps: Sequence[NDArray[np.float32]]) -> TapFeatures:
        """Return features (C,h,w) float32 of each tap, kept in 8 bits; the finest grid comes first."""
        ordered = sorted(taps, key=lambda tap: -tap.shape[1] * tap.shape[2])
        lows = tuple(tap.min((1, 2)).astype(np.float32) for tap in ordered)
        highs = (tap.max((1, 2)).astype(np.float32) for tap in ordered)
        steps = tuple((high - low) / LEVELS for high, low in zip(highs, lows, strict=True))
        kept = (_levels(*one) for one in zip(ordered, lows, steps, strict=True))
        return cls(size, tuple(kept), lows, steps)

    @property
    def grid(self) -> tuple[int, int]:
        """Rows and columns of the finest tap."""
        height, width = self.planes[0].shape[1:]
        return height, width

    @property
    def channels(self) -> int:
        """Channels of all taps together."""
        return sum(len(plane) for plane in self.planes)

    @cached_property
    def nbytes(self) -> int:
        """Bytes of the kept levels."""
        return sum(plane.nbytes for plane in self.planes)

    def values(self) -> tuple[NDArray[np.float32], ...]:
        """Return the features (C,h,w) float32 of each tap."""
        kept = zip(self.planes, self.lows, self.steps, strict=True)
        return tuple(plane * step[:, None, None] + low[:, None, None] for plane, low, step in kept)


def _levels(tap: NDArray[np.float32], low: NDArray[np.float32], step: NDArray[np.float32]) -> NDArray[np.uint8]:
    # A channel without any difference has step 0; its level is 0.
    apart = np.where(step > 0, step, 1)[:, None, None]
    return np.rint((tap - low[:, None, None]) / apart).clip(0, LEVELS).astype(np.uint8)
