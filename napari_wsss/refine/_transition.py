"""One step of a random walk over the cells of a grid, and the polynomial that many steps are."""

import math

import numpy as np
from numpy.typing import NDArray

from napari_wsss.core.cells import Planes

_LEFT_OUT = 1e-7


def chebyshev_coefficients(steps: int) -> NDArray[np.float64]:
    """Return the coefficients of T_0, T_1, ... in x^steps, without the last ones, which add up to less than 1e-7.

    They are positive and sum to 1, so that constant maps stay what they are.
    """
    chances = np.zeros(steps + 1)
    for k in range(steps % 2, steps + 1, 2):
        up, down = (steps + k) // 2, (steps - k) // 2
        ways = math.lgamma(steps + 1) - math.lgamma(up + 1) - math.lgamma(down + 1)
        chances[k] = (2 if k else 1) * math.exp(ways - steps * math.log(2))
    beyond = 1 - np.cumsum(chances)
    kept = chances[: int(np.argmax(beyond < _LEFT_OUT)) + 1]
    kept /= kept.sum()
    return kept


class Transition:
    """The sparse matrix T as one plane of weights per offset, over a grid whose rows are padded to keep shifts apart.

    Parameters
    ----------
    values : (P, h, w) float32 in [0, 1]
        Affinities, 0 where a partner lies outside.
    offsets : (P, 2) int
        (dy, dx) in cells.
    power : float
        Exponent of the affinities.

    Attributes
    ----------
    weights : (P, N) float32
        Affinities to that power, row by row of the padded grid.
    shifts : list of int
        From a cell to its partner in such a row.
    share : (1, N) float32
        What a cell keeps of its own, 1 / the sum of its weights; 0 between the grid's rows.
    """

    def __init__(self, values: Planes, offsets: NDArray[np.intp], power: float) -> None:
        _, self._height, self._width = values.shape
        self._pitch = self._width + int(np.abs(offsets[:, 1]).max(initial=0))
        self.shifts = [int(dy) * self._pitch + int(dx) for dy, dx in offsets]
        self.weights = self.flat(values ** np.float32(power))  # (P, N)
        inside = self.flat(np.ones((1, self._height, self._width), np.float32))
        self.share = inside / np.maximum(inside + self._spread(inside), 1)  # a cell's own share is 1

    def flat(self, planes: Planes) -> Planes:
        """Return planes (K,h,w) as rows (K,N) with zeros between the grid's rows."""
        room = ((0, 0), (0, 0), (0, self._pitch - self._width))
        return np.pad(planes.astype(np.float32, copy=False), room).reshape(len(planes), -1)

    def unflat(self, rows: Planes) -> Planes:
        """Return what `flat` was given."""
        planes = rows.reshape(len(rows), self._height, self._pitch)[:, :, : self._width]
        return np.ascontiguousarray(planes)

    def mean(self, rows: Planes) -> Planes:
        """Return rows (K,N) after one step: the weighted mean of each cell and its partners."""
        found = self._spread(rows)
        found += rows
        found *= self.share
        return found

    def _spread(self, rows: Planes) -> Planes:
        """Return what every cell gets from its partners (K,N), both ways of each pair."""
        found, product = np.zeros_like(rows), np.empty_like(rows)
        length = rows.shape[1]
        for weights, shift in zip(self.weights, self.shifts, strict=True):
            here = slice(max(0, -shift), max(0, length - max(0, shift)))
            there = slice(here.start + shift, here.stop + shift)
            part = product[:, here]
            found[:, here] += np.multiply(rows[:, there], weights[here], out=part)
            found[:, there] += np.multiply(rows[:, here], weights[here], out=part)
        return found
