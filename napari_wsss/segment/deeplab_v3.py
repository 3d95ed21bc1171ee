"""DeepLab v3 (Chen et al., "Rethinking Atrous Convolution for Semantic Image Segmentation", 2017) as a segmenter.

Trained on pseudo and accepted masks with the weighted cross-entropy::

    L = sum over pixels of w(x) * -log p_{y(x)}(x)  /  sum over pixels of w(x)

where w is 1 on a person's pixels, smaller on a machine's and 0 where the mask says ignore (255).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from torch import Tensor

from napari_wsss.core.parameters import parameter
from napari_wsss.networks.deeplab_v3 import DeepLabV3 as Network
from napari_wsss.networks.trunk import Trunk
from napari_wsss.segment.base import Segmenter, SegmenterBatch, at_image_size, rest_unused, weighted_cross_entropy
from napari_wsss.weights.normalisation import IMAGENET, Normalisation


class DeepLabV3(Segmenter):
    """Atrous spatial pyramid pooling on a trunk of output stride 8 or 16; trains at batch size 1, too."""

    title = "DeepLab v3"
    advice = (
        "For images to come without labels. It learns from the proposals of undecided images, too: apply a pixel "
        "classifier first, so that they are good ones."
    )
    published = ("deeplab_v3_resnet50_coco", "deeplab_v3_resnet101_coco")
    presets: ClassVar = {
        # torchvision's: the short side becomes 260 to 1040 pixels, which for VOC's photographs is about 0.7 to 2.8.
        "reference": {
            "network": {"trunk": "resnet50", "output_stride": 8},
            "parameters": {"auxiliary_weight": 0.5},
            "optimisation": {
                **{"epochs": 30, "batch_size": 32, "learning_rate": 0.02, "weight_decay": 1e-4},
                **{"freeze_stages": 0, "freeze_batch_norm": False},
            },
            "augmentation": {"crop": 480, "scale_low": 0.7, "scale_high": 2.8, "colour": 0.0},
        },
        # The paper's first pass; its second, at output stride 8 with batch norm kept and a rate of 0.001, is a
        # second run that starts from the first one's weights.
        "paper": {
            "network": {"trunk": "resnet101", "output_stride": 16},
            "optimisation": {
                **{"iterations": 30_000, "batch_size": 16, "learning_rate": 0.007},
                **{"head_rate": 1.0, "freeze_stages": 0, "freeze_batch_norm": False},
            },
            "augmentation": {"crop": 513, "scale_low": 0.5, "scale_high": 2.0, "colour": 0.0},
        },
    }

    @dataclass(frozen=True)
    class Parameters:
        """DeepLab v3."""

        rates: tuple[int, ...] = parameter(
            (),
            "Atrous rates",
            "Dilations of the pyramid; empty takes 6, 12, 18 at output stride 16 and 12, 24, 36 at 8.",
            bounds=(1, 128),
            advanced=True,
        )
        auxiliary_weight: float = parameter(
            0.0,
            "Auxiliary loss",
            "Weight of a second head on earlier features; 0 leaves it out, 0.4 helps deep trunks.",
            bounds=(0.0, 1.0),
            advanced=True,
        )

    settings: Parameters
    network: Network

    def __init__(
        self, class_count: int, trunk: Trunk, parameters: Any | None = None, normalisation: Normalisation = IMAGENET
    ) -> None:
        super().__init__(class_count, trunk, parameters, normalisation)
        rates, aux = self.settings.rates or None, self.settings.auxiliary_weight > 0
        self.network = Network(trunk, class_count + 1, rates, aux)
        rest_unused(trunk)

    @property
    def trunk(self) -> Trunk:
        """The feature extractor."""
        return self.network.trunk

    def segment(self, images: Tensor) -> Tensor:
        """Return probabilities (B,C+1,H,W): softmax of the logits at image size."""
        logits = self.network(images).main  # (B, C+1, h, w)
        return at_image_size(logits, images).softmax(1)  # (B, C+1, H, W)

    def loss(self, batch: SegmenterBatch) -> dict[str, Tensor]:
        """Return ``segmentation`` and, with an auxiliary head, ``auxiliary`` (already weighted)."""
        found = self.network(batch.images)
        main = at_image_size(found.main, batch.images)
        losses = {"segmentation": weighted_cross_entropy(main, batch.masks, batch.weights)}
        if found.aux is not None:
            aux = at_image_size(found.aux, batch.images)
            value = weighted_cross_entropy(aux, batch.masks, batch.weights)
            losses["auxiliary"] = self.settings.auxiliary_weight * value
        return losses
