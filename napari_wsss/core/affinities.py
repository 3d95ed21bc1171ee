"""Which neighbouring cells of an image's grid belong together: what walks over pixels need."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_wsss.core.errors import StepError


@dataclass(frozen=True)
class Affinities:
    """Affinities (P, h, w) float32 in [0, 1] of every cell and its partners at P offsets.

    Each pair is there once: of two opposite directions only one is among the offsets.

    Parameters
    ----------
    values : (P, h, w) float32 in [0, 1]
        ``values[p, y, x]`` is that of the cells (y, x) and (y, x) + ``offsets[p]``; 0 where the partner lies outside.
        The grid spans the whole image.
    offsets : (P, 2) int
        (dy, dx) in cells.
    boundary : (h, w) float32 in [0, 1], optional
        How likely a class boundary runs through a cell, where the network says so.
    """

    values: NDArray[np.float32]
    offsets: NDArray[np.intp]
    boundary: NDArray[np.float32] | None = None

    def __post_init__(self) -> None:
        if self.values.ndim != 3 or self.offsets.shape != (len(self.values), 2):
            raise StepError(
                f"Affinities have shape {self.values.shape} for offsets of shape {self.offsets.shape}; expected (P, h, "
                "w) and (P, 2)."
            )
        if self.boundary is not None and self.boundary.shape != self.grid:
            raise StepError(f"A boundary of shape {self.boundary.shape} does not fit the grid {self.grid}.")

    @property
    def grid(self) -> tuple[int, int]:
        """Cells (h, w)."""
        height, width = self.values.shape[1:]
        return height, width
