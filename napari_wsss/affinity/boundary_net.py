"""IRNet (Ahn et al., "Weakly Supervised Learning of Instance Segmentation with Inter-pixel Relations", CVPR 2019).

A frozen trunk, read at five depths, feeds two small heads on the grid of stride 4: class boundaries B, and
displacements towards instance centres. Two cells belong together when no boundary lies between them::

    a_ij = 1 - max over the cells k on the straight way from i to j of B(k)

On ResNet-50 at stride 16 without dilation it is the published network.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Self

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from napari_wsss.affinity.base import AffinityBatch, AffinityModel
from napari_wsss.core.classes import IGNORE
from napari_wsss.core.inference import Inference
from napari_wsss.core.parameters import parameter
from napari_wsss.networks.boundary_heads import GRID, DisplacementHead, EdgeHead
from napari_wsss.networks.boundary_losses import boundary_losses
from napari_wsss.networks.dense import evaluating
from napari_wsss.networks.neighbourhood import Offset, barrier_affinities, half_disc
from napari_wsss.networks.trunk import Trunk
from napari_wsss.pixels.resizing import resize
from napari_wsss.weights.normalisation import IMAGENET, Normalisation

_TAPS = 5
_VIEW = {"crop": 512, "scale_low": 0.5, "scale_high": 1.5, "scale_of": "image", "colour": 0.0}
_RATES = {"epochs": 3, "batch_size": 32, "learning_rate": 0.1, "head_rate": 10.0, "weight_decay": 1e-4}
_SMALL = {"epochs": 5, "batch_size": 8, "learning_rate": 0.01, "head_rate": 10.0}
_PUBLISHED: dict[str, dict[str, Any]] = {
    "network": {"trunk": "resnet50", "output_stride": 16, "dilated": False},
    "augmentation": _VIEW,
    "parameters": {"canvas": 512},
}


class BoundaryNet(AffinityModel):
    """Class boundaries, and with them affinities; displacements for instances."""

    title = "IRNet (boundaries)"
    published = ("irnet_resnet50",)
    recipe: ClassVar[str] = "boundary"
    presets: ClassVar = {
        "pretrained": {"optimisation": _SMALL, "augmentation": _VIEW | {"crop": 257}},
        # A frozen trunk of random weights has nothing to read from.
        "scratch": {"parameters": {"trunk_learns": True}},
        # The public code passes the weight decay where SGD expects the momentum.
        "reference": {**_PUBLISHED, "optimisation": _RATES | {"momentum": 1e-4}},
        "paper": {**_PUBLISHED, "optimisation": _RATES | {"momentum": 0.9}},
    }

    @dataclass(frozen=True)
    class Parameters:
        """IRNet."""

        radius: int = parameter(
            5, "Radius (gamma)", "Cells of 4 pixels up to which a cell is compared with others.", bounds=(2, 20)
        )
        training_radius: int = parameter(
            10,
            "Radius in training",
            "As the radius, of the pairs that are learned from.",
            bounds=(2, 20),
            advanced=True,
        )
        canvas: int = parameter(
            0,
            "Canvas",
            "Smaller images are laid on a square of so many pixels, as the published network wants it (512): its "
            "normalisation looks at all of it. 0 takes images as they are.",
            bounds=(0, 4096),
            advanced=True,
        )
        trunk_learns: bool = parameter(
            False, "Encoder learns (trunk)", "Published it does not; one of random weights has to.", advanced=True
        )

    settings: Parameters

    def __init__(self, trunk: Trunk, parameters: Any | None = None, normalisation: Normalisation = IMAGENET) -> None:
        super().__init__(trunk, parameters, normalisation)
        self._taps = _depths(trunk)
        strides = {tap: max(GRID, stride) for tap, stride in self._taps.items()}
        read = [(trunk.taps[tap], strides[tap]) for tap in self._taps]
        self.edge_head = EdgeHead(read, trunk.width)
        self.displacement_head = DisplacementHead(read, trunk.width)
        if not self.settings.trunk_learns:
            trunk.requires_grad_(False)

    @property
    def stride(self) -> int:
        """Input pixels per cell, whatever the trunk's."""
        return GRID

    @property
    def offsets(self) -> Sequence[Offset]:
        """The partners of every cell at inference."""
        return half_disc(self.settings.radius)

    def train(self, mode: bool = True) -> Self:
        """Set training mode, except for a trunk that does not learn."""
        super().train(mode)
        self.trunk.train(mode and self.settings.trunk_learns)
        return self

    def dense(self, images: Tensor) -> Tensor:
        """Return the logits of boundaries (B,1,h,w)."""
        logits: Tensor = self.edge_head(self._features(images))
        return _on_image(logits, images)

    def displacement(self, images: Tensor) -> Tensor:
        """Return displacements (B,2,h,w) in cells; in training mode with their mean still in it."""
        found: Tensor = self.displacement_head(self._features(images))
        return _on_image(found, images)

    def pair_affinities(self, dense: Tensor) -> Tensor:
        """Return 1 - the largest boundary on the way (B,P,h,w)."""
        return barrier_affinities(dense[:, 0].sigmoid(), self.offsets)

    def boundary(self, dense: Tensor) -> Tensor:
        """Return boundaries (B,h,w) in [0, 1]."""
        return dense[:, 0].sigmoid()

    def loss(self, batch: AffinityBatch) -> dict[str, Tensor]:
        """Return the losses of boundaries and displacements."""
        features = self._features(batch.images)
        edge, displacement = self.edge_head(features), self.displacement_head(features)
        offsets = half_disc(self.settings.training_radius)
        return boundary_losses(edge, displacement, batch.labels, offsets, ignore=IGNORE)

    def trunk_parameters(self) -> Iterator[nn.Parameter]:
        """Return what the small learning rate is for: the head of boundaries, and the trunk where it learns."""
        yield from self.edge_head.parameters()
        if self.settings.trunk_learns:
            yield from super().trunk_parameters()

    def head_parameters(self) -> Iterator[nn.Parameter]:
        """Return what the large learning rate is for: the head of displacements."""
        return self.displacement_head.parameters()

    def _features(self, images: Tensor) -> list[Tensor]:
        """Return the features of the five taps, none finer than stride 4."""
        if not self.training:
            images = F.pad(images, _missing(self.settings.canvas, images))
        with torch.set_grad_enabled(torch.is_grad_enabled() and self.settings.trunk_learns):
            found = self.trunk.features(images, tuple(self._taps))
        return [_pooled(found[tap], GRID // stride) for tap, stride in self._taps.items()]


def infer_displacement(
    model: BoundaryNet, image: NDArray[np.uint8], inference: Inference | None = None
) -> NDArray[np.float32]:
    """Return the displacements (2,h,w) float32 of one image (H,W,3) uint8, (dy, dx) in cells of the boundaries' grid.

    One pass, never mirrored, as published; above `inference.pixel_budget` in tiles.
    """
    settings = replace((inference or Inference()).resolved(), precision="float32")
    resized = resize(image, *model.normalisation.fit_size(*image.shape[:2]))
    with evaluating(model), torch.inference_mode():
        found = model.over_image(lambda batch: model.displacement(batch)[0], [resized], settings, GRID)
    return found.cpu().numpy()


def _depths(trunk: Trunk) -> dict[str, int]:
    """Return the taps that are read, finest first, with their strides: the last five of the trunk's stages."""
    named = {tap: int(tap.removeprefix("stride")) for tap in trunk.stage_taps if tap.startswith("stride")}
    return {tap: min(stride, trunk.output_stride) for tap, stride in list(named.items())[-_TAPS:]}


def _pooled(features: Tensor, factor: int) -> Tensor:
    """Return features `factor` (a power of 2) times smaller, halved by ResNet's pooling each time."""
    while factor > 1:
        features, factor = F.max_pool2d(features, 3, stride=2, padding=1), factor // 2
    return features


def _missing(canvas: int, images: Tensor) -> tuple[int, int, int, int]:
    """Return the padding, right and below, of images (B,3,H,W) that are smaller than the canvas."""
    height, width = images.shape[2:]
    return 0, max(0, canvas - width), 0, max(0, canvas - height)


def _on_image(maps: Tensor, images: Tensor) -> Tensor:
    """Return the cells of maps (B,D,h,w) that lie on the images."""
    height, width = images.shape[2:]
    return maps[..., : -(-height // GRID), : -(-width // GRID)]
