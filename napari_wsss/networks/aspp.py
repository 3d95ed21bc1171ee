"""Atrous spatial pyramid pooling: branches joined, or summed straight to logits.

Joined, with the image's mean, as in Chen et al., "Rethinking Atrous Convolution", 2017, section 3.3; summed as in Chen
et al., "DeepLab", TPAMI 2018, section 3.2.
"""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from napari_wsss.networks.batch_norm import BatchNorm


class ImagePooling(nn.Module):
    """Mean over the image, 1x1 convolution, spread back over all positions.

    Parameters
    ----------
    channels_in, channels : int
        Before and after the convolution.
    """

    def __init__(self, channels_in: int, channels: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels_in, channels, 1, bias=False)
        self.norm = BatchNorm(channels)

    def forward(self, x: Tensor) -> Tensor:
        """Return (B,channels,h,w), constant over h and w."""
        pooled = F.relu(self.norm(self.conv(x.mean((2, 3), keepdim=True))))
        return pooled.expand(-1, -1, *x.shape[2:])


class Aspp(nn.Module):
    """Context (B,channels,h,w) of features: a 1x1 view, one 3x3 view per rate and the image mean, joined.

    Parameters
    ----------
    channels_in : int
        Of the features.
    rates : sequence of int
        Dilation of each 3x3 branch, in positions of the feature map: 6, 12, 18 at output stride 16, doubled at 8.
    channels : int
        Of each branch and of the result.
    dropout : float
        Probability on the result, in training.
    """

    def __init__(self, channels_in: int, rates: Sequence[int], *, channels: int = 256, dropout: float = 0.5) -> None:
        super().__init__()
        atrous = (conv_norm_relu(channels_in, channels, 3, rate) for rate in rates)
        self.branches = nn.ModuleList([conv_norm_relu(channels_in, channels, 1), *atrous])
        self.pooling = ImagePooling(channels_in, channels)
        self.projection = nn.Sequential(*conv_norm_relu(channels * (len(rates) + 2), channels, 1), nn.Dropout(dropout))

    def forward(self, features: Tensor) -> Tensor:
        """Return (B,channels,h,w) of features (B,channels_in,h,w)."""
        views = [branch(features) for branch in self.branches]
        out: Tensor = self.projection(torch.cat([*views, self.pooling(features)], dim=1))
        return out


class SummedAspp(nn.Module):
    """Logits (B,C,h,w) of features: the sum of one 3x3 convolution per rate, as in DeepLab v2.

    Parameters
    ----------
    channels_in : int
        Of the features.
    channels : int
        Of the logits.
    rates : sequence of int
        Dilation of each convolution, in positions of the feature map: 6, 12, 18, 24 at output stride 8.
    """

    def __init__(self, channels_in: int, channels: int, rates: Sequence[int]) -> None:
        super().__init__()
        if not rates:
            raise ValueError("A pyramid without rates gives no logits; give at least one dilation.")
        self.branches = nn.ModuleList(
            [nn.Conv2d(channels_in, channels, 3, padding=rate, dilation=rate) for rate in rates]
        )
        for branch in self.branches:
            nn.init.normal_(branch.get_parameter("weight"), std=0.01)
            nn.init.zeros_(branch.get_parameter("bias"))

    def forward(self, features: Tensor) -> Tensor:
        """Return (B,channels,h,w) of features (B,channels_in,h,w)."""
        first, *rest = self.branches
        total: Tensor = first(features)
        for branch in rest:
            total = total + branch(features)
        return total


def conv_norm_relu(channels_in: int, channels: int, kernel: int, dilation: int = 1) -> nn.Sequential:
    """Return a size-keeping convolution without bias, batch norm and ReLU."""
    padding = dilation * (kernel // 2)
    return nn.Sequential(
        nn.Conv2d(channels_in, channels, kernel, padding=padding, dilation=dilation, bias=False),
        BatchNorm(channels),
        nn.ReLU(inplace=True),
    )
