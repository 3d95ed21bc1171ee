"""LDF: saliency by label decoupling (Wei et al., "Label Decoupling Framework for Salient Object Detection", CVPR 2020).

The mask I is split into its body, high inside, and its detail, high at the edge (`training.data.label_decoupling`);
one branch learns each, and a third the mask from both. The network says all three twice, the second time knowing what
body and detail found together (`networks.ldf_decoders`)::

    L = 1/2 sum over both passes of  BCE(body) + BCE(detail) + BCE(saliency) + IoU(saliency)
    IoU = mean over images of  1 - (sum s I + 1) / (sum (s + I) - sum s I + 1),   s = sigmoid of the logits

The result is the saliency of the second pass. As published the network is trained twice from the trunk's first
weights: with the parts of the masks, then with the first network's own body and detail, which are smoother.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import torch.nn.functional as F
from torch import Tensor

from napari_wsss.core.parameters import parameter
from napari_wsss.networks.across import mean, total
from napari_wsss.networks.ldf_decoders import LabelDecouplingNetwork, SaliencyLogits
from napari_wsss.networks.trunk import Trunk
from napari_wsss.saliency.base import SaliencyBatch, SaliencyModel, SaliencyParameters, Size
from napari_wsss.weights.download import fetch
from napari_wsss.weights.fit import fit
from napari_wsss.weights.identify import identify
from napari_wsss.weights.normalisation import IMAGENET, Normalisation
from napari_wsss.weights.published import published, published_names
from napari_wsss.weights.read import read

_PUBLISHED: dict[str, dict[str, Any]] = {
    "network": {"trunk": "resnet50", "output_stride": 32},
    # The stem rests, here its running statistics too.
    "optimisation": {
        "epochs": 40,
        "batch_size": 32,
        "learning_rate": 0.005,
        "momentum": 0.9,
        "nesterov": True,
        "weight_decay": 5e-4,
        "poly_power": 1.0,
        "freeze_stages": 1,
        "freeze_batch_norm": False,
    },
    "augmentation": {"crop": 352, "scale_low": 0.63, "scale_high": 1.0, "colour": 0.0},
    "parameters": {"first_epochs": 48, "rising_share": 0.5},
}


class LabelDecoupling(SaliencyModel):
    """Body, detail and saliency, in two passes, on any trunk."""

    title = "LDF"
    published = ("ldf_resnet50",)

    @dataclass(frozen=True)
    class Parameters(SaliencyParameters):
        """LDF."""

        stages: int = parameter(
            2, "Stages", "2 trains once more with the first network's body and detail, as published.", bounds=(1, 2)
        )
        first_epochs: int = parameter(
            0, "Epochs of the first stage", "0 takes as many as the second has.", bounds=(0, 10000), advanced=True
        )
        rising_share: float = parameter(
            0.0,
            "Rising share",
            "Share of each training over which the learning rate rises; 0.5 is the published triangle.",
            bounds=(0.0, 0.9),
            advanced=True,
        )

    presets: ClassVar[dict[str, dict[str, dict[str, Any]]]] = {
        "pretrained": {
            "network": {"output_stride": 32},
            "optimisation": {
                "optimiser": "adamw",
                "learning_rate": 1e-4,
                "weight_decay": 0.01,
                "epochs": 10,
                "batch_size": 8,
                "warm_up": 20,
            },
            "augmentation": {"crop": 256, "scale_low": 0.75, "scale_high": 1.0, "colour": 0.2},
        },
        "scratch": {"network": {"output_stride": 32}},
        "reference": _PUBLISHED,
        "paper": _PUBLISHED,
    }
    settings: Parameters

    def __init__(self, trunk: Trunk, parameters: Any | None = None, normalisation: Normalisation = IMAGENET) -> None:
        super().__init__(trunk, parameters, normalisation)
        self.network = LabelDecouplingNetwork(trunk)
        # What comes after the deepest stage read (MobileNetV2's 1280 channels) never gets a gradient.
        for modules in trunk.stages()[trunk.stage_taps.index(self.network.taps[-1]) + 1 :]:
            for module in modules:
                module.requires_grad_(False)

    @property
    def trunk(self) -> Trunk:
        """The feature extractor."""
        return self.network.trunk

    def load_weights(self, source: str) -> Normalisation:
        """Start from the trunk's weights, or from those of a whole published LDF on the same trunk."""
        named = source in published_names()
        state, _ = read(fetch(published(source)) if named else Path(source))
        descriptor = identify(state)
        if descriptor is None or descriptor.network != "ldf" or descriptor.trunk != self.trunk.name:
            return super().load_weights(source)
        fit(self, state, descriptor)
        self.normalisation = descriptor.normalisation
        return self.normalisation

    def logits(self, images: Tensor, size: Size) -> tuple[SaliencyLogits, SaliencyLogits]:
        """Return the logits (B,1,*size) float32 of both passes for normalised images (B,3,H,W)."""
        first, second = self.network(images)
        return _enlarged(first, size), _enlarged(second, size)

    def saliency(self, images: Tensor, size: Size | None = None) -> Tensor:
        """Return saliency (B,H,W) in [0, 1] of the second pass, or (B, *size)."""
        height, width = images.shape[2:]
        return self.logits(images, size or (height, width))[1].saliency[:, 0].sigmoid()

    def decouple(self, images: Tensor, size: Size) -> tuple[Tensor, Tensor]:
        """Return body and detail (B, *size) in [0, 1] of the second pass."""
        found = self.logits(images, size)[1]
        return found.body[:, 0].sigmoid(), found.detail[:, 0].sigmoid()

    def loss(self, batch: SaliencyBatch) -> dict[str, Tensor]:
        """Return the eight terms, halved: ``body1``, ``detail1``, ``sal1_bce``, ``sal1_iou`` and those of pass 2."""
        height, width = batch.images.shape[2:]
        losses: dict[str, Tensor] = {}
        for number, found in enumerate(self.logits(batch.images, (height, width)), 1):
            losses |= {
                f"body{number}": _cross_entropy(found.body, batch.bodies, batch.weights) / 2,
                f"detail{number}": _cross_entropy(found.detail, batch.details, batch.weights) / 2,
                f"sal{number}_bce": _cross_entropy(found.saliency, batch.masks, batch.weights) / 2,
                f"sal{number}_iou": overlap_loss(found.saliency, batch.masks, batch.weights) / 2,
            }
        return losses


def overlap_loss(logits: Tensor, masks: Tensor, weights: Tensor) -> Tensor:
    """Return 1 - soft intersection over union of logits (B,1,H,W) and masks (B,H,W), a scalar: the mean over images."""
    found = logits[:, 0].sigmoid() * weights
    both = (found * masks).sum((1, 2))
    either = (found + masks * weights).sum((1, 2)) - both
    return mean(1 - (both + 1) / (either + 1))


def _cross_entropy(logits: Tensor, target: Tensor, weights: Tensor) -> Tensor:
    losses = F.binary_cross_entropy_with_logits(logits[:, 0], target, reduction="none")
    return total((losses * weights).sum()) / total(weights.sum()).clamp(min=1)


def _enlarged(logits: SaliencyLogits, size: Size) -> SaliencyLogits:
    return SaliencyLogits(*(F.interpolate(each.float(), size, mode="bilinear", align_corners=False) for each in logits))
