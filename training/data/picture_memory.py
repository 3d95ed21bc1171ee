"""Decoded pictures kept in memory, so that a training reads and decodes each file once."""

from collections.abc import Callable, Hashable

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Pixels = NDArray[np.uint8]
CACHE_BYTES = 4 * 2**30


class PictureMemory:
    """Images (H, W, 3) and maps (H, W), uint8, by key; what finds no room is made anew every time.

    Parameters
    ----------
    longest_side : int
        Larger images are stored smaller (mean of the pixels), maps with them (nearest neighbour).
    capacity : int
        In bytes.
    """

    def __init__(self, longest_side: int, capacity: int = CACHE_BYTES) -> None:
        self._longest_side = longest_side
        self._room = capacity
        self._kept: dict[Hashable, Pixels] = {}

    def kept(self, key: Hashable, make: Callable[[], Pixels]) -> Pixels:
        """Return what is kept under `key`, at first what `make` returns, fitted."""
        if key not in self._kept:
            pixels = self.fitted(make())
            if pixels.nbytes > self._room:
                return pixels
            self._room -= pixels.nbytes
            self._kept[key] = pixels
        return self._kept[key]

    def fitted(self, pixels: Pixels) -> Pixels:
        """Return pixels at the size at which they are stored."""
        height, width = pixels.shape[:2]
        factor = self._longest_side / max(height, width)
        if factor >= 1:
            return np.ascontiguousarray(pixels)
        size = (max(1, round(width * factor)), max(1, round(height * factor)))
        how = Image.Resampling.BOX if pixels.ndim == 3 else Image.Resampling.NEAREST
        return np.asarray(Image.fromarray(pixels).resize(size, how))
