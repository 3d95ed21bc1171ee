"""How the cells of a coarse grid lie on an image, and bringing planes from one to the other."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Planes = NDArray[np.float32]

_STRIDES = (1, 2, 4, 8, 16, 32)
_LEAST_SIDE, _MOST_SHRINK = 160, 3  # docs/benchmarks.md says what it costs


@dataclass(frozen=True)
class Cells:
    """How the cells (h,w) of a grid lie on an image (H,W): of equal size from the first pixel, the last maybe cut."""

    size: tuple[int, int]
    grid: tuple[int, int]

    @property
    def steps(self) -> tuple[float, float]:
        """Rows and columns of pixels per cell: a stride of networks where one fits, else the sides in equal parts."""
        fitting = [s for s in _STRIDES if all(-(-n // s) == c for n, c in zip(self.size, self.grid, strict=True))]
        if fitting:
            return float(fitting[-1]), float(fitting[-1])
        return self.size[0] / self.grid[0], self.size[1] / self.grid[1]

    def averaged(self, planes: Planes, *, count_outside: bool = False) -> Planes:
        """Return the mean (K,h,w) of the pixels of each cell; with `count_outside` what is cut off counts as 0."""
        if self.grid == self.size:
            return planes
        for axis, (pixels, cells, step) in enumerate(zip(self.size, self.grid, self.steps, strict=True), start=1):
            ends = np.minimum(np.ceil(np.arange(cells + 1) * step).astype(np.intp), pixels)
            counted = np.full(cells, step) if count_outside else np.diff(ends)
            shape = [-1 if at == axis else 1 for at in range(3)]
            share = (1 / counted).astype(np.float32).reshape(shape)
            planes = np.add.reduceat(planes, ends[:-1], axis) * share
        return planes

    def enlarged(self, planes: Planes) -> Planes:
        """Return planes (K,h,w) at the image's size, bilinear between the centres of the cells."""
        if self.grid == self.size:
            return planes
        for axis, (pixels, cells, step) in enumerate(zip(self.size, self.grid, self.steps, strict=True), start=1):
            position = np.clip((np.arange(pixels) + 0.5) / step - 0.5, 0, cells - 1)
            first = np.minimum(position.astype(np.intp), max(0, cells - 2))
            share = (position - first).astype(np.float32).reshape([-1 if at == axis else 1 for at in range(3)])
            lower = planes.take(first, axis)
            planes = lower + share * (planes.take(np.minimum(first + 1, cells - 1), axis) - lower)
        return planes


def working_cells(height: int, width: int, shrink: int = 0) -> Cells:
    """Return the grid on which what comes from coarse features is drawn to the borders of an image.

    Parameters
    ----------
    height, width : int
        Of the image.
    shrink : int
        What its sides are divided by; 0 chooses up to 3, as long as the longer one keeps 160 pixels.
    """
    shrink = shrink or min(max(1, max(height, width) // _LEAST_SIDE), _MOST_SHRINK)
    return Cells((height, width), (math.ceil(height / shrink), math.ceil(width / shrink)))
