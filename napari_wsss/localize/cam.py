"""Class activation maps (Zhou et al., "Learning Deep Features for Discriminative Localization", CVPR 2016).

With features f(x) of C' channels and one weight vector w_c per class::

    M_c(x) = w_c . f(x)                    the activation map of class c
    s_c    = mean over x of M_c(x)         its image-level logit

The classifier is thus a 1x1 convolution without bias followed by global average pooling, trained with the
multi-label soft margin loss; the map is ReLU(M_c), as in the weakly supervised systems that build on it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from torch import Tensor, nn

from napari_wsss.core.parameters import parameter
from napari_wsss.localize.base import Localizer
from napari_wsss.networks.trunk import Trunk
from napari_wsss.weights.normalisation import IMAGENET, Normalisation

_PSA = {"learning_rate": 0.01, "weight_decay": 5e-4, "epochs": 15, "batch_size": 16}
_PSA_VIEW = {"crop": 448, "scale_low": 256 / 448, "scale_high": 512 / 448, "colour": 0.3}


class Cam(Localizer):
    """Class activation maps of a linear classifier on pooled features."""

    title = "CAM"
    background_threshold = 0.382  # alpha 2
    published = ("psa_cls_resnet38", "psa_cls_vgg16", "irn_cam_resnet50")
    presets: ClassVar = {
        # The public code of psa passes the weight decay where SGD expects the momentum; its README's rate of 0.1 is
        # VGG-16's, ResNet-38 takes 0.01.
        "reference": {"optimisation": _PSA | {"momentum": 5e-4}, "augmentation": _PSA_VIEW},
        "paper": {"optimisation": _PSA | {"momentum": 0.9, "learning_rate": 0.001}, "augmentation": _PSA_VIEW},
    }

    @dataclass(frozen=True)
    class Parameters:
        """CAM."""

        dropout: float = parameter(
            0.0, "Dropout", "Share of feature channels left out in training.", bounds=(0.0, 0.9), advanced=True
        )
        root: bool = parameter(
            False, "Root of the maps", "Take the square root of each map, as psa does on VGG-16.", advanced=True
        )

    settings: Parameters

    def __init__(
        self, class_count: int, trunk: Trunk, parameters: Any | None = None, normalisation: Normalisation = IMAGENET
    ) -> None:
        super().__init__(class_count, trunk, parameters, normalisation)
        self.dropout = nn.Dropout2d(self.settings.dropout)
        self.classifier = nn.Conv2d(trunk.channels, class_count, 1, bias=False)
        nn.init.normal_(self.classifier.weight, std=0.01)

    def classify(self, images: Tensor) -> Tensor:
        """Return image-level logits (B,C): pooling first, which is the same and cheaper."""
        pooled = self.dropout(self.trunk(images)).mean((2, 3), keepdim=True)  # (B, C', 1, 1)
        logits: Tensor = self.classifier(pooled).flatten(1)  # (B, C)
        return logits

    def localize(self, images: Tensor, labels: Tensor) -> Tensor:
        """Return ReLU(M_c), or its root, (B,C,h,w) of the labelled classes, zero for the others."""
        maps: Tensor = self.classifier(self.trunk(images)).relu()  # (B, C, h, w)
        if self.settings.root:
            maps = maps.sqrt()
        return maps * labels[:, :, None, None]
