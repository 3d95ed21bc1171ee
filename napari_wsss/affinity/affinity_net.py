"""AffinityNet of PSA (Ahn and Kwak, CVPR 2018), also the random walk's network of SEAM.

Features of three depths of the trunk go through 1x1 convolutions to 64, 128 and 256 channels, and joined through one::

    f    = ELU(W9 [ELU(W3 x_shallow), ELU(W4 x_deep), ELU(W5 x_last)])       section 3.2
    a_ij = exp(-mean over channels |f_i - f_j|)     for cells nearer than the radius
    loss = 1/4 L_bg + 1/4 L_fg + 1/2 L_neg                                    section 3.3

The paper sums where the mean is taken; the public code and its weights take the mean. Gradients reach the trunk.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import gcd
from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from napari_wsss.affinity.base import AffinityBatch, AffinityModel
from napari_wsss.core.classes import IGNORE
from napari_wsss.core.parameters import parameter
from napari_wsss.networks.neighbourhood import Offset, feature_affinities, half_disc, pair_labels, pair_losses
from napari_wsss.networks.trunk import LAST, Trunk, scaled
from napari_wsss.weights.normalisation import IMAGENET, Normalisation

# Channels of the three branches, and groups of their norm on trunks without batch norm (VGG).
_BRANCHES = ((64, 8), (128, 16), (256, 32))
_VIEW = {"crop": 448, "scale_low": 1.0, "scale_high": 1.0, "scale_of": "image", "colour": 0.3}
_LABELS = {"strong_background": 4.0, "weak_background": 32.0}
_CODE = {"batch_size": 8, "epochs": 8, "learning_rate": 0.01, "weight_decay": 5e-4}


class AffinityNet(AffinityModel):
    """Cells are alike when their learned features are."""

    title = "AffinityNet (PSA)"
    published = ("psa_affinity_resnet38", "psa_affinity_vgg16")
    presets: ClassVar = {
        # With momentum 0.9 a tenth of the public code's rates, whose momentum is as good as none, is the same.
        "pretrained": {
            "optimisation": {"batch_size": 8, "epochs": 5, "learning_rate": 0.001, "weight_decay": 5e-4, "warm_up": 20},
            "augmentation": {"crop": 289, "scale_low": 0.75, "scale_high": 1.25, "scale_of": "image"},
        },
        # The public code passes the weight decay where SGD expects the momentum. Its rate of 0.1 is for VGG-16.
        "reference": {
            "optimisation": _CODE | {"momentum": 5e-4},
            "augmentation": _VIEW,
            "sources": _LABELS,
            "parameters": {"border_pairs": False},
        },
        "paper": {
            "optimisation": _CODE | {"momentum": 0.9, "learning_rate": 0.001},
            "augmentation": _VIEW,
            "sources": _LABELS,
        },
    }

    @dataclass(frozen=True)
    class Parameters:
        """AffinityNet."""

        radius: int = parameter(
            5, "Radius (gamma)", "Cells nearer than this are compared; 5 gives 34 pairs per cell.", bounds=(2, 16)
        )
        grid_stride: int = parameter(
            8,
            "Grid stride",
            "Image pixels per cell; where the trunk's features are coarser they are interpolated.",
            choices=(4, 8, 16),
            advanced=True,
        )
        border_pairs: bool = parameter(
            True,
            "Pairs at the border",
            "Learn also from cells near the border of the crop, which the public code leaves out.",
            advanced=True,
        )

    settings: Parameters

    def __init__(self, trunk: Trunk, parameters: Any | None = None, normalisation: Normalisation = IMAGENET) -> None:
        super().__init__(trunk, parameters, normalisation)
        taps = [trunk.taps[tap] for tap in (*trunk.detail_taps, LAST)]
        # A branch with more channels than its tap would say nothing more.
        wide = [min(scaled(channels, trunk.width), tap) for (channels, _), tap in zip(_BRANCHES, taps, strict=True)]
        self.shallow, self.deep, self.last = (_linear(tap, out) for tap, out in zip(taps, wide, strict=True))
        self.joined = _linear(sum(wide), sum(wide))
        has_norm = any(isinstance(module, nn.BatchNorm2d) for module in trunk.modules())
        self.norms = nn.ModuleList(
            nn.Identity() if has_norm else nn.GroupNorm(gcd(groups, out), out)
            for (_, groups), out in zip(_BRANCHES, wide, strict=True)
        )
        for layer in (self.shallow, self.deep, self.last):
            nn.init.kaiming_normal_(layer.weight)
        nn.init.xavier_uniform_(self.joined.weight, gain=4)

    @property
    def stride(self) -> int:
        """Input pixels per cell of the grid."""
        return self.settings.grid_stride

    @property
    def offsets(self) -> Sequence[Offset]:
        """The partners (dy, dx) of every cell, half of all directions."""
        return half_disc(self.settings.radius)

    def dense(self, images: Tensor) -> Tensor:
        """Return the features f (B,D,h,w) of normalised images (B,3,H,W)."""
        taps = self.trunk.features(images, (*self.trunk.detail_taps, LAST))
        grid = [-(-side // self.stride) for side in images.shape[2:]]
        layers = zip(taps.values(), (self.shallow, self.deep, self.last), self.norms, strict=True)
        branches = [F.elu(_resized(norm(layer(tap)), grid)) for tap, layer, norm in layers]
        return F.elu(self.joined(torch.cat(branches, 1)))

    def pair_affinities(self, dense: Tensor) -> Tensor:
        """Return exp(-mean |f_i - f_j|) (B,P,h,w) of features (B,D,h,w)."""
        return feature_affinities(dense.float(), self.offsets)

    def loss(self, batch: AffinityBatch) -> dict[str, Tensor]:
        """Return ``background``, ``foreground`` and ``different``: the means over such pairs, weighted as published."""
        pairs = pair_labels(batch.labels, self.offsets, ignore=IGNORE, border_pairs=self.settings.border_pairs)
        return pair_losses(self.pair_affinities(self.dense(batch.images)), pairs)


def _linear(channels_in: int, channels: int) -> nn.Conv2d:
    return nn.Conv2d(channels_in, channels, 1, bias=False)


def _resized(planes: Tensor, grid: Sequence[int]) -> Tensor:
    """Return planes (B,C,h,w) on another grid, corners aligned: grids of all strides have the first pixel in common."""
    if list(planes.shape[2:]) == list(grid):
        return planes
    return F.interpolate(planes, list(grid), mode="bilinear", align_corners=True)
