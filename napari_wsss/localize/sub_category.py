"""SC-CAM: sub-category exploration (Chang et al., CVPR 2020).

With features f(x) of C' channels, their mean over x after dropout p, K sub-categories of every class, and one weight
vector per class (w) and per sub-category (v)::

    s_c = w_c . p                                     the logit of class c ("parent")
    t_j = v_j . p,    j = c K + k                     the logit of the k-th sub-category of class c
    L   = MLSM(s, y) + lambda MLSM(t, z)              equation 3; MLSM: multi-label soft margin
    M_c(x) = ReLU(w_c . f(x))                         the map of class c

z says to which of its class's clusters of p an image belongs; the rounds that find them are in
``training.recipes.sub_category``. Published: K = 10, lambda = 5, every class has K clusters. Here a class may have
fewer (it has too few images): its other rows of the head stay, and are left out of the loss.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from napari_wsss.core.parameters import parameter
from napari_wsss.localize.base import Localizer, LocalizerBatch, label_loss
from napari_wsss.networks.across import mean
from napari_wsss.networks.trunk import Trunk
from napari_wsss.weights.normalisation import IMAGENET, Normalisation

_PUBLISHED = {"learning_rate": 0.01, "head_rate": 10.0, "weight_decay": 5e-4, "epochs": 61, "batch_size": 16}
_VIEW = {"crop": 224, "scale_low": 256 / 224, "scale_high": 512 / 224, "colour": 0.3}
# With real momentum the published lambda of 5 makes the maps of pretrained MobileNetV2 collapse to zero; as good as
# without momentum, which is how the public code runs, it needs many more epochs.
_SHORT = {"sub_weight": 1.0, "dropout": 0.0}


class SubCategory(Localizer):
    """Class activation maps of a classifier that also has to tell the clusters within a class apart."""

    title = "SC-CAM"
    background_threshold = 0.382  # alpha 2
    advice = "Trains once and then once per round. Where a class has few images, take fewer sub-categories (K)."
    published = ("sccam_resnet38",)
    recipe = "sub_category"
    presets: ClassVar = {
        "pretrained": {"parameters": _SHORT},
        # As in psa, the public code passes the weight decay where SGD expects the momentum.
        "reference": {"optimisation": _PUBLISHED | {"momentum": 5e-4}, "augmentation": _VIEW},
        "paper": {"optimisation": _PUBLISHED | {"momentum": 0.9}, "augmentation": _VIEW},
    }

    @dataclass(frozen=True)
    class Parameters:
        """SC-CAM."""

        cluster_count: int = parameter(
            10, "Sub-categories (K)", "Clusters per class; a class with fewer images has fewer.", bounds=(1, 1000)
        )
        sub_weight: float = parameter(
            5.0, "Sub-category weight (lambda)", "Weight of the sub-categories' loss.", bounds=(0.0, 1000.0)
        )
        rounds: int = parameter(
            3,
            "Rounds",
            "How often the clusters are found anew and the network trained with them; 0 trains the classes only.",
            bounds=(0, 100),
        )
        start: str = parameter(
            "anew",
            "Start",
            "'anew': train the classes first and find clusters by that; 'clusters': begin with the project's clusters "
            "as a person left them, which saves the first training.",
            choices=("anew", "clusters"),
        )
        dropout: float = parameter(
            0.5, "Dropout", "Share of feature channels left out in training.", bounds=(0.0, 0.9), advanced=True
        )
        unit_features: bool = parameter(
            False,
            "Unit features",
            "Cluster features of unit length, so that only their direction counts; the paper takes them as they are.",
            advanced=True,
        )
        projection: str = parameter(
            "pca",
            "Projection",
            "How clusters are drawn in two dimensions; 'umap' needs the package umap-learn.",
            choices=("pca", "umap"),
            advanced=True,
        )
        map_source: str = parameter(
            "parent",
            "Maps of",
            "'parent': the classes, the method's output; 'merged': at every pixel the strongest of a class's "
            "sub-categories, to look into what they respond to.",
            choices=("parent", "merged"),
            advanced=True,
        )

    settings: Parameters
    columns: Tensor

    def __init__(
        self, class_count: int, trunk: Trunk, parameters: Any | None = None, normalisation: Normalisation = IMAGENET
    ) -> None:
        super().__init__(class_count, trunk, parameters, normalisation)
        sub_classes = class_count * self.settings.cluster_count
        self.dropout = nn.Dropout2d(self.settings.dropout)
        self.classifier = nn.Conv2d(trunk.channels, class_count, 1, bias=False)
        self.sub_classifier = nn.Conv2d(trunk.channels, sub_classes, 1, bias=False)
        # Published: Xavier's, whose random gradients disturb a fresh trunk. See the measurement above.
        nn.init.normal_(self.classifier.weight, std=0.01)
        nn.init.normal_(self.sub_classifier.weight, std=0.01)
        # Nothing teaches sub-categories before there are any: see `explore`.
        self.sub_classifier.requires_grad_(False)
        # Not persistent: which rows were used is no part of the published files.
        self.register_buffer("columns", torch.ones(sub_classes, dtype=torch.bool), persistent=False)

    def explore(self, columns: Tensor) -> None:
        """Let the sub-categories learn: those of `columns` (C*K,) bool, class-major."""
        self.columns.copy_(columns)
        self.sub_classifier.requires_grad_(True)

    def features(self, images: Tensor) -> Tensor:
        """Return the pooled features (B,C') that are clustered; in training with dropout."""
        pooled: Tensor = self.dropout(self.trunk(images)).mean((2, 3))
        return pooled

    def logits(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Return the logits of classes (B,C) and of sub-categories (B,C*K) of normalised images (B,3,H,W)."""
        pooled = self.features(images)[:, :, None, None]  # (B, C', 1, 1)
        return self.classifier(pooled).flatten(1), self.sub_classifier(pooled).flatten(1)

    def classify(self, images: Tensor) -> Tensor:
        """Return the classes' logits (B,C)."""
        logits: Tensor = self.classifier(self.features(images)[:, :, None, None]).flatten(1)
        return logits

    def localize(self, images: Tensor, labels: Tensor) -> Tensor:
        """Return the maps (B,C,h,w) of the labelled classes, zero for the others."""
        features = self.trunk(images)
        if self.settings.map_source == "merged":
            maps = self.sub_maps(features).amax(2)
        else:
            maps = self.classifier(features).relu()
        return maps * labels[:, :, None, None]

    def sub_maps(self, features: Tensor) -> Tensor:
        """Return the maps (B,C,K,h,w) of all sub-categories, of features (B,C',h,w)."""
        flat: Tensor = self.sub_classifier(features).relu()  # (B, C*K, h, w)
        maps: Tensor = flat.unflatten(1, (self.class_count, self.settings.cluster_count))
        return maps

    def loss(self, batch: LocalizerBatch) -> dict[str, Tensor]:
        """Return the classes' loss and, when the batch has sub-category labels, theirs times lambda."""
        if batch.sub_labels is None:
            return super().loss(batch)
        logits, sub_logits = self.logits(batch.images)
        return {
            "classification": label_loss(logits, batch.labels),
            "sub_category": self.settings.sub_weight * self._sub_loss(sub_logits, batch.labels, batch.sub_labels),
        }

    def _sub_loss(self, logits: Tensor, labels: Tensor, sub_labels: Tensor) -> Tensor:
        """Return the multi-label soft margin loss over the columns that say something about an image.

        A class that the crop does not show has none of its sub-categories; an image of a class whose cluster is not
        known, or of which it is not known whether it is there, teaches nothing about that class's.
        """
        shape = (self.class_count, self.settings.cluster_count)
        shown = labels[:, :, None] > 0  # (B, C, 1)
        target = sub_labels.unflatten(1, shape) * shown
        absent = labels[:, :, None] == 0
        told = ((target > 0).any(2, keepdim=True) | absent) & self.columns.view(shape)
        single = F.binary_cross_entropy_with_logits(logits.unflatten(1, shape), target, reduction="none") * told
        return mean(single.sum((1, 2)) / told.sum((1, 2)).clamp(min=1))
