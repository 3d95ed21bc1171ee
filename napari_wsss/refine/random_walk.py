"""Random walks over pixels that belong together (PSA, Ahn and Kwak, CVPR 2018; IRN, Ahn et al., CVPR 2019).

With affinities a_ij of neighbouring cells, a_ii = 1, and maps m (one row per class)::

    T_ij = a_ij^beta / sum_i a_ij^beta              PSA equation 5, IRN equation 8
    m'   = m T^(2^t)                                every cell becomes a mean over cells it is reached from

T^n is never formed. As its eigenvalues lie in [-1, 1], x^n is written in Chebyshev polynomials T_k, whose coefficients
are the chances that n steps of +-1 end k away from the start::

    x^n = sum_k P(|S_n| = k) T_k(x)

Those beyond about 5 sqrt(n) add up to less than 1e-7 and are left out: 256 steps cost 86 products with the sparse T.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_wsss.core.affinities import Affinities
from napari_wsss.core.evidence import NOTHING, Evidence
from napari_wsss.core.maps import ActivationMaps
from napari_wsss.core.parameters import parameter
from napari_wsss.core.progress import Progress, Steps, finish
from napari_wsss.refine.base import Refiner

Planes = NDArray[np.float32]

_LEFT_OUT = 1e-7
_BETWEEN_REPORTS = 8
_STRIDES = (1, 2, 4, 8, 16, 32)


class RandomWalk(Refiner):
    """Scores spread among pixels that belong together, and stop at the borders of objects.

    What the maps carry decides what walks. Without a background the classes walk alone and are brought back to a
    maximum of 1 over all of them, as in IRN: put a background step after this one. A background they carry (of a
    background step, of a CRF, of a segmentation network) walks along and nothing is rescaled. `with_background` makes
    one of their own first, as in PSA.
    """

    title = "Random walk"
    needs = frozenset({"affinity"})

    @dataclass(frozen=True)
    class Parameters:
        """Random walk."""

        affinity_power: float = parameter(
            8.0,
            "Affinity power (beta)",
            "Larger lets scores pass among the most similar pixels only; PSA 8, IRN 10.",
            bounds=(0.1, 64.0),
        )
        log2_steps: int = parameter(
            8, "Steps (t)", "2^t steps: each more doubles how far scores spread; PSA and IRN 8, SEAM 6.", bounds=(0, 12)
        )
        with_background: bool = parameter(
            False,
            "Make a background",
            "Set a power background first and let it walk with the classes, as PSA does; it replaces any before.",
        )
        background_power: float = parameter(
            16.0,
            "Background power (alpha)",
            "Of the background made here; larger means more object. PSA 16, SEAM 6.",
            bounds=(0.01, 1000.0),
        )
        isolated_border: bool = parameter(
            False,
            "Border as published",
            "Cells near the border that have not all their partners inside start no pair, which isolates ten of them, "
            "and cells that reach beyond the image count as partly empty. Only for comparing with PSA's code.",
            advanced=True,
        )

    settings: Parameters

    def __init__(self, parameters: Parameters | None = None) -> None:
        super().__init__(parameters)
        if self.settings.with_background:
            self.gives = frozenset({"background"})  # type: ignore[misc]

    def refine(self, image: NDArray[np.uint8], maps: ActivationMaps, evidence: Evidence = NOTHING) -> ActivationMaps:
        """Return the maps after the walk, and the background where one walked."""
        return finish(self.steps(image, maps, evidence))

    def steps(
        self, image: NDArray[np.uint8], maps: ActivationMaps, evidence: Evidence = NOTHING
    ) -> Steps[ActivationMaps]:
        """Refine, yielding `Progress` every few products; closing the generator stops there."""
        self.check_input(image, maps)
        chosen = self.settings
        background = self._background(maps)
        if not maps.classes:
            return maps.with_scores(maps.scores, background)
        affinities = evidence.affinity()
        planes = maps.scores if background is None else np.concatenate([maps.scores, background[None]])
        grid = Cells(maps.size, affinities.grid)
        walked = yield from walking(
            grid.averaged(planes, count_outside=chosen.isolated_border),
            affinities,
            power=chosen.affinity_power,
            steps=2**chosen.log2_steps,
            isolated_border=chosen.isolated_border,
        )
        found = np.clip(grid.enlarged(walked), 0, 1)
        if background is None:
            return maps.with_scores(found / max(float(found.max()), float(np.finfo(np.float32).tiny)))
        return maps.with_scores(found[:-1], found[-1])

    def _background(self, maps: ActivationMaps) -> Planes | None:
        if not self.settings.with_background:
            return maps.background
        strongest, _ = maps.strongest()
        return np.clip(1 - strongest, 0, 1) ** np.float32(self.settings.background_power)


def walk(maps: Planes, affinities: Affinities, *, power: float, steps: int, isolated_border: bool = False) -> Planes:
    """Return maps (K,h,w) float32 after a random walk.

    Parameters
    ----------
    maps : (K, h, w) float32
        On the grid of the affinities. Where a boundary is known, cells give on only what lies not on it (IRN).
    affinities : Affinities
    power : float
        Exponent beta of the affinities.
    steps : int
        Of the walk, from 0. The result is that of so many steps up to 1e-5.
    isolated_border : bool
        Leave out pairs of cells that have not all their partners inside, as PSA's code does.

    Raises
    ------
    ValueError
        When maps and affinities have different grids.
    """
    return finish(walking(maps, affinities, power=power, steps=steps, isolated_border=isolated_border))


def walking(
    maps: Planes, affinities: Affinities, *, power: float, steps: int, isolated_border: bool = False
) -> Steps[Planes]:
    """Do what `walk` does, yielding `Progress` every few products."""
    if maps.shape[1:] != affinities.grid:
        raise ValueError(f"Maps of the grid {maps.shape[1:]} cannot walk over affinities of {affinities.grid}.")
    if affinities.boundary is not None:
        maps = maps * (1 - affinities.boundary)
    values = affinities.values
    if isolated_border:
        values = values * _inner(affinities)
    transition = Transition(values, affinities.offsets, power)
    coefficients = chebyshev_coefficients(steps)
    found = yield from _polynomial(transition.mean, transition.flat(maps), coefficients)
    return transition.unflat(found)


def chebyshev_coefficients(steps: int) -> NDArray[np.float64]:
    """Return the coefficients of T_0, T_1, ... in x^steps, without the last ones, which add up to less than 1e-7.

    They are positive and sum to 1, so that constant maps stay what they are.
    """
    chances = [2 * math.comb(steps, (steps - k) // 2) / 2**steps * ((steps - k) % 2 == 0) for k in range(steps + 1)]
    chances[0] /= 2
    beyond = 1 - np.cumsum(chances)
    kept = np.array(chances[: int(np.argmax(beyond < _LEFT_OUT)) + 1])
    return kept / kept.sum()


def _polynomial(mean: Callable[[Planes], Planes], start: Planes, coefficients: NDArray[np.float64]) -> Steps[Planes]:
    """Return the sum of coefficients times T_k(transition) start, by T_(k+1) = 2 x T_k - T_(k-1)."""
    before, now = start, start
    total = np.float32(coefficients[0]) * start
    for k, coefficient in enumerate(coefficients[1:], start=1):
        following = mean(now)
        if k > 1:
            following *= 2
            following -= before
        before, now = now, following
        if coefficient:
            total += np.float32(coefficient) * now
        if k % _BETWEEN_REPORTS == 0:
            yield Progress("refine", k, len(coefficients) - 1)
    return total


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
    """

    def __init__(self, values: Planes, offsets: NDArray[np.intp], power: float) -> None:
        _, self._height, self._width = values.shape
        self._pitch = self._width + int(np.abs(offsets[:, 1]).max(initial=0))
        self._shifts = [int(dy) * self._pitch + int(dx) for dy, dx in offsets]
        self._weights = self.flat(values ** np.float32(power))  # (P, N)
        inside = self.flat(np.ones((1, self._height, self._width), np.float32))
        self._share = inside / np.maximum(inside + self._spread(inside), 1)  # a cell's own share is 1

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
        found *= self._share
        return found

    def _spread(self, rows: Planes) -> Planes:
        """Return what every cell gets from its partners (K,N), both ways of each pair."""
        found, product = np.zeros_like(rows), np.empty_like(rows)
        length = rows.shape[1]
        for weights, shift in zip(self._weights, self._shifts, strict=True):
            here = slice(max(0, -shift), max(0, length - max(0, shift)))
            there = slice(here.start + shift, here.stop + shift)
            part = product[:, here]
            found[:, here] += np.multiply(rows[:, there], weights[here], out=part)
            found[:, there] += np.multiply(rows[:, here], weights[here], out=part)
        return found


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
        for axis, (pixels, cells, step) in enumerate(zip(self.size, self.grid, self.steps, strict=True), start=1):
            ends = np.minimum(np.ceil(np.arange(cells + 1) * step).astype(np.intp), pixels)
            counted = np.full(cells, step) if count_outside else np.diff(ends)
            shape = [-1 if at == axis else 1 for at in range(3)]
            planes = np.add.reduceat(planes, ends[:-1], axis) / counted.astype(np.float32).reshape(shape)
        return planes

    def enlarged(self, planes: Planes) -> Planes:
        """Return planes (K,h,w) at the image's size, bilinear between the centres of the cells."""
        for axis, (pixels, cells, step) in enumerate(zip(self.size, self.grid, self.steps, strict=True), start=1):
            position = np.clip((np.arange(pixels) + 0.5) / step - 0.5, 0, cells - 1)
            first = np.minimum(position.astype(np.intp), max(0, cells - 2))
            share = (position - first).astype(np.float32).reshape([-1 if at == axis else 1 for at in range(3)])
            lower = planes.take(first, axis)
            planes = lower + share * (planes.take(np.minimum(first + 1, cells - 1), axis) - lower)
        return planes


def _inner(affinities: Affinities) -> NDArray[np.bool_]:
    """Return the cells (h,w) whose partners all lie inside; every cell where there is none such."""
    rows, columns = (np.arange(n)[:, None] + affinities.offsets[:, axis] for axis, n in enumerate(affinities.grid))
    inside = [((at >= 0) & (at < n)).all(1) for at, n in zip((rows, columns), affinities.grid, strict=True)]
    found = inside[0][:, None] & inside[1]
    return found if found.any() else np.ones_like(found)
