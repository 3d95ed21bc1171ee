"""DeepLab v3+ (Chen et al., "Encoder-Decoder with Atrous Separable Convolution", ECCV 2018) as a segmenter.

Trained with the weighted cross-entropy (`segment.base`) at image size. The public code of the reference preset
(pytorch-deeplab-xception) divides its loss by the batch size a second time, and its batch norm always learns although
an option says otherwise; the preset's numbers are its options.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from torch import Tensor

from napari_wsss.core.errors import ParameterError
from napari_wsss.core.parameters import parameter
from napari_wsss.networks.deeplab_v3plus import DeepLabV3Plus as Network
from napari_wsss.networks.resnet import ResNet
from napari_wsss.networks.trunk import Trunk
from napari_wsss.segment.base import Segmenter, SegmenterBatch, at_image_size, rest_unused, weighted_cross_entropy
from napari_wsss.weights.normalisation import IMAGENET, Normalisation

_NETWORK: dict[str, dict[str, Any]] = {
    "network": {"trunk": "resnet101", "output_stride": 16},
    "parameters": {"multi_grid": [1, 2, 4]},
}
_CROPS = {"crop": 513, "scale_low": 0.5, "scale_high": 2.0, "scale_of": "image", "colour": 0.0}
_RATE = {"batch_size": 16, "learning_rate": 0.007, "freeze_stages": 0, "freeze_batch_norm": False}


class DeepLabV3Plus(Segmenter):
    """DeepLab v3's pyramid with a decoder that finds the borders; trains at batch size 1, too."""

    title = "DeepLab v3+"
    published = ("deeplab_v3plus_resnet101_voc",)
    presets: ClassVar = {
        "reference": _NETWORK | {"optimisation": {**_RATE, "epochs": 50, "weight_decay": 5e-4}, "augmentation": _CROPS},
        "paper": _NETWORK | {"optimisation": {**_RATE, "iterations": 30_000, "head_rate": 1.0}, "augmentation": _CROPS},
    }

    @dataclass(frozen=True)
    class Parameters:
        """DeepLab v3+."""

        rates: tuple[int, ...] = parameter(
            (),
            "Atrous rates",
            "Dilations of the pyramid; empty takes 6, 12, 18 at output stride 16 and 12, 24, 36 at 8.",
            bounds=(1, 128),
            advanced=True,
        )
        multi_grid: tuple[int, ...] = parameter(
            (),
            "Multi-grid",
            "Factors on the dilations of the last stage's three blocks, published 1, 2, 4 (ResNet-50 and 101 only); "
            "empty leaves them.",
            bounds=(1, 16),
            advanced=True,
        )

    settings: Parameters
    network: Network

    def __init__(
        self, class_count: int, trunk: Trunk, parameters: Any | None = None, normalisation: Normalisation = IMAGENET
    ) -> None:
        super().__init__(class_count, trunk, parameters, normalisation)
        if self.settings.multi_grid:
            _set_multi_grid(trunk, self.settings.multi_grid)
        self.network = Network(trunk, class_count + 1, self.settings.rates or None)
        rest_unused(trunk)

    @property
    def trunk(self) -> Trunk:
        """The feature extractor."""
        return self.network.trunk

    def segment(self, images: Tensor) -> Tensor:
        """Return probabilities (B,C+1,H,W): softmax of the logits at image size."""
        return self._logits(images).softmax(1)

    def loss(self, batch: SegmenterBatch) -> dict[str, Tensor]:
        """Return ``segmentation``."""
        return {"segmentation": weighted_cross_entropy(self._logits(batch.images), batch.masks, batch.weights)}

    def _logits(self, images: Tensor) -> Tensor:
        return at_image_size(self.network(images), images, align_corners=True)


def _set_multi_grid(trunk: Trunk, factors: tuple[int, ...]) -> None:
    if not isinstance(trunk, ResNet):
        raise ParameterError(
            f"A multi-grid needs a ResNet trunk, this is {trunk.name}; leave it empty.", name="multi_grid"
        )
    try:
        trunk.set_multi_grid(factors)
    except ValueError as reason:
        raise ParameterError(f"{reason} Give as many factors, or none.", name="multi_grid") from reason
