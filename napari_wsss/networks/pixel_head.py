"""A small multi-layer perceptron that tells the class of a cell from the features of a frozen trunk."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

LEAST_SPREAD = 1e-3
"""Added to a standard deviation, so that a channel that never differs stays finite."""


class PixelHead(nn.Module):
    """Linear, ReLU, dropout, linear on standardised features; several of them answer by their mean.

    Parameters
    ----------
    channels : int
        Features D of a cell.
    classes : int
        Outputs, background included.
    hidden : int
        Width of the hidden layer.
    dropout : float in [0, 1)
        Share of hidden units left out in training.
    members : int
        Perceptrons that learn apart from each other; their log-probabilities are averaged.

    Attributes
    ----------
    centre, spread : (D,) float32
        Mean and standard deviation of what it learned from.
    """

    centre: Tensor
    spread: Tensor

    def __init__(self, channels: int, classes: int, hidden: int, dropout: float, members: int = 1) -> None:
        super().__init__()
        self.register_buffer("centre", torch.zeros(channels))
        self.register_buffer("spread", torch.ones(channels))
        self.members = nn.ModuleList(
            nn.Sequential(
                nn.Linear(channels, hidden), nn.ReLU(inplace=True), nn.Dropout(dropout), nn.Linear(hidden, classes)
            )
            for _ in range(members)
        )

    def forget(self) -> None:
        """Draw all weights anew."""
        for layer in self.modules():
            if isinstance(layer, nn.Linear):
                layer.reset_parameters()

    def standardise(self, rows: Tensor) -> None:
        """Take mean and spread from features (N,D)."""
        self.centre.copy_(rows.mean(0))
        self.spread.copy_(rows.std(0, correction=0) + LEAST_SPREAD)

    def each(self, rows: Tensor) -> Tensor:
        """Return the logits (M,N,classes) of each member for features (N,D)."""
        rows = (rows - self.centre) / self.spread
        return torch.stack([member(rows) for member in self.members])

    def forward(self, rows: Tensor) -> Tensor:
        """Return logits (N,classes) of features (N,D): the mean of the members' log-probabilities."""
        return self.each(rows).float().log_softmax(-1).mean(0)

    def on_taps(self, taps: Sequence[Tensor]) -> Tensor:
        """Return the logits (B,classes,h,w) of taps (B,C,h,w) on the finest of their grids, as `forward` would.

        The first layer is linear, and so is bringing a tap to a finer grid: done in this order it is a third of the
        work.
        """
        size, channels = finest(taps), [tap.shape[1] for tap in taps]
        found = []
        for member in self.members:
            first, _, dropout, last = member.children()
            assert isinstance(first, nn.Linear)
            assert isinstance(dropout, nn.Dropout)
            assert isinstance(last, nn.Linear)
            weight = first.weight / self.spread
            hidden = (first.bias - weight @ self.centre)[:, None, None]
            for tap, part in zip(taps, weight.split(channels, 1), strict=True):
                hidden = hidden + enlarged(F.conv2d(tap, part[:, :, None, None]), size)
            hidden = F.dropout(hidden.relu(), dropout.p, self.training)
            found.append(F.conv2d(hidden, last.weight[:, :, None, None], last.bias))
        return torch.stack(found).float().log_softmax(2).mean(0)


def finest(taps: Sequence[Tensor]) -> tuple[int, int]:
    """Return rows and columns of the tap (B,C,h,w) with the most cells."""
    height, width = max((tap.shape[2:] for tap in taps), key=lambda shape: shape[0] * shape[1])
    return height, width


def on_finest_grid(taps: Sequence[Tensor]) -> Tensor:
    """Return the features (B,D,h,w) of several taps (B,C,h,w), all brought to the grid with the most cells (bilinear).

    The first cells of all grids lie on the first pixel, and on sizes of the form 32k+1 the last ones on the last.
    """
    return torch.cat([enlarged(tap, finest(taps)) for tap in taps], 1)


def enlarged(planes: Tensor, size: Sequence[int]) -> Tensor:
    """Return planes (B,C,h,w) at another size, bilinear, corner cells on corner pixels."""
    if tuple(planes.shape[2:]) == tuple(size):
        return planes
    return F.interpolate(planes.float(), tuple(size), mode="bilinear", align_corners=True)
