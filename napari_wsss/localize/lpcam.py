"""LPCAM: local prototypes of features, discriminative or not.

Chen and Sun, "Extracting Class Activation Maps from Non-Discriminative Features as well", CVPR 2023.

A trained classifier ("base") is kept as it is; only how its maps are made changes. All local features f(x) of the
images of a class are clustered, those inside its activation map and those outside, each into K clusters. The base
judges every cluster centre: where it is sure that the centre shows the class, the centre is one of the class's
prototypes F_i (i <= K1); centres from outside that remind it of the class, but not surely, are its context B_j
(j <= K2)::

    FG(x) = 1/K1 sum_i cos(f(x), F_i)      BG(x) = 1/K2 sum_j cos(f(x), B_j)
    M(x)  = ReLU(FG(x) - BG(x)), divided by its maximum

Features are those of the last layer of the trunk, whatever the base computes from them. `training.recipes.prototypes`
finds the prototypes. Before that each class has one: the base's classifier weights, where it has a linear classifier.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from napari_wsss.core.errors import ParameterError
from napari_wsss.core.parameters import from_dict, parameter, to_dict
from napari_wsss.core.registry import load_method
from napari_wsss.localize.base import Localizer, LocalizerBatch
from napari_wsss.networks.prototypes import Prototypes, similarity
from napari_wsss.networks.trunk import Trunk
from napari_wsss.weights.normalisation import IMAGENET, Normalisation

METHOD = "lpcam"


class Lpcam(Localizer):
    """Maps by likeness to the local features of a class, with the classifier of any other localizer."""

    title = "LPCAM"
    background_threshold = 0.52  # alpha 0.89
    advice = "Trains nothing: it makes better maps from the classifier that is applied, in a few minutes."
    recipe = "prototypes"

    @dataclass(frozen=True)
    class Parameters:
        """LPCAM: nothing is trained; epochs, trunk, batches and augmentation are those of the base."""

        base: str = parameter(
            "",
            "Base",
            "The trained localizer whose features are clustered: a run's folder or a checkpoint; empty takes the one "
            "that is applied to the project. Training options other than seed and hardware have no effect.",
        )
        cluster_count: int = parameter(
            12, "Clusters (K)", "Clusters per class, of its features and of its context each.", bounds=(1, 1000)
        )
        map_threshold: float = parameter(
            0.1,
            "Map threshold (tau)",
            "Positions where the base's map of a class is at least this belong to the class, the others to its "
            "context; for bases whose maps have a high floor (EDAM), take more.",
            bounds=(0.0, 1.0),
        )
        class_score: float = parameter(
            0.9,
            "Class score (mu_f)",
            "Clusters are prototypes of a class when the base is at least so sure of it.",
            bounds=(0.0, 1.0),
        )
        context_score: float = parameter(
            0.9,
            "Context score (mu_b)",
            "Clusters outside a class are its context when the base is less sure of the class than this.",
            bounds=(0.0, 1.0),
        )
        context_floor: float = parameter(
            0.05,
            "Least context score",
            "Clusters outside a class that have less of it than this are not its context; of the public code, the "
            "paper has no such bound.",
            bounds=(0.0, 1.0),
            advanced=True,
        )
        features_per_class: int = parameter(
            3000,
            "Features per class",
            "Positions drawn from a class's images, inside and outside its maps each; memory and time grow with it.",
            bounds=(10, 1_000_000),
            advanced=True,
        )
        base_method: str = parameter("cam", "Base method", "Found with the base; leave as it is.", advanced=True)
        base_parameters: str = parameter(
            "{}", "Base parameters", "JSON, found with the base; leave as it is.", advanced=True
        )

    settings: Parameters

    def __init__(
        self, class_count: int, trunk: Trunk, parameters: Any | None = None, normalisation: Normalisation = IMAGENET
    ) -> None:
        super().__init__(class_count, trunk, parameters, normalisation)
        self.base = _base_of(self.settings, class_count, trunk, normalisation)
        # The base works with this very trunk, but does not hold it as a part: it is stored once.
        del self.base.trunk
        object.__setattr__(self.base, "trunk", trunk)
        most = self.settings.cluster_count
        self.prototypes = Prototypes(class_count, most, trunk.channels)
        self.context = Prototypes(class_count, most, trunk.channels)
        self.start()

    def load_weights(self, source: str) -> Normalisation:
        """Start from the trunk's weights, which are the base's too."""
        self.base.normalisation = super().load_weights(source)
        return self.normalisation

    def classify(self, images: Tensor) -> Tensor:
        """Return the base's logits (B,C)."""
        return self.base.classify(images)

    def localize(self, images: Tensor, labels: Tensor) -> Tensor:
        """Return M (B,C,h,w) of the labelled classes, not yet divided by its maximum; zero for the others."""
        directions = self.prototypes.directions() - self.context.directions()
        return similarity(self.trunk(images), directions).relu() * labels[:, :, None, None]

    def loss(self, batch: LocalizerBatch) -> dict[str, Tensor]:
        """Return the base's losses; the recipe of this method minimises nothing."""
        return self.base.loss(batch)

    def pixel_features(self, images: Tensor) -> Tensor:
        """Return what tells pixels apart for the base, on this method's grid."""
        features = self.base.pixel_features(images)
        grid = [-(-side // self.stride) for side in images.shape[2:]]
        if list(features.shape[2:]) == grid:
            return features
        return F.interpolate(features, grid, mode="bilinear", align_corners=False)

    def start(self) -> None:
        """Give every class the one prototype that its classifier weights are, and no context."""
        self.put([row[None] for row in _first_prototypes(self.base)], [])

    def put(self, prototypes: Sequence[Tensor], context: Sequence[Tensor]) -> None:
        """Take the prototypes (n, C') of every class and of its context, each at most K; no context at all is one."""
        self.prototypes.put(prototypes)
        self.context.put(context or [row[:0] for row in prototypes])


def standing_on(base: Localizer, parameters: Lpcam.Parameters) -> Lpcam:
    """Return LPCAM with a trained base: the same trunk, a copy of its head, prototypes as at the start."""
    own = json.dumps(to_dict(base.settings), sort_keys=True)
    settings = replace(parameters, base_method=base.method, base_parameters=own)
    result = Lpcam(base.class_count, base.trunk, settings, base.normalisation)
    result.base.load_state_dict({n: v for n, v in base.state_dict().items() if not n.startswith("trunk.")})
    result.side = base.side
    result.start()
    return result.to(next(base.trunk.parameters()).device).train(base.training)


def _base_of(settings: Lpcam.Parameters, class_count: int, trunk: Trunk, normalisation: Normalisation) -> Localizer:
    if settings.base_method == METHOD:
        raise ParameterError("LPCAM cannot stand on LPCAM; choose the localizer that one stands on.", name="base")
    cls: type[Localizer] = load_method("localize", settings.base_method)
    try:
        own = json.loads(settings.base_parameters)
    except ValueError as reason:
        raise ParameterError(
            f"The base's parameters {settings.base_parameters!r} are no JSON ({reason}); leave them as the run found "
            "them.",
            name="base_parameters",
        ) from reason
    base = cls(class_count, trunk, from_dict(cls.Parameters, own), normalisation)
    base.method = settings.base_method
    return base


def _first_prototypes(base: Localizer) -> Tensor:
    """Return one vector (C, C') per class: its classifier weights, or random ones where the head is not linear."""
    head, channels = getattr(base, "classifier", None), base.trunk.channels
    if isinstance(head, nn.Conv2d) and head.kernel_size == (1, 1) and head.in_channels == channels:
        # The background, where there is one (SEAM), comes first.
        return head.weight.detach()[-base.class_count :, :, 0, 0].float()
    return torch.randn(base.class_count, channels)
