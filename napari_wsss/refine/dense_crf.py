"""Fully connected CRF with mean field inference (Krähenbühl and Koltun, NIPS 2011), by the library pydensecrf.

With labels l in {background, present classes}, unary U_l(x) = -log(clip(score_l(x), 1e-5, 1)), not normalised::

    Q   <- softmax(-U)                                                          at the start
    Q_l <- softmax_l( -U_l + sum over kernels m of  w_m * (K_m Q)_l )           once per iteration
    K_smooth(x, y)     = exp(-|x - y|^2 / 2 s^2)
    K_bilateral(x, y)  = exp(-|x - y|^2 / 2 s'^2  -  |colour_x - colour_y|^2 / 2 c^2)

each kernel symmetrically normalised, Potts compatibility. The presets are the numbers of the named systems; they
were chosen for photographs whose long side has 500 pixels.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from importlib import import_module
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from napari_wsss.core.cells import working_cells
from napari_wsss.core.evidence import NOTHING, Evidence
from napari_wsss.core.maps import ActivationMaps
from napari_wsss.core.parameters import parameter
from napari_wsss.core.progress import Progress, Steps, finish
from napari_wsss.pixels.resizing import resize
from napari_wsss.processes.apart import Apart, stalls_others
from napari_wsss.refine.base import Refiner

LOWEST_SCORE = 1e-5
_CERTAINTY = 0.7  # IRN's, of its hard labels
_PUBLISHED_LONG_SIDE = 500
_LIBRARY = "pydensecrf.densecrf"
_ADVICE = (
    'pip install "napari-wsss[crf]" (it is compiled: on Debian or Ubuntu first apt-get install g++ python3-dev; '
    "Python 3.11 or 3.12)."
)


@dataclass(frozen=True)
class Kernels:
    """Numbers of one CRF.

    Parameters
    ----------
    iterations : int
        Mean field updates.
    smooth_sigma, smooth_weight : float
        Width s in pixels and weight of the kernel that knows positions only; weight 0 leaves it out.
    spatial_sigma, colour_sigma, weight : float
        Width s' in pixels, width c in grey values and weight of the bilateral kernel; weight 0 leaves it out.
    """

    iterations: int = 10
    smooth_sigma: float = 3.0
    smooth_weight: float = 3.0
    spatial_sigma: float = 80.0
    colour_sigma: float = 13.0
    weight: float = 10.0

    def scaled(self, factor: float) -> Kernels:
        """Return the kernels with both spatial widths times `factor`."""
        return replace(self, smooth_sigma=self.smooth_sigma * factor, spatial_sigma=self.spatial_sigma * factor)


PRESETS: dict[str, Kernels] = {
    "psa": Kernels(10, 3, 3, 80, 13, 10),
    "irn": Kernels(10, 3, 3, 50, 5, 10),
    "edam": Kernels(3, 3, 3, 80, 13, 10),
    "deeplab": Kernels(10, 1, 3, 67, 3, 4),
    "probabilities": Kernels(5, 3, 3, 62, 8, 5),
}
"""By system; `probabilities` is our own, milder, for a network that was shown true pixels."""


class DenseCrf(Refiner):
    """Pulls the borders of the maps to the borders in the image."""

    title = "Dense CRF"
    needs = frozenset({"background"})
    gives = frozenset({"background"})
    requires: ClassVar = {_LIBRARY: ("crf", _ADVICE)}
    instead = "pixel_correlation"

    @dataclass(frozen=True)
    class Parameters:
        """Dense CRF."""

        preset: str = parameter(
            "psa",
            "Preset",
            "Numbers of a published system; custom takes the fields below. irn reads the maps as hard labels.",
            choices=(*PRESETS, "custom"),
        )
        scale_with_image: bool = parameter(
            True, "Scale with image", "Kernel widths are for 500 pixels on the long side; scale them to this image."
        )
        iterations: int = parameter(10, "Iterations", "Mean field updates.", bounds=(0, 100), advanced=True)
        smooth_sigma: float = parameter(
            3.0, "Smoothness width (sxy)", "In pixels.", bounds=(0.1, 1000.0), advanced=True
        )
        smooth_weight: float = parameter(
            3.0, "Smoothness weight", "0 leaves it out.", bounds=(0.0, 100.0), advanced=True
        )
        spatial_sigma: float = parameter(
            80.0, "Bilateral width (sxy)", "In pixels.", bounds=(0.1, 1000.0), advanced=True
        )
        colour_sigma: float = parameter(
            13.0, "Bilateral colour width (srgb)", "In grey values.", bounds=(0.1, 255.0), advanced=True
        )
        weight: float = parameter(10.0, "Bilateral weight", "0 leaves it out.", bounds=(0.0, 100.0), advanced=True)
        label_certainty: float = parameter(
            0.0,
            "Label certainty (gt_prob)",
            "Above 0 the strongest label enters with this probability, not the scores; the irn preset uses 0.7.",
            bounds=(0.0, 0.999),
            advanced=True,
        )
        shrink: int = parameter(
            1,
            "Shrink",
            "Works on a picture with sides divided by this: 2 takes a quarter of the time. 0 chooses up to 3 by size.",
            bounds=(0, 8),
            advanced=True,
        )

    settings: Parameters

    def changed_with(self, values: Mapping[str, Any]) -> Mapping[str, Any]:
        """Leave a published preset where one of its numbers is changed; its other numbers stay."""
        kernels = PRESETS.get(self.settings.preset)
        if kernels is None or "preset" in values or not {*vars(kernels), "label_certainty"} & set(values):
            return values
        certainty = _CERTAINTY if self.settings.preset == "irn" else self.settings.label_certainty
        return {"preset": "custom", "label_certainty": certainty, **vars(kernels), **values}

    def at_scale(self, factor: float) -> DenseCrf:
        """Return the step for the image at another size.

        Kernels that follow the size of the image do so by themselves. A smaller one is not shrunk as much.
        """
        shrink = self.settings.shrink
        settings = replace(self.settings, shrink=shrink and max(1, round(shrink * factor)))
        if not (settings.scale_with_image or factor == 1):
            kernels = self.kernels(0, 0).scaled(factor)
            certainty = _CERTAINTY if settings.preset == "irn" else settings.label_certainty
            settings = replace(settings, preset="custom", label_certainty=certainty, **vars(kernels))
        return self if settings == self.settings else DenseCrf(settings)

    def kernels(self, height: int, width: int) -> Kernels:
        """Return the numbers used for an image of this size."""
        chosen = self.settings
        kernels = PRESETS.get(chosen.preset) or Kernels(
            chosen.iterations,
            chosen.smooth_sigma,
            chosen.smooth_weight,
            chosen.spatial_sigma,
            chosen.colour_sigma,
            chosen.weight,
        )
        return kernels.scaled(max(height, width) / _PUBLISHED_LONG_SIDE) if chosen.scale_with_image else kernels

    def refine(self, image: NDArray[np.uint8], maps: ActivationMaps, evidence: Evidence = NOTHING) -> ActivationMaps:
        """Return Q of the background and of each class; maps without classes come back as they are."""
        return finish(self.steps(image, maps, evidence))

    def steps(
        self, image: NDArray[np.uint8], maps: ActivationMaps, evidence: Evidence = NOTHING
    ) -> Steps[ActivationMaps]:
        """Refine, yielding `Progress` after each mean field update; closing the generator stops there."""
        self.check_input(image, maps)
        if not maps.classes or maps.background is None:
            return maps  # one label only: nothing to decide
        cells = working_cells(*maps.size, self.settings.shrink)
        scores = maps.planes(cells)  # (1 + K, h, w)
        certainty = _CERTAINTY if self.settings.preset == "irn" else self.settings.label_certainty
        if certainty > 0:
            unary = unary_from_labels(scores.argmax(0), len(scores), certainty)
        else:
            unary = unary_from_scores(scores)
        compute = _apart.steps if stalls_others() else mean_field
        kernels = self.kernels(*maps.size).scaled(max(cells.grid) / max(cells.size))
        found = yield from compute(resize(image, *cells.grid), unary, kernels)
        return ActivationMaps.of_cells(found, maps.classes, maps.size, maps.undecided)


def unary_from_scores(scores: NDArray[np.floating], lowest: float = LOWEST_SCORE) -> NDArray[np.float32]:
    """Return -log(clip(scores, lowest, 1)) (L,H,W) float32 of scores (L,H,W); they need not sum to 1."""
    return -np.log(np.clip(scores.astype(np.float32, copy=False), np.float32(lowest), np.float32(1)))


def unary_from_labels(labels: NDArray[np.integer], count: int, certainty: float) -> NDArray[np.float32]:
    """Return the unary (L,H,W) float32 of hard labels.

    Parameters
    ----------
    labels : (H, W) integer
        0 to `count` - 1.
    count : int
        L, at least 2.
    certainty : float in (0, 1)
        Probability of the given label; the others share the rest.
    """
    given = labels[None] == np.arange(count)[:, None, None]  # (L, H, W)
    other = (1 - certainty) / (count - 1)
    unary: NDArray[np.float32] = np.where(given, -np.log(np.float32(certainty)), -np.log(np.float32(other)))
    return unary


def mean_field(image: NDArray[np.uint8], unary: NDArray[np.float32], kernels: Kernels) -> Steps[NDArray[np.float32]]:
    """Run mean field inference and return Q (L,H,W) float32, summing to 1 over L.

    One update at a time, so that it can be watched and stopped; the result is the same to the bit.

    Parameters
    ----------
    image : (H, W, 3) uint8
        RGB.
    unary : (L, H, W) float32
        Energies; L at least 2.
    kernels : Kernels
        Spatial widths in pixels of this image.
    """
    crf = yield from _prepared(image, len(unary), kernels)
    return (yield from _updated(crf, unary, kernels.iterations))


def mean_field_again(
    image: NDArray[np.uint8], unary: NDArray[np.float32], kernels: Kernels
) -> Steps[NDArray[np.float32]]:
    """Do what `mean_field` does, keeping the filters of the last images.

    They take longer than several updates, and a person who moves a slider often changes the maps or the number of
    updates only.
    """
    content = hashlib.blake2b(np.ascontiguousarray(image).data).hexdigest()
    key = (content, image.shape, len(unary), replace(kernels, iterations=0))
    crf = _filters.pop(key, None)
    if crf is None:
        crf = yield from _prepared(image, len(unary), kernels)
    _filters[key] = crf
    while len(_filters) > _KEPT:
        _filters.pop(next(iter(_filters)))
    return (yield from _updated(crf, unary, kernels.iterations))


# The library holds the interpreter lock for up to seconds: where others wait for it, it works in another process.
_apart = Apart("napari_wsss.refine.dense_crf:mean_field_again")
_KEPT = 2  # the shown image at full and at half size
_filters: dict[tuple[object, ...], Any] = {}


def _prepared(image: NDArray[np.uint8], count: int, kernels: Kernels) -> Steps[Any]:
    """Return a CRF of an image for `count` labels, without unaries."""
    height, width = image.shape[:2]
    crf = import_module(_LIBRARY).DenseCRF2D(width, height, count)
    report = Progress("refine", 0, kernels.iterations)
    if kernels.smooth_weight > 0:
        crf.addPairwiseGaussian(sxy=kernels.smooth_sigma, compat=kernels.smooth_weight)
        yield report
    if kernels.weight > 0:
        crf.addPairwiseBilateral(
            sxy=kernels.spatial_sigma,
            srgb=kernels.colour_sigma,
            rgbim=np.require(image, np.uint8, ["C", "W"]),  # the library refuses read-only pixels
            compat=kernels.weight,
        )
        yield report
    return crf


def _updated(crf: Any, unary: NDArray[np.float32], iterations: int) -> Steps[NDArray[np.float32]]:
    """Return Q (L,H,W) after so many updates."""
    crf.setUnaryEnergy(np.ascontiguousarray(unary.reshape(len(unary), -1), np.float32))
    q, first, second = crf.startInference()
    for done in range(iterations):
        crf.stepInference(q, first, second)
        yield Progress("refine", done + 1, iterations)
    return np.array(q, np.float32).reshape(unary.shape)
