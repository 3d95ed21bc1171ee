"""DeepLab v3 (Chen et al., "Rethinking Atrous Convolution for Semantic Image Segmentation", 2017) as a segmenter.

Trained on pseudo and accepted masks with the weighted cross-entropy::

    L = sum over pixels of w(x) * -log p_{y(x)}(x)  /  sum over pixels of w(x)

where w is 1 on a person's pixels, smaller on a machine's and 0 where the mask says ignore (255).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch.nn.functional as F
from torch import Tensor

from napari_wsss.core.parameters import parameter
from napari_wsss.networks.deeplab_v3 import DeepLabV3 as Network
from napari_wsss.networks.trunk import Trunk
from napari_wsss.segment.base import Segmenter, SegmenterBatch, weighted_cross_entropy
from napari_wsss.weights.download import fetch
from napari_wsss.weights.fit import fit
from napari_wsss.weights.identify import identify
from napari_wsss.weights.normalisation import IMAGENET, Normalisation
from napari_wsss.weights.published import published, published_names
from napari_wsss.weights.read import read


class DeepLabV3(Segmenter):
    """Atrous spatial pyramid pooling on a trunk of output stride 8 or 16; trains at batch size 1, too."""

    title = "DeepLab v3"
    published = ("deeplab_v3_resnet50_coco", "deeplab_v3_resnet101_coco")

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

    def __init__(
        self,
        class_count: int,
        trunk: Trunk,
        parameters: Any | None = None,
        normalisation: Normalisation = IMAGENET,
    ) -> None:
        super().__init__(class_count, trunk, parameters, normalisation)
        rates, aux = self.settings.rates or None, self.settings.auxiliary_weight > 0
        self.network = Network(trunk, class_count + 1, rates, aux)
        _rest_unused(trunk)

    def load_weights(self, source: str) -> Normalisation:
        """Start from the trunk's weights, or from those of a whole DeepLab v3 in torchvision's layout.

        A head made for another number of classes is left out and ours starts fresh.
        """
        named = source in published_names()
        state, _ = read(fetch(published(source)) if named else Path(source))
        descriptor = identify(state)
        if descriptor is None or descriptor.network != "deeplab_v3" or descriptor.trunk != self.trunk.name:
            return super().load_weights(source)
        fit(self.network, state, descriptor, allow_head_mismatch=True)
        self.normalisation = descriptor.normalisation
        return self.normalisation

    @property
    def trunk(self) -> Trunk:
        """The feature extractor."""
        return self.network.trunk

    def segment(self, images: Tensor) -> Tensor:
        """Return probabilities (B,C+1,H,W): softmax of the logits at image size."""
        logits = self.network(images).main  # (B, C+1, h, w)
        return _enlarge(logits.float(), images).softmax(1)  # (B, C+1, H, W)

    def loss(self, batch: SegmenterBatch) -> dict[str, Tensor]:
        """Return ``segmentation`` and, with an auxiliary head, ``auxiliary`` (already weighted)."""
        found = self.network(batch.images)
        main = _enlarge(found.main.float(), batch.images)
        losses = {"segmentation": weighted_cross_entropy(main, batch.masks, batch.weights)}
        if found.aux is not None:
            aux = _enlarge(found.aux.float(), batch.images)
            value = weighted_cross_entropy(aux, batch.masks, batch.weights)
            losses["auxiliary"] = self.settings.auxiliary_weight * value
        return losses


def _rest_unused(trunk: Trunk) -> None:
    """Keep stages after the one the head reads (MobileNetV2's 1280 channels) as they are: they never get a gradient."""
    if trunk.dense_tap in trunk.stage_taps:
        for modules in trunk.stages()[trunk.stage_taps.index(trunk.dense_tap) + 1 :]:
            for module in modules:
                module.requires_grad_(False)


def _enlarge(logits: Tensor, images: Tensor) -> Tensor:
    return F.interpolate(logits, images.shape[2:], mode="bilinear", align_corners=False)
