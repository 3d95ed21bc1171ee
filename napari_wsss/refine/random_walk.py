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

import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_wsss.core.affinities import Affinities
from napari_wsss.core.cells import Cells, Planes
from napari_wsss.core.evidence import NOTHING, Evidence
from napari_wsss.core.maps import ActivationMaps
from napari_wsss.core.parameters import parameter
from napari_wsss.core.progress import Progress, Steps, finish
from napari_wsss.refine._transition import Transition, chebyshev_coefficients
from napari_wsss.refine.base import Refiner

_BETWEEN_REPORTS = 8
# Multiplications from which copying the walk to a GPU is quicker than doing it here (about 0.3 s on one core).
_PAYS_ON_GPU = 3e8


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

        # PSA's power of 8 and its 256 steps are for a network trained long on large images: on smaller ones they carry
        # scores over the whole image.
        affinity_power: float = parameter(
            10.0,
            "Affinity power (beta)",
            "Larger lets scores pass among the most similar pixels only; PSA 8, IRN 10.",
            bounds=(0.1, 64.0),
        )
        log2_steps: int = parameter(
            5, "Steps (t)", "2^t steps: each more doubles how far scores spread; PSA and IRN 8, SEAM 6.", bounds=(0, 12)
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
            self.gives = frozenset({"background"})

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
    rows = transition.flat(maps)
    if _gpu_pays(rows.size * len(values) * len(coefficients)):
        found = yield from _on_gpu(transition, rows, coefficients)
    else:
        found = yield from _polynomial(transition.mean, rows, coefficients)
    return transition.unflat(found)


def _gpu_pays(multiplications: int) -> bool:
    # Where nothing has loaded torch yet, loading it would take longer than the walk.
    torch = sys.modules.get("torch")
    return torch is not None and multiplications > _PAYS_ON_GPU and torch.cuda.is_available()


def _on_gpu(
    transition: Transition, rows: Planes, coefficients: NDArray[np.float64], device: str = "cuda"
) -> Steps[Planes]:
    """Return what `_polynomial` does, by products with one sparse matrix on a device."""
    import torch

    from napari_wsss.networks.sparse_walk import transition_matrix

    weights, share = (torch.from_numpy(array).to(device) for array in (transition.weights, transition.share))
    matrix = transition_matrix(weights, transition.shifts, share[0])
    start = torch.from_numpy(rows.T.copy()).to(device)  # (N, K)
    found = yield from _polynomial(lambda now: matrix @ now, start, coefficients)
    return np.ascontiguousarray(found.T.cpu().numpy())


def _polynomial(mean: Callable[[Any], Any], start: Any, coefficients: NDArray[np.float64]) -> Steps[Any]:
    """Return the sum of coefficients times T_k(transition) start, by T_(k+1) = 2 x T_k - T_(k-1).

    Arrays of numpy and tensors alike; `mean` returns a new one.
    """
    before, now = start, start
    total = float(coefficients[0]) * start
    for k, coefficient in enumerate(coefficients[1:], start=1):
        following = mean(now)
        if k > 1:
            following *= 2
            following -= before
        before, now = now, following
        if coefficient:
            total += float(coefficient) * now
        if k % _BETWEEN_REPORTS == 0:
            yield Progress("refine", k, len(coefficients) - 1)
    return total


def _inner(affinities: Affinities) -> NDArray[np.bool_]:
    """Return the cells (h,w) whose partners all lie inside; every cell where there is none such."""
    rows, columns = (np.arange(n)[:, None] + affinities.offsets[:, axis] for axis, n in enumerate(affinities.grid))
    inside = [np.all((at >= 0) & (at < n), axis=1) for at, n in zip((rows, columns), affinities.grid, strict=True)]
    found: NDArray[np.bool_] = inside[0][:, None] & inside[1]
    return found if found.any() else np.ones_like(found)
