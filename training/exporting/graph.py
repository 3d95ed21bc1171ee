"""What is written into an exported file: a network between pixels as they are read and results as they are used."""

from typing import Any

import torch
from torch import Tensor, nn

from napari_wsss.core.errors import StepError
from napari_wsss.prediction.description import Description
from napari_wsss.weights.normalisation import Normalisation


class Normalise(nn.Module):
    """Input of a network (B,3,H,W) float32 of images (B,H,W,3) uint8 RGB, as `Normalisation.apply` makes it."""

    factor: Tensor
    offset: Tensor

    def __init__(self, wanted: Normalisation) -> None:
        super().__init__()
        std = torch.tensor(wanted.std, dtype=torch.float64)
        self.register_buffer("factor", (wanted.scale / std).float()[:, None, None])
        self.register_buffer("offset", (torch.tensor(wanted.mean, dtype=torch.float64) / std).float()[:, None, None])
        self.reversed = wanted.channel_order == "BGR"

    def forward(self, images: Tensor) -> Tensor:
        """Return the network's input."""
        planes = images.permute(0, 3, 1, 2).float()
        planes = planes.flip(1) if self.reversed else planes
        return planes * self.factor - self.offset


class SegmenterGraph(nn.Module):
    """Probabilities (B,C+1,H,W) of images (B,H,W,3) uint8 and labels (B,C) bool."""

    def __init__(self, network: Any) -> None:
        super().__init__()
        self.normalise, self.network = Normalise(network.normalisation), network

    def forward(self, images: Tensor, labels: Tensor) -> tuple[Tensor]:
        """Return what background and the labelled classes share."""
        return (self.network.segment_among(self.normalise(images), labels),)


class LocalizerGraph(nn.Module):
    """Maps (B,C,h,w) >= 0 and image-level logits (B,C) of images (B,H,W,3) uint8 and labels (B,C) bool."""

    def __init__(self, network: Any) -> None:
        super().__init__()
        self.normalise, self.network = Normalise(network.normalisation), network

    def forward(self, images: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        """Return the maps of the labelled classes, and what it says of the whole image."""
        planes = self.normalise(images)
        return self.network.localize(planes, labels), self.network.classify(planes)


def graph_of(network: Any) -> nn.Module:
    """Return the graph of a segmenter or localizer, in evaluation mode, without gradients.

    Raises
    ------
    StepError
        When its method cannot be exported, with its reason.
    """
    if network.not_exportable:
        raise StepError(f"{network.title} cannot be exported: {network.not_exportable}")
    made = SegmenterGraph(network) if network.shelf == "segment" else LocalizerGraph(network)
    return made.eval().requires_grad_(False)


def describe(network: Any, classes: Any, facts: dict[str, Any]) -> Description:
    """Return what an exported file says of a network; `facts` (plain JSON types) are kept as they are."""
    segments = network.shelf == "segment"
    return Description(
        kind=network.shelf,
        method=network.method,
        trunk=network.trunk.name,
        classes=classes,
        known=tuple(network.known_classes.tolist()) if segments else (True,) * len(classes),
        normalisation=network.normalisation,
        enlargement=network.enlargement if segments else 1.0,
        side=0 if segments else network.side,
        stride=1 if segments else network.stride,
        aligned_corners=not segments and network.aligned_corners,
        map_range="" if segments else network.map_range,
        one_by_one=network.one_by_one,
        facts=facts,
    )
