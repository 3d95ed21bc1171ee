"""MCIS: cross-image co-attention (Sun et al., "Mining Cross-Image Semantics for WSSS", ECCV 2020).

With features F of an image (three 3x3 convolutions behind the trunk), F^co and F^con of a pair that shares a class
(`networks.co_attention`), labels l and m of its images and C, D one linear head each::

    s = mean of C(F)           image-level logits        learned from l
    s = mean of D(F^co)        co-attention              learned from l and m        what both show
    s = mean of D(F^con)       contrastive co-attention  learned from l without m    what only this image shows

    L = sum of the multi-label soft margin losses of the three, averaged over the pairs

The paper draws one head for all three, its public code has two (`head`). The code also pairs the first image of each
pair with its mirror image and with itself at 0.75 and 2 times its size (`self_pairs`), and begins with the contrastive
losses at 2 of 15 epochs (`contrast_from`).

The map of class k is D(F^co)_k averaged over companions that show k, added up with those of the image paired with
views of itself (`_comparing`); without companions it is ReLU(C(F)).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from napari_wsss.core.parameters import parameter
from napari_wsss.localize._comparing import Comparing
from napari_wsss.localize.base import LocalizerBatch, label_loss
from napari_wsss.networks.across import total
from napari_wsss.networks.co_attention import AffinityKind, PairAttention
from napari_wsss.networks.trunk import Trunk, initialise, scaled
from napari_wsss.networks.vgg import Vgg16
from napari_wsss.weights.normalisation import IMAGENET, Normalisation

_PUBLISHED: Mapping[str, Mapping[str, Any]] = {
    "network": {"trunk": "vgg16", "output_stride": 8},
    # Published steps down to a tenth at epochs 5 and 10; ours falls smoothly to zero.
    "optimisation": {
        "learning_rate": 0.001,
        "head_rate": 10.0,
        "momentum": 0.9,
        "nesterov": True,
        "weight_decay": 5e-4,
        "epochs": 15,
        "batch_size": 10,
        "freeze_stages": 0,
        "rate_classes": 20,
    },
    "augmentation": {"crop": 256, "scale_low": 1.0, "scale_high": 1.0, "flip": False, "colour": 0.3},
    "parameters": {"convolutions": 3, "affinity": "product", "self_pairs": True, "head": "separate"},
}
_SELF_SCALES = (0.75, 2.0)
Pairs = tuple[Tensor, Tensor]


class CoAttention(Comparing):
    """Class maps from what an image shares with others of its class."""

    title = "MCIS (co-attention)"
    background_threshold = 0.52
    published = ("mcis_vgg16",)
    recipe = "co_attention"
    presets: ClassVar = {
        "reference": _PUBLISHED,
        "paper": {**_PUBLISHED, "parameters": {**_PUBLISHED["parameters"], "self_pairs": False, "head": "shared"}},
        # Not measured yet. Fresh 3x3 convolutions learn little from a few hundred pictures, and the plain product's
        # softmax stays where it began: the trunk's own features, compared by their direction. Half the rate of CAM,
        # as several losses add up.
        "pretrained": {
            "optimisation": {"learning_rate": 0.005, "momentum": 0.9, "epochs": 10, "batch_size": 16},
            "parameters": {"convolutions": 0, "affinity": "cosine", "head": "shared"},
        },
        "scratch": {"parameters": {"convolutions": 1, "channels": 128, "affinity": "cosine", "head": "shared"}},
    }

    @dataclass(frozen=True)
    class Parameters:
        """MCIS."""

        group_size: int = parameter(
            2, "Images per group", "Images that share a class and are compared, each with each other.", bounds=(2, 16)
        )
        companions_per_class: int = parameter(
            3, "Companions", "Related images that each class's map is computed with; 0 for none.", bounds=(0, 32)
        )
        maps: str = parameter(
            "fused",
            "Maps",
            "'fused': published, one map with companions and one for each view paired with the image itself; 'pairs': "
            "with companions at every scale; 'plain': activation maps, whatever the companions.",
            choices=("fused", "pairs", "plain"),
        )
        contrast: bool = parameter(True, "Contrast", "Also learn from what the images of a pair do not share.")
        contrast_from: float = parameter(
            2 / 15, "Contrast from", "Share of the training after which contrast is learned.", bounds=(0.0, 1.0)
        )
        self_pairs: bool = parameter(
            False, "Self pairs", "Also pair an image with its mirror image and two sizes of it, at four times the cost."
        )
        simple_images: str = parameter(
            "", "Simple images", "Folder of further images with one class each: FOLDER/CLASS NAME/*.jpg."
        )
        web_images: str = parameter(
            "", "Web images", "Folder of images found by a class's name, in the same layout; many may be wrong."
        )
        web_weight: float = parameter(0.5, "Web weight", "How much a web image counts.", bounds=(0.0, 1.0))
        web_threshold: float = parameter(
            0.3,
            "Web threshold",
            "Web images are left out where what they share with trusted images of their class shows that class with "
            "less than this probability; 0 keeps all of them.",
            bounds=(0.0, 1.0),
        )
        companion_side: int = parameter(
            320, "Companion side", "Longest side of a companion in pixels.", bounds=(32, 4096), advanced=True
        )
        convolutions: int = parameter(
            3, "Convolutions", "3x3 convolutions behind the trunk; published are 3.", bounds=(0, 8), advanced=True
        )
        channels: int = parameter(
            512, "Channels", "Of these convolutions (without any: the trunk's).", bounds=(4, 4096), advanced=True
        )
        affinity: str = parameter(
            "product",
            "Affinity",
            "'product' of features as published, 'cosine' of their directions.",
            choices=("product", "cosine"),
            advanced=True,
        )
        sharpness: float = parameter(
            10.0, "Sharpness", "Factor on the cosine; larger looks at fewer cells.", bounds=(0.1, 1000.0), advanced=True
        )
        head: str = parameter(
            "separate",
            "Head",
            "'separate': one for the images and one for co-attention as in the public code; 'shared', as in the paper.",
            choices=("separate", "shared"),
            advanced=True,
        )

    settings: Parameters

    def __init__(
        self, class_count: int, trunk: Trunk, parameters: Any | None = None, normalisation: Normalisation = IMAGENET
    ) -> None:
        super().__init__(class_count, trunk, parameters, normalisation)
        chosen = self.settings
        self.companions = chosen.group_size - 1
        if isinstance(trunk, Vgg16):
            trunk.pool_centred()
        channels, layers = trunk.channels, []
        for _ in range(chosen.convolutions):
            wide = scaled(chosen.channels, trunk.width)
            layers += [nn.Conv2d(channels, wide, 3, padding=1), nn.ReLU(inplace=True)]
            channels = wide
        self.convolutions = nn.Sequential(*layers)
        initialise(self.convolutions)
        self.classifier = nn.Conv2d(channels, class_count, 1)
        self.attention = PairAttention(channels, cast("AffinityKind", chosen.affinity), chosen.sharpness)
        heads = [self.classifier]
        self.co_classifier: nn.Conv2d | None = None
        if chosen.head == "separate":
            self.co_classifier = nn.Conv2d(channels, class_count, 1, bias=False)
            heads.append(self.co_classifier)
        for head in heads:
            nn.init.normal_(head.weight, std=0.01)

    def features(self, images: Tensor) -> Tensor:
        """Return F (B,D,h,w) >= 0 of normalised images (B,3,H,W)."""
        found: Tensor = self.convolutions(self.trunk(images))
        return found

    def co_maps(self, attended: Tensor) -> Tensor:
        """Return D(F^co) (B,C,h,w), before ReLU, of attended features (B,D,h,w)."""
        head = self.classifier if self.co_classifier is None else self.co_classifier
        found: Tensor = head(attended)
        return found

    def classify(self, images: Tensor) -> Tensor:
        """Return image-level logits (B,C) of each image alone."""
        return self._logits(self.features(images))

    def localize(self, images: Tensor, labels: Tensor) -> Tensor:
        """Return ReLU(C(F)) (B,C,h,w) of the labelled classes, zero for the others: the maps without companions."""
        maps: Tensor = self.classifier(self.features(images)).relu()
        return maps * labels[:, :, None, None]

    def loss(self, batch: LocalizerBatch) -> dict[str, Tensor]:
        """Return the losses of images, co-attention, contrast and, where wanted, self pairs.

        Pairs are all those within consecutive groups; an image left over is paired with itself. What is not known of
        one image is not known to be common to a pair either (nan spreads), and teaches nothing.
        """
        features, labels = self.features(batch.images), batch.labels
        weights = labels.new_ones(len(labels)) if batch.weights is None else batch.weights
        logits = self._logits(features)
        pairs = pairs_of(len(labels), self.companions + 1, labels.device)
        losses = {"classification": label_loss(logits, labels, weights)}
        losses |= self._pair_losses(features, labels, weights, pairs, batch.done)
        if self.settings.self_pairs:
            losses["self_pairs"] = self._self_losses(batch.images, features, logits, labels, weights)
        return losses

    def _pair_losses(
        self, features: Tensor, labels: Tensor, weights: Tensor, pairs: Pairs, done: float
    ) -> dict[str, Tensor]:
        first, second = pairs
        given, sides = torch.minimum(weights[first], weights[second]), (first, second)
        common = labels[first] * labels[second]
        attended = self.attention(features[first], features[second])
        co = self._co_loss(attended, common, given)
        if not self.settings.contrast:
            return {"co_attention": co}
        losses = {"co_attention": co}
        for name, side, found in zip(("contrast_first", "contrast_second"), sides, attended, strict=True):
            own = labels[side] - common
            # Gated on the whole batch, as published; always computed, so that every weight has a gradient.
            gate = float(done >= self.settings.contrast_from) * (total((own > 0).sum()) > 0)
            maps = self.co_maps(self.attention.contrast(features[side], found))
            losses[name] = gate * label_loss(maps.mean((2, 3)), own, given)
        return losses

    def _self_losses(self, images: Tensor, features: Tensor, logits: Tensor, labels: Tensor, weights: Tensor) -> Tensor:
        every = slice(None, None, self.companions + 1)
        image, own, wanted, counts = images[every], features[every], labels[every], weights[every]
        total = []
        for view in self._views(image):
            found = self.features(view)
            total.append(self._mean_of_two(logits[every], self._logits(found), wanted, counts))
            total.append(self._co_loss(self.attention(own, found), wanted, counts))
        return torch.stack(total).sum()

    def _views(self, images: Tensor) -> list[Tensor]:
        """Return images (B,3,H,W) mirrored, and at the sizes of self pairs."""
        sizes = [[round(side * scale) for side in images.shape[2:]] for scale in _SELF_SCALES]
        fitting = [self.normalisation.fit_size(*size) for size in sizes]
        return [images.flip(3), *(F.interpolate(images, size, mode="bilinear") for size in fitting)]

    def _co_loss(self, attended: tuple[Tensor, Tensor], labels: Tensor, weights: Tensor) -> Tensor:
        first, second = (self.co_maps(one).mean((2, 3)) for one in attended)
        return self._mean_of_two(first, second, labels, weights)

    def _mean_of_two(self, first: Tensor, second: Tensor, labels: Tensor, weights: Tensor) -> Tensor:
        return (label_loss(first, labels, weights) + label_loss(second, labels, weights)) / 2

    def _logits(self, features: Tensor) -> Tensor:
        found: Tensor = self.classifier(features.mean((2, 3), keepdim=True)).flatten(1)
        return found


def pairs_of(images: int, group_size: int, device: torch.device | None = None) -> Pairs:
    """Return the first and the second image (P,) int64 of all pairs within consecutive groups of a batch."""
    found = []
    for start in range(0, images, group_size):
        group = range(start, min(start + group_size, images))
        found += [(a, b) for a in group for b in group if a < b] or [(start, start)]
    first, second = torch.tensor(found, device=device).T
    return first, second
