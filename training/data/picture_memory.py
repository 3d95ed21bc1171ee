"""Decoded pictures kept in memory, so that a training reads and decodes each file once."""

from collections.abc import Callable, Hashable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from training.distributed import world

Pixels = NDArray[np.uint8]
LEAST = 4 * 2**30
"""Bytes that pictures may take where nobody says more and so much is free."""
_chosen = 0


def choose_capacity(gigabytes: float) -> None:
    """Let memories made from now on have so much room, 0 for `free_share`."""
    global _chosen
    _chosen = round(gigabytes * 2**30)


def free_share(processes: int = 1) -> int:
    """Return the bytes that pictures of one of so many processes may take: half of what is free, at least 4 GB of it.

    Where nothing tells what is free, 4 GB.
    """
    free = _free_bytes()
    return LEAST if free is None else min(free, max(LEAST, free // 2)) // processes


def _free_bytes() -> int | None:
    """Return how many bytes programs can still get (Linux), within a container's limit too."""
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
        found = next(int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:"))
    except (OSError, StopIteration, ValueError):
        return None
    try:
        most, used = (int(Path(f"/sys/fs/cgroup/memory.{name}").read_text()) for name in ("max", "current"))
    except (OSError, ValueError):
        return found
    return max(0, min(found, most - used))


class PictureMemory:
    """Images (H, W, 3) and maps (H, W), uint8, by key; what finds no room is made anew every time.

    Parameters
    ----------
    longest_side : int
        Larger images are stored smaller (mean of the pixels), maps with them (nearest neighbour).
    capacity : int, optional
        In bytes; without it what `choose_capacity` chose.
    """

    def __init__(self, longest_side: int, capacity: int | None = None) -> None:
        self._longest_side = longest_side
        self._room = (_chosen or free_share(world().local_size)) if capacity is None else capacity
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

    def fitted(self, pixels: Pixels, size: tuple[int, int] | None = None) -> Pixels:
        """Return pixels at the size at which those of a picture of `size` (height, width), their own, are stored."""
        height, width = size or pixels.shape[:2]
        factor = min(1.0, self._longest_side / max(height, width))
        wanted = (max(1, round(height * factor)), max(1, round(width * factor)))
        if wanted == pixels.shape[:2]:
            return np.ascontiguousarray(pixels)
        how = Image.Resampling.BOX if pixels.ndim == 3 else Image.Resampling.NEAREST
        return np.asarray(Image.fromarray(pixels).resize(wanted[::-1], how))
