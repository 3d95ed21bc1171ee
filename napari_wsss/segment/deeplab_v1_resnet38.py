"""DeepLab v1 as SEAM retrains it on ResNet-38 (and as PSA and SC-CAM in much the same way), on any trunk.

Trained with the weighted cross-entropy (`segment.base`) at image size, enlarged corner to corner. The published run
starts from ImageNet, without pixel masks; its batch norm followed the batches though its scale and shift did not learn.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from torch import Tensor

from napari_wsss.core.parameters import parameter
from napari_wsss.networks.deeplab_v1 import DeepLabV1
from napari_wsss.networks.trunk import Trunk
from napari_wsss.segment.base import Segmenter, SegmenterBatch, at_image_size, rest_unused, weighted_cross_entropy
from napari_wsss.weights.normalisation import IMAGENET, Normalisation

_PUBLISHED: dict[str, dict[str, Any]] = {
    "network": {"trunk": "resnet38", "output_stride": 8},
    "optimisation": {
        **{"iterations": 20_000, "batch_size": 10, "learning_rate": 0.001, "weight_decay": 5e-4},
        "freeze_stages": 0,
    },
    "augmentation": {"crop": 448, "scale_low": 0.5, "scale_high": 1.5, "scale_of": "image", "colour": 0.1},
}


class DeepLabV1ResNet38(Segmenter):
    """One atrous convolution with a large field of view before the classifier."""

    title = "DeepLab v1 (LargeFOV, as on ResNet-38)"
    published = ("deeplab_v1_resnet38_seam",)
    presets: ClassVar = {
        "reference": _PUBLISHED,
        "paper": _PUBLISHED | {"optimisation": _PUBLISHED["optimisation"] | {"batch_size": 4}},
    }

    @dataclass(frozen=True)
    class Parameters:
        """DeepLab v1."""

        rate: int = parameter(
            0,
            "Atrous rate",
            "Dilation of the convolution with the large field of view; 0 takes 12 at output stride 8, 6 at 16.",
            bounds=(0, 128),
            advanced=True,
        )

    settings: Parameters
    network: DeepLabV1

    def __init__(
        self, class_count: int, trunk: Trunk, parameters: Any | None = None, normalisation: Normalisation = IMAGENET
    ) -> None:
        super().__init__(class_count, trunk, parameters, normalisation)
        self.network = DeepLabV1(trunk, class_count + 1, self.settings.rate or None)
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
