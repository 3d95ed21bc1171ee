"""Hypercolumns learned end to end (Hariharan et al., CVPR 2015): a pixel classifier whose trunk is fine-tuned, too.

Its recipe fits a pixel classifier on the frozen trunk first, and goes on from there: with accepted masks, and with that
classifier's own ones, after a dense CRF, of the images nobody decided about. The loss::

    L = sum over pixels of w(x) * -log p_{y(x)}(x)  /  sum over pixels of w(x)

is over background and the classes the image is labelled with (`SegmenterBatch.allowed`); the others are neither right
nor wrong in it. The weights w are evened: each value an image shows counts as much as its other ones, small things as
much as the background. Both are as in the pixel classifier's fit.
"""

from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor

from napari_wsss.core.parameters import parameter
from napari_wsss.networks.pixel_head import enlarged
from napari_wsss.networks.trunk import Trunk
from napari_wsss.segment.base import SegmenterBatch, rest_unused, weighted_cross_entropy
from napari_wsss.segment.pixel_classifier import NEVER, PixelClassifier
from napari_wsss.weights.normalisation import IMAGENET, Normalisation

EVERY = 2
"""The loss looks at every second row and column: between cells of 8 pixels logits are interpolated anyway."""


class Hypercolumns(PixelClassifier):
    """The network of the pixel classifier, all of which learns."""

    title = "Hypercolumns (pixel classifier, fine-tuned)"
    advice = (
        "The pixel classifier as its own teacher: its trunk learns, too, in minutes. It needs a trunk pretrained on "
        "many images, and labels of those it answers for."
    )
    recipe = "hypercolumns"
    trunk_learns = True
    keeps_maps = True
    presets: ClassVar = {
        "pretrained": {
            "optimisation": {"learning_rate": 0.0002, "head_rate": 5.0, "iterations": 200, "warm_up": 10},
            "augmentation": {"crop": 353, "scale_low": 0.8, "scale_high": 1.25, "colour": 0.0},
        },
    }

    @dataclass(frozen=True)
    class Parameters(PixelClassifier.Parameters):
        """Hypercolumns, fine-tuned."""

        dropout: float = parameter(
            0.5, "Dropout", "Share of hidden units left out in training.", bounds=(0.0, 0.95), advanced=True
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
        trunk.freeze(0)
        rest_unused(trunk, self.taps)

    def loss(self, batch: SegmenterBatch) -> dict[str, Tensor]:
        """Return ``segmentation``: cross-entropy over the classes allowed to each image."""
        logits = self.head.on_taps(self._taps_of(batch.images))  # (B, C+1, h, w)
        if batch.allowed is not None:
            logits = logits.masked_fill(~batch.allowed.bool()[:, :, None, None], NEVER)
        masks, weights = (planes[:, ::EVERY, ::EVERY] for planes in (batch.masks, batch.weights))
        weights = evened(masks, weights, self.class_count)
        return {"segmentation": weighted_cross_entropy(enlarged(logits, masks.shape[1:]), masks, weights)}

    def _taps_of(self, images: Tensor) -> list[Tensor]:
        return self._taps_by(self.trunk, images)


def evened(masks: Tensor, weights: Tensor, class_count: int) -> Tensor:
    """Return weights of which every value that an image shows has the same part; each image keeps its sum.

    Parameters
    ----------
    masks : (B, H, W) integer
        Mask values; what is none of background and `class_count` classes gets no weight.
    weights : (B, H, W) float32 >= 0
    class_count : int
    """
    known = masks <= class_count
    values = torch.where(known, masks, 0).long().flatten(1)  # (B, H*W)
    weights = (weights * known).flatten(1)
    sums = weights.new_zeros(len(masks), class_count + 1).scatter_add(1, values, weights)
    part = sums.sum(1, keepdim=True) / (sums > 0).sum(1, keepdim=True).clamp(min=1)
    factors = torch.where(sums > 0, part / sums, 0)
    return (weights * factors.gather(1, values)).view(masks.shape)
