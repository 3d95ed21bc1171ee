"""The two heads of IRNet (Ahn et al., CVPR 2019, section 4.1): class boundaries, and displacements to instance centres.

Both read five taps of a trunk, finest first, none finer than stride 4. A branch is a 1x1 convolution, group
normalisation, bilinear enlargement and ReLU, in this order; enlarged maps lose what lies beyond the grid of stride 4.
"""

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from napari_wsss.networks.trunk import scaled

GRID = 4
"""Input pixels per cell of both heads' results."""

_COARSE = 8  # the displacements' deep branches meet here first
_EDGE_CHANNELS, _EDGE_GROUPS = 32, 4
_BRANCHES = ((64, 8), (128, 16), (256, 16), (256, 16), (256, 16))  # channels and groups, finest tap first
_MERGED, _MERGED_GROUPS = 256, 16


class Branch(nn.Sequential):
    """1x1 convolution and group normalisation; `forward` enlarges and rectifies their result.

    Parameters
    ----------
    channels_in, channels, groups : int
        Fewer groups are taken where `channels` is no multiple of them.
    factor : int
        How many times larger the result is.
    """

    def __init__(self, channels_in: int, channels: int, groups: int, factor: int) -> None:
        super().__init__(
            nn.Conv2d(channels_in, channels, 1, bias=False), nn.GroupNorm(math.gcd(groups, channels), channels)
        )
        self.channels, self.factor = channels, factor

    def forward(self, features: Tensor) -> Tensor:
        """Return (B,channels,factor*h,factor*w) >= 0 of features (B,channels_in,h,w)."""
        out: Tensor = self[1](self[0](features))
        if self.factor > 1:
            out = F.interpolate(out, scale_factor=self.factor, mode="bilinear", align_corners=False)
        return out.relu_()


class EdgeHead(nn.Module):
    """Class boundaries from five taps.

    Parameters
    ----------
    taps : sequence of (channels, stride)
        Finest first, strides from 4.
    width : float
        Factor on the head's channels, 1 as published.
    """

    def __init__(self, taps: Sequence[tuple[int, int]], width: float = 1.0) -> None:
        super().__init__()
        channels = scaled(_EDGE_CHANNELS, width)
        self.branches = nn.ModuleList(
            Branch(channels_in, channels, _EDGE_GROUPS, stride // GRID) for channels_in, stride in taps
        )
        self.merge = nn.Conv2d(channels * len(taps), 1, 1)

    def forward(self, features: Sequence[Tensor]) -> Tensor:
        """Return logits (B,1,h,w) of features (B,C',h',w') of the taps, the first of which has the result's grid."""
        grid = features[0].shape[2:]
        enlarged = [_cropped(branch(each), grid) for branch, each in zip(self.branches, features, strict=True)]
        logits: Tensor = self.merge(torch.cat(enlarged, 1))
        return logits


class DisplacementHead(nn.Module):
    """Displacements (dy, dx) in cells, from each cell towards the centre of its instance.

    Parameters
    ----------
    taps, width
        As in `EdgeHead`; one tap at least is coarser than stride 4.

    Attributes
    ----------
    mean : (2,) buffer
        The mean displacement of the training images, subtracted outside training: centres are where none is left.
    """

    mean: Tensor

    def __init__(self, taps: Sequence[tuple[int, int]], width: float = 1.0) -> None:
        super().__init__()
        self.fine = nn.ModuleList()
        self.coarse = nn.ModuleList()
        for (channels_in, stride), (channels, groups) in zip(taps, _BRANCHES, strict=True):
            home, grid = (self.fine, GRID) if stride <= GRID else (self.coarse, _COARSE)
            home.append(Branch(channels_in, scaled(channels, width), groups, max(1, stride // grid)))
        merged = scaled(_MERGED, width)
        self.merge_coarse = Branch(_channels(self.coarse), merged, _MERGED_GROUPS, _COARSE // GRID)
        self.merge = Branch(_channels(self.fine) + merged, merged, _MERGED_GROUPS, 1)
        self.displace = nn.Conv2d(merged, 2, 1, bias=False)
        self.register_buffer("mean", torch.zeros(2))

    def forward(self, features: Sequence[Tensor]) -> Tensor:
        """Return displacements (B,2,h,w) of features of the taps; outside training less their `mean`."""
        grid, coarse_grid = features[0].shape[2:], features[len(self.fine)].shape[2:]
        fine = [branch(each) for branch, each in zip(self.fine, features, strict=False)]
        deep = features[len(self.fine) :]
        coarse = [_cropped(branch(each), coarse_grid) for branch, each in zip(self.coarse, deep, strict=True)]
        merged = _cropped(self.merge_coarse(torch.cat(coarse, 1)), grid)
        found: Tensor = self.displace(self.merge(torch.cat([*fine, merged], 1)))
        return found if self.training else found - self.mean[:, None, None]


def _cropped(maps: Tensor, grid: Sequence[int]) -> Tensor:
    return maps[..., : grid[0], : grid[1]]


def _channels(branches: nn.ModuleList) -> int:
    return sum(branch.channels for branch in branches if isinstance(branch, Branch))
