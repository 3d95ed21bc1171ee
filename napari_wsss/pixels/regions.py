"""Where to look in an image: boxes around the places of a picture of numbers that matter most.

Boxes are found on a grid of at most `GRID` cells a side, so that the largest photograph costs a few milliseconds.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Field = NDArray[np.float32]
GRID = 192
SMOOTHING = 1.5
"""Cells; regions nearer to each other than about twice this are one."""
LARGEST, SMALLEST = 1 / 3, 1 / 6
"""Sides of the boxes as shares of the image's: large regions are looked at piece by piece, small ones with room around
them."""
FAINT = 0.02
"""Smoothed values (of 1) below which nothing is worth looking at."""


@dataclass(frozen=True)
class Box:
    """A rectangle of pixels, rows ``top`` to ``bottom`` and columns ``left`` to ``right`` (both without the end).

    Parameters
    ----------
    top, left, bottom, right : int
    mass : float
        Sum of the values that made it worth a look, in pixels.
    """

    top: int
    left: int
    bottom: int
    right: int
    mass: float = 0.0

    @property
    def centre(self) -> tuple[float, float]:
        """(row, column) of the middle."""
        return (self.top + self.bottom - 1) / 2, (self.left + self.right - 1) / 2

    @property
    def size(self) -> tuple[int, int]:
        """(height, width) in pixels."""
        return self.bottom - self.top, self.right - self.left

    def holds(self, row: float, column: float) -> bool:
        """Return True when a position lies inside."""
        return self.top <= row < self.bottom and self.left <= column < self.right


def strongest_regions(values: Field, most: int = 8) -> tuple[Box, ...]:
    """Return boxes around the places of the largest sums, the largest first.

    Values are smoothed and cut at half of their maximum; what is connected is a region. Regions wider than `LARGEST`
    of the image are cut, and a region whose middle lies in the box of a stronger one is left out.

    Parameters
    ----------
    values : (H, W) float32 in [0, 1]
    most : int
        How many boxes at most.
    """
    step, coarse, smooth = _coarse(values)
    if not smooth.size or smooth.max() < FAINT:
        return ()
    pieces = _connected(np.where(smooth > smooth.max() / 2, 1 + _tiles(coarse.shape), 0))
    masses = np.bincount(pieces.ravel(), coarse.ravel())[1:] * step**2
    chosen: list[Box] = []
    for piece in np.argsort(-masses, kind="stable"):
        box = _box(pieces == piece + 1, step, values.shape, float(masses[piece]))
        if not any(other.holds(*box.centre) for other in chosen):
            chosen.append(box)
        if len(chosen) == most:
            break
    return tuple(chosen)


def peak_region(scores: Field) -> Box | None:
    """Return the box around what is above half of the maximum and connected with it; None where all is 0.

    Parameters
    ----------
    scores : (H, W) float32 in [0, 1]
        One activation map.
    """
    step, coarse, smooth = _coarse(scores)
    if not smooth.size or smooth.max() < FAINT:
        return None
    parts = _connected((smooth >= smooth.max() / 2).astype(np.int64))
    part = parts == parts[np.unravel_index(smooth.argmax(), smooth.shape)]
    return _box(part, step, scores.shape, float(coarse[part].sum()) * step**2)


def _coarse(values: Field) -> tuple[int, Field, Field]:
    """Return the pixels per cell, the means of the cells (h, w), and these smoothed."""
    from skimage.filters import gaussian
    from skimage.measure import block_reduce

    step = max(1, math.ceil(max(values.shape) / GRID))
    coarse = values if step == 1 else block_reduce(values, (step, step), np.mean)
    return step, coarse, gaussian(coarse, SMOOTHING, mode="nearest")


def _connected(kinds: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return (h, w) region numbers from 1: cells of one kind that touch; kind 0 stays 0."""
    from skimage.measure import label

    found: NDArray[np.int64] = label(kinds, background=0, connectivity=2)
    return found


def _tiles(shape: tuple[int, ...]) -> NDArray[np.int64]:
    """Return (h, w) numbers of the tiles that large regions are cut into."""
    across = math.ceil(1 / LARGEST)
    rows, columns = (np.arange(side) * across // side for side in shape)
    return (rows[:, None] * across + columns[None, :]).astype(np.int64)


def _box(inside: NDArray[np.bool_], step: int, shape: tuple[int, ...], mass: float) -> Box:
    """Return the box of some cells in pixels, made as large as `SMALLEST` and moved into the image."""
    bounds = []
    for axis in (0, 1):
        found = np.flatnonzero(inside.any(axis=1 - axis))
        side = shape[axis]
        least = min(side, math.ceil(side * SMALLEST))
        first, last = int(found[0]) * step, min(side, (int(found[-1]) + 1) * step)
        missing = max(0, least - (last - first))
        first = min(max(0, first - missing // 2), side - max(least, last - first))
        bounds.append((first, max(last, first + least)))
    return Box(bounds[0][0], bounds[1][0], min(bounds[0][1], shape[0]), min(bounds[1][1], shape[1]), mass)
