"""SEAM's pixel correlation (Wang et al., CVPR 2020, section 3.4) as a refinement step, with any localizer's features.

With features f_i of the cells i, to which the image's colours can be appended::

    A_ij  = ReLU(cos(f_i, f_j)) ^ beta
    out_j = sum_i n_i A_ij / sum_i A_ij

on the grid of the features; afterwards each class is stretched back to the range it had, because means shrink it. The
features are the trunk's, also after a SEAM network, whose maps went through its learned embedding already: in trials
they lifted SEAM's seeds more than its embedding did once more. The background is not part
of this: it stays what it was, so that a background step belongs after this one.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from numpy.typing import NDArray

from napari_wsss.core.evidence import NOTHING, Evidence
from napari_wsss.core.maps import ActivationMaps
from napari_wsss.core.parameters import parameter
from napari_wsss.core.progress import Progress, Steps, finish
from napari_wsss.refine.base import Refiner

if TYPE_CHECKING:
    from torch import Tensor

_EPSILON = 1e-5
_ADVICE = 'pip install "napari-wsss[torch]".'


class PixelCorrelation(Refiner):
    """Pixels that look alike share their scores, wherever they are in the image."""

    title = "Pixel correlation"
    needs = frozenset({"features"})
    requires: ClassVar = {"torch": ("torch", _ADVICE)}

    @dataclass(frozen=True)
    class Parameters:
        """Pixel correlation."""

        # A classifier's features are less selective than ones learned for this, so that SEAM's own single iteration at
        # power 1 smooths too much; docs/benchmarks.md has what these defaults are worth.
        iterations: int = parameter(2, "Iterations", "How often scores are shared; 0 changes nothing.", bounds=(0, 20))
        affinity_power: float = parameter(
            3.0,
            "Affinity power (beta)",
            "Larger shares among the most similar pixels only; 1 is SEAM's, right for features learned for this.",
            bounds=(0.1, 64.0),
        )
        keep: float = parameter(
            0.0, "Keep", "Share of the given maps in the result; 0 takes the correlated ones only.", bounds=(0.0, 1.0)
        )
        winners_only: bool = parameter(
            False,
            "Winners only",
            "Each pixel gives away its strongest class only, as in SEAM; off lets all classes pass.",
            advanced=True,
        )
        colour_weight: float = parameter(
            0.0,
            "Colour weight",
            "Weight of the image's colours beside the features; 0 leaves them out.",
            bounds=(0.0, 10.0),
            advanced=True,
        )
        cells: int = parameter(
            16384,
            "Largest grid",
            "Cells that are compared, at a cost that grows with its square; a finer grid of features is averaged.",
            bounds=(16, 262144),
            advanced=True,
        )

    settings: Parameters

    def refine(self, image: NDArray[np.uint8], maps: ActivationMaps, evidence: Evidence = NOTHING) -> ActivationMaps:
        """Return the shared scores, each class in its own range; the background stays."""
        return finish(self.steps(image, maps, evidence))

    def steps(
        self, image: NDArray[np.uint8], maps: ActivationMaps, evidence: Evidence = NOTHING
    ) -> Steps[ActivationMaps]:
        """Refine, yielding `Progress` after each iteration; closing the generator stops there."""
        self.check_input(image, maps)
        if not maps.classes or not self.settings.iterations:
            return maps
        import torch

        with torch.inference_mode():
            given = torch.from_numpy(maps.scores)[None]
            features = self._features(image, torch.from_numpy(evidence.features())[None])
            shared = _sampled(given, features.shape[2:])
        for done in range(self.settings.iterations):
            yield Progress("refine", done, self.settings.iterations)
            with torch.inference_mode():
                shared = self._shared(shared, features)
        with torch.inference_mode():
            shared = _in_range_of(given, _enlarged(shared, maps.size))
            found = torch.lerp(shared, given, self.settings.keep).clamp(0, 1)[0]
        return maps.with_scores(found.numpy(), maps.background)

    def _shared(self, maps: Tensor, features: Tensor) -> Tensor:
        """Return maps (1,K,h,w) after one iteration."""
        import torch

        from napari_wsss.networks.pixel_correlation import competing, correlate

        if self.settings.winners_only:
            maps = competing(torch.cat([torch.zeros_like(maps[:, :1]), maps], 1))[:, 1:]
        return correlate(maps, features, power=self.settings.affinity_power)

    def _features(self, image: NDArray[np.uint8], features: Tensor) -> Tensor:
        """Return features (1,D,h,w) on at most so many cells, the image's colours appended where wanted."""
        import torch
        import torch.nn.functional as F

        height, width = features.shape[2:]
        shrink = math.sqrt(self.settings.cells / (height * width))
        if shrink < 1:
            features = _sampled(features, (max(1, int(height * shrink)), max(1, int(width * shrink))))
        if not self.settings.colour_weight:
            return features
        # As far from the mean colour as this image varies, so that grey and faint images count as much.
        pixels = torch.from_numpy(image.astype(np.float32)).permute(2, 0, 1)[None]
        colours = (pixels - pixels.mean((2, 3), keepdim=True)) / (pixels.std((0, 2, 3)).mean() + _EPSILON)
        colours = _sampled(colours, features.shape[2:])
        return torch.cat([F.normalize(features, dim=1), self.settings.colour_weight * colours], 1)


def _sampled(planes: Tensor, grid: tuple[int, ...]) -> Tensor:
    """Return planes (1,C,H,W) on a coarser grid (h,w) whose corner cells lie on the corner pixels, averaged before."""
    import torch.nn.functional as F

    # Odd windows, which have a middle; features have theirs at multiples of the stride, not between them.
    window = [2 * (round(side / cells) // 2) + 1 for side, cells in zip(planes.shape[2:], grid, strict=True)]
    padding = [side // 2 for side in window]
    averaged = F.avg_pool2d(planes, window, 1, padding, count_include_pad=False)
    return F.interpolate(averaged, tuple(grid), mode="bilinear", align_corners=True)


def _enlarged(maps: Tensor, size: tuple[int, int]) -> Tensor:
    import torch.nn.functional as F

    return F.interpolate(maps, size, mode="bilinear", align_corners=True)


def _in_range_of(given: Tensor, maps: Tensor) -> Tensor:
    """Return maps (1,K,H,W), each stretched to the range of the given one; a constant one stays constant."""
    lowest, highest = given.amin((2, 3), keepdim=True), given.amax((2, 3), keepdim=True)
    low, high = maps.amin((2, 3), keepdim=True), maps.amax((2, 3), keepdim=True)
    return lowest + (highest - lowest) * (maps - low) / (high - low + _EPSILON)
