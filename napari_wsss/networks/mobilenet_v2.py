"""MobileNetV2 trunk (Sandler et al., CVPR 2018), the default on a CPU; `layers` is torchvision's ``features``.

At output stride 16 or 8 a row that would exceed it strides no longer: its first depthwise convolution keeps the
dilation of the row before, the following ones double it, so that the weights keep their meaning.
"""

from collections.abc import Sequence

from torch import Tensor, nn

from napari_wsss.networks.batch_norm import BatchNorm
from napari_wsss.networks.trunk import LAST, Trunk, initialise, scaled

# (expansion, channels, blocks, stride) of each row of the paper's table 2.
_ROWS = (
    (1, 16, 1, 1),
    (6, 24, 2, 2),
    (6, 32, 3, 2),
    (6, 64, 4, 2),
    (6, 96, 3, 1),
    (6, 160, 3, 2),
    (6, 320, 1, 1),
)
# Tap, entries of `layers` that lead to it, and its channels.
_STAGES = (
    ("stride2", slice(0, 2), 16),
    ("stride4", slice(2, 4), 24),
    ("stride8", slice(4, 7), 32),
    ("stride16", slice(7, 14), 96),
    ("stride32", slice(14, 18), 320),
    (LAST, slice(18, 19), 1280),
)


class InvertedResidual(nn.Module):
    """1x1 expand, 3x3 depthwise, linear 1x1 project, with or without a shortcut.

    Parameters
    ----------
    channels_in, channels : int
        Of the narrow ends.
    expansion : int
        Wide channels per input channel; 1 leaves the expanding convolution out.
    stride, dilation : int
        Of the depthwise convolution.
    shortcut : bool
        Add the input. Not derived from the sizes: a block that gave up its stride never had one.
    """

    def __init__(
        self, channels_in: int, channels: int, *, expansion: int, stride: int, dilation: int, shortcut: bool
    ) -> None:
        super().__init__()
        wide = channels_in * expansion
        expand = [_pointwise(channels_in, wide)] if expansion != 1 else []
        depthwise = nn.Conv2d(wide, wide, 3, stride, padding=dilation, dilation=dilation, groups=wide, bias=False)
        self.conv = nn.Sequential(
            *expand,
            nn.Sequential(depthwise, BatchNorm(wide), nn.ReLU6(inplace=True)),
            nn.Conv2d(wide, channels, 1, bias=False),
            BatchNorm(channels),
        )
        self.shortcut = shortcut

    def forward(self, x: Tensor) -> Tensor:
        """Return (B,channels,h,w)."""
        out: Tensor = self.conv(x)
        return out.add_(x) if self.shortcut else out


class MobileNetV2(Trunk):
    """MobileNetV2 trunk; ``last`` is the 1280-channel map, segmentation heads read the 320-channel ``stride32``.

    Parameters
    ----------
    output_stride : int
        8, 16 or 32.
    width : float
        Factor on all channel counts.
    """

    dense_tap = "stride32"

    def __init__(self, *, output_stride: int = 16, width: float = 1.0) -> None:
        super().__init__("mobilenet_v2", output_stride, width)
        channels = scaled(32, width)
        stem = nn.Conv2d(3, channels, 3, stride=2, padding=1, bias=False)
        layers: list[nn.Module] = [nn.Sequential(stem, BatchNorm(channels), nn.ReLU6(inplace=True))]
        reached, dilation = 2, 1
        for expansion, row_channels, blocks, row_stride in _ROWS:
            stride, before = row_stride, dilation
            if reached * stride > output_stride:
                stride, dilation = 1, dilation * row_stride
            reached *= stride
            for index in range(blocks):
                first, channels_in, channels = index == 0, channels, scaled(row_channels, width)
                layers.append(
                    InvertedResidual(
                        channels_in,
                        channels,
                        expansion=expansion,
                        stride=stride if first else 1,
                        dilation=before if first else dilation,
                        shortcut=not first,
                    )
                )
        self.layers = nn.Sequential(*layers, _pointwise(channels, scaled(1280, width)))
        self.stage_taps = tuple(tap for tap, _, _ in _STAGES)
        self.taps = {tap: scaled(tap_channels, width) for tap, _, tap_channels in _STAGES}
        initialise(self)

    def stages(self) -> Sequence[Sequence[nn.Module]]:
        """Return the layers of each stage."""
        layers = list(self.layers)
        return [layers[part] for _, part, _ in _STAGES]


def _pointwise(channels_in: int, channels: int) -> nn.Sequential:
    convolution = nn.Conv2d(channels_in, channels, 1, bias=False)
    return nn.Sequential(convolution, BatchNorm(channels), nn.ReLU6(inplace=True))
