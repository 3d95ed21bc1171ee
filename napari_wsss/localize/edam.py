"""EDAM: embedded discriminative attention (Wu et al., CVPR 2021).

With features F = f(x) (C',h,w) at the trunk's `linear_tap` (ResNet-38: before the last ReLU), K + 1 raw masks m by a
3x3 convolution of F, the first for the background, and R, a 1x1 convolution of F to D channels::

    M(x)  = |m(x)| / ||m(x)||_2          over the K + 1 channels: the discriminative activation layer
    s_nk  = CMA(R * M_k)                 logit of class k in image n of a group, see `networks.cross_image`
    L     = mean over n, k of BCE(s_nk, label)

The map of class k is M_k. The sign of m means nothing (about half of the classes fire negatively), so the absolute
value must not become a ReLU. The background only takes its part of the norm; nothing supervises it.

Published: groups of two images that share a class, all classes computed for every pair. Here, unless a preset asks for
that, the classes present in a group are computed, and a few drawn absent ones that stand for all the others: the
same loss in expectation.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from napari_wsss.core.errors import ParameterError
from napari_wsss.core.parameters import parameter
from napari_wsss.localize.base import Localizer, LocalizerBatch
from napari_wsss.networks.across import drawn_apart, group_seeds, total
from napari_wsss.networks.cross_image import CrossImage
from napari_wsss.networks.trunk import Trunk
from napari_wsss.weights.normalisation import IMAGENET, Normalisation

_PUBLISHED: Mapping[str, Mapping[str, Any]] = {
    "optimisation": {
        "learning_rate": 0.001,
        "head_rate": 10.0,
        "momentum": 0.9,
        "weight_decay": 5e-4,
        "warm_up": 2000,
        "epochs": 25,
        "batch_size": 8,
    },
    "augmentation": {"crop": 368, "scale_low": 256 / 368, "scale_high": 512 / 368, "colour": 0.3},
    "parameters": {"classes_computed": "all", "token_stride": 1, "transformer_rate": "trunk"},
}
# The published rates want tens of thousands of steps. In trials with a few hundred on photographs AdamW was steady from
# seed to seed where SGD was not, and transformers at the trunk's rate learned too little.
_PRETRAINED: Mapping[str, Mapping[str, Any]] = {
    "optimisation": {
        "optimiser": "adamw",
        "learning_rate": 0.0001,
        "head_rate": 10.0,
        "weight_decay": 0.01,
        "warm_up": 20,
        "epochs": 10,
    }
}


class Edam(Localizer):
    """Class masks that carry the features of their class through a comparison of images."""

    title = "EDAM"
    background_threshold = 0.75
    one_by_one = True
    advice = (
        "Its classes share the whole picture; the background is left to saliency. Put 'Saliency fusion' into the chain "
        "(Refine), or begin with a background threshold of about 0.75."
    )
    published = ("edam_resnet38",)
    presets: ClassVar = {"reference": _PUBLISHED, "paper": _PUBLISHED, "pretrained": _PRETRAINED}

    @dataclass(frozen=True)
    class Parameters:
        """EDAM."""

        group_size: int = parameter(
            2, "Images per group (B)", "Images that share a class and are compared; 1 compares none.", bounds=(1, 16)
        )
        classes_computed: str = parameter(
            "present",
            "Classes computed",
            "'all': every class for every group, as published; 'present': those in the group and a few absent ones.",
            choices=("present", "all"),
        )
        negatives: int = parameter(
            4,
            "Absent classes",
            "With 'present': how many absent classes are drawn for each group, in the name of all absent ones; with 0 "
            "nothing teaches a class where it is not.",
            bounds=(0, 1000),
        )
        token_stride: int = parameter(
            2,
            "Token stride",
            "Cells per token and axis; 1 is published, 2 compares four times fewer tokens at no loss that we saw.",
            bounds=(1, 16),
        )
        transformer_rate: str = parameter(
            "head",
            "Transformers learn at",
            "The rate of the 'head', or, as published, of the 'trunk', which takes far more steps.",
            choices=("head", "trunk"),
            advanced=True,
        )
        hidden: int = parameter(128, "Channels (d)", "Of a token.", bounds=(1, 4096), advanced=True)
        heads: int = parameter(2, "Heads", "Attention heads; they share the channels.", bounds=(1, 64), advanced=True)
        feed_forward: int = parameter(
            512, "Feed-forward", "Width of the transformers' hidden layer.", bounds=(1, 16384), advanced=True
        )
        dropout: float = parameter(
            0.1, "Dropout", "In the transformers, in training.", bounds=(0.0, 0.9), advanced=True
        )

    settings: Parameters

    def __init__(
        self, class_count: int, trunk: Trunk, parameters: Any | None = None, normalisation: Normalisation = IMAGENET
    ) -> None:
        super().__init__(class_count, trunk, parameters, normalisation)
        chosen = self.settings
        if chosen.hidden % chosen.heads:
            raise ParameterError(
                f"{chosen.hidden} channels cannot be shared by {chosen.heads} heads; give a multiple of the heads.",
                name="hidden",
            )
        self.companions = chosen.group_size - 1
        channels = trunk.taps[trunk.linear_tap]
        self.mask_layer = nn.Conv2d(channels, class_count + 1, 3, padding=1, bias=False)
        self.reduction = nn.Conv2d(channels, chosen.hidden, 1, bias=False)
        nn.init.xavier_uniform_(self.mask_layer.weight)
        nn.init.xavier_uniform_(self.reduction.weight)
        self.cross_image = CrossImage(
            class_count,
            chosen.hidden,
            heads=chosen.heads,
            feed_forward=chosen.feed_forward,
            dropout=chosen.dropout,
            group_size=chosen.group_size,
            token_stride=chosen.token_stride,
        )

    def masks(self, features: Tensor) -> Tensor:
        """Return M (B,K+1,h,w) in [0, 1], background first, of features (B,C',h,w)."""
        return F.normalize(self.mask_layer(features).float(), dim=1).abs()

    def localize(self, images: Tensor, labels: Tensor) -> Tensor:
        """Return the masks (B,C,h,w) of the labelled classes, zero for the others."""
        masks = self.masks(self._features(images))[:, 1:]
        return masks * labels[:, :, None, None]

    def classify(self, images: Tensor) -> Tensor:
        """Return image-level logits (B,C), each image in a group of its own: training compares several."""
        features = self._features(images)
        everything = torch.arange(self.class_count, device=images.device)
        return torch.cat([self.group_logits(one, everything) for one in torch.split(features, 1)])

    def group_logits(self, features: Tensor, classes: Tensor) -> Tensor:
        """Return the logits (B,K) of `classes` (K,) int64 for one group of images with features (B,C',h,w)."""
        masks = self.masks(features)[:, 1:][:, classes]
        logits: Tensor = self.cross_image(self.reduction(features), masks, classes)
        return logits

    def loss(self, batch: LocalizerBatch) -> dict[str, Tensor]:
        """Return the binary cross entropy, averaged over images and classes.

        A drawn absent class weighs as much as the absent classes it stands for. The last group is smaller when the
        batch is no multiple of the group.
        """
        size = self.companions + 1
        sums, weights = [], []
        groups = torch.split(self._features(batch.images), size), torch.split(batch.labels, size)
        for features, labels, seed in zip(*groups, group_seeds(len(groups[0])), strict=True):
            there = labels.nan_to_num(0.0)
            with drawn_apart(seed):
                classes, weight = self._computed(there)
                logits = self.group_logits(features, classes)
            weight = weight * ~labels[:, classes].isnan()
            sums.append(F.binary_cross_entropy_with_logits(logits, there[:, classes], weight, reduction="sum"))
            weights.append(weight.sum())
        counted = total(torch.stack(weights).sum()).clamp(min=1)
        return {"classification": total(torch.stack(sums).sum()) / counted}

    def trunk_parameters(self) -> Iterator[nn.Parameter]:
        """Return the trunk's weights and, if so wanted, those of the transformers and image numbers."""
        return chain(super().trunk_parameters(), self._comparing("trunk"))

    def head_parameters(self) -> Iterator[nn.Parameter]:
        """Return mask layer, reduction, classifiers and, unless they learn with the trunk, the transformers."""
        heads = (self.mask_layer.parameters(), self.reduction.parameters(), (self.cross_image.classifier,))
        return chain(*heads, self._comparing("head"))

    def _comparing(self, rate: str) -> Iterable[nn.Parameter]:
        if self.settings.transformer_rate != rate:
            return ()
        return (self.cross_image.segment, *self.cross_image.transformers.parameters())

    def _features(self, images: Tensor) -> Tensor:
        tap = self.trunk.linear_tap
        return self.trunk.features(images, (tap,))[tap]

    def _computed(self, labels: Tensor) -> tuple[Tensor, Tensor]:
        """Return which classes are computed for a group with `labels` (B,C), and what each weighs, (K,) each."""
        chosen = self.settings
        if chosen.classes_computed == "all":
            return torch.arange(self.class_count, device=labels.device), labels.new_ones(self.class_count)
        # Drawn by the CPU's generator, so that every device sees the same classes.
        there = labels.any(0).cpu()
        present, absent = (choice.nonzero().flatten() for choice in (there, ~there))
        drawn = absent[torch.randperm(len(absent))[: max(chosen.negatives, int(not len(present)))]]
        each = len(absent) / max(1, len(drawn))
        weight = torch.cat([torch.ones(len(present)), torch.full((len(drawn),), each)])
        return torch.cat([present, drawn]).to(labels.device), weight.to(labels)
