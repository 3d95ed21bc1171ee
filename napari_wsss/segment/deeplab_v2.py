"""DeepLab v2 (Chen et al., "DeepLab", TPAMI 2018) as a segmenter, the network most papers of this field retrain with.

Trained as in deeplab-pytorch: the weighted cross-entropy (`segment.base`) of the logits of every scale and of their
maximum, each at its own size against the masks shrunk to it (nearest neighbour), summed::

    L = L(whole image) + sum over scales s of L(image shrunk by s) + L(maximum of all)

The published training keeps all batch norm as it was ("freeze batch norm") and starts from weights trained on COCO's
pixel masks; results that do are not weakly supervised. Biases of its head learn twice as fast as ours.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import torch.nn.functional as F
from torch import Tensor

from napari_wsss.core.parameters import parameter
from napari_wsss.networks.deeplab_v2 import DeepLabV2 as Network
from napari_wsss.networks.trunk import Trunk
from napari_wsss.segment.base import Segmenter, SegmenterBatch, at_image_size, rest_unused, weighted_cross_entropy
from napari_wsss.weights.normalisation import IMAGENET, Normalisation

_PUBLISHED: dict[str, dict[str, Any]] = {
    "network": {"trunk": "resnet101_caffe", "output_stride": 8},
    "optimisation": {
        **{"iterations": 20_000, "batch_size": 10, "learning_rate": 2.5e-4, "weight_decay": 5e-4},
        "freeze_stages": 0,
    },
    "augmentation": {"crop": 321, "scale_low": 0.5, "scale_high": 1.5, "scale_of": "image", "colour": 0.0},
}


class DeepLabV2(Segmenter):
    """Atrous convolutions summed to logits, the largest over several image scales."""

    title = "DeepLab v2"
    published = ("deeplab_v2_resnet101_msc", "deeplab_v2_resnet101", "deeplab_v2_resnet101_coco_init")
    presets: ClassVar = {"reference": _PUBLISHED, "paper": _PUBLISHED}

    @dataclass(frozen=True)
    class Parameters:
        """DeepLab v2."""

        multi_scale: tuple[float, ...] = parameter(
            (0.5, 0.75),
            "Multi-scale (MSC)",
            "Factors on the image size at which the network sees it too, in training and after; the largest logit "
            "counts. Empty takes the image alone, at about half the time.",
            bounds=(0.1, 2.0),
        )
        rates: tuple[int, ...] = parameter(
            (),
            "Atrous rates",
            "Dilations of the summed convolutions; empty takes 6, 12, 18, 24 at output stride 8, half of it at 16.",
            bounds=(1, 128),
            advanced=True,
        )

    settings: Parameters
    network: Network

    def __init__(
        self, class_count: int, trunk: Trunk, parameters: Any | None = None, normalisation: Normalisation = IMAGENET
    ) -> None:
        super().__init__(class_count, trunk, parameters, normalisation)
        self.network = Network(trunk, class_count + 1, self.settings.rates or None, self.settings.multi_scale)
        rest_unused(trunk)

    @property
    def trunk(self) -> Trunk:
        """The feature extractor."""
        return self.network.trunk

    def segment(self, images: Tensor) -> Tensor:
        """Return probabilities (B,C+1,H,W): softmax of the largest logits at image size."""
        return at_image_size(self.network(images), images).softmax(1)

    def loss(self, batch: SegmenterBatch) -> dict[str, Tensor]:
        """Return ``segmentation`` (of the maximum) and, with several scales, ``scale_1``, ``scale_0.5`` ..."""
        *scales, largest = self.network.pyramid(batch.images)
        names = (f"scale_{scale:g}" for scale in (1.0, *self.network.scales))
        losses = {"segmentation": _at_their_size(largest, batch)}
        return losses | {name: _at_their_size(logits, batch) for name, logits in zip(names, scales, strict=False)}


def _at_their_size(logits: Tensor, batch: SegmenterBatch) -> Tensor:
    """Return the loss of logits (B,C+1,h,w) against the masks and weights that lie under the cells' centres."""
    masks, weights = (
        F.interpolate(planes[:, None].float(), logits.shape[2:], mode="nearest-exact")[:, 0]
        for planes in (batch.masks, batch.weights)
    )
    return weighted_cross_entropy(logits, masks, weights)
