"""ResNet-18/50/101 trunks in torchvision's key layout (He et al., "Deep Residual Learning", CVPR 2016).

The stride of a bottleneck sits in its 3x3 convolution. Smaller output strides dilate as torchvision's
``replace_stride_with_dilation`` does: the convolution that lost its stride keeps the dilation of the stage
before, everything after it doubles. The features at the kept positions are then unchanged. IRN's classifier gives up
the last stride without dilating.
"""

from collections.abc import Sequence
from typing import ClassVar

from torch import Tensor, nn

from napari_wsss.networks.batch_norm import BatchNorm
from napari_wsss.networks.trunk import LAST, Trunk, initialise, scaled

_BLOCKS = {18: (2, 2, 2, 2), 50: (3, 4, 6, 3), 101: (3, 4, 23, 3)}


class _Residual(nn.Module):
    """relu(branch(x) + shortcut(x)); subclasses give the branch."""

    def __init__(self, channels_in: int, channels: int, stride: int) -> None:
        super().__init__()
        self.relu = nn.ReLU(inplace=True)
        self.downsample: nn.Module | None = None
        if stride != 1 or channels_in != channels:
            self.downsample = nn.Sequential(
                nn.Conv2d(channels_in, channels, 1, stride, bias=False), BatchNorm(channels)
            )

    def branch(self, x: Tensor) -> Tensor:
        raise NotImplementedError

    def forward(self, x: Tensor) -> Tensor:
        shortcut = x if self.downsample is None else self.downsample(x)
        out: Tensor = self.relu(self.branch(x).add_(shortcut))
        return out


class BasicBlock(_Residual):
    """Two 3x3 convolutions (ResNet-18)."""

    expansion: ClassVar[int] = 1

    def __init__(self, channels_in: int, width: int, stride: int, dilations: tuple[int, int]) -> None:
        super().__init__(channels_in, width, stride)
        first, then = dilations
        self.conv1 = _conv3x3(channels_in, width, stride, first)
        self.bn1 = BatchNorm(width)
        self.conv2 = _conv3x3(width, width, 1, then)
        self.bn2 = BatchNorm(width)

    def branch(self, x: Tensor) -> Tensor:
        """Return the residual (B,C,h,w) before the shortcut is added."""
        x = self.relu(self.bn1(self.conv1(x)))
        out: Tensor = self.bn2(self.conv2(x))
        return out


class Bottleneck(_Residual):
    """1x1 reduce, 3x3 (stride and dilation), 1x1 increase (ResNet-50/101)."""

    expansion: ClassVar[int] = 4

    def __init__(self, channels_in: int, width: int, stride: int, dilations: tuple[int, int]) -> None:
        super().__init__(channels_in, width * self.expansion, stride)
        self.conv1 = nn.Conv2d(channels_in, width, 1, bias=False)
        self.bn1 = BatchNorm(width)
        self.conv2 = _conv3x3(width, width, stride, dilations[0])
        self.bn2 = BatchNorm(width)
        self.conv3 = nn.Conv2d(width, width * self.expansion, 1, bias=False)
        self.bn3 = BatchNorm(width * self.expansion)

    def branch(self, x: Tensor) -> Tensor:
        """Return the residual (B,C,h,w) before the shortcut is added."""
        x = self.relu(self.bn1(self.conv1(x)))
        x = self.relu(self.bn2(self.conv2(x)))
        out: Tensor = self.bn3(self.conv3(x))
        return out


class ResNet(Trunk):
    """ResNet trunk without the classifier; taps ``stride2`` (stem) to ``stride32`` (layer4, also ``last``).

    Parameters
    ----------
    depth : int
        18, 50 or 101.
    output_stride : int
        8, 16 or 32.
    width : float
        Factor on all channel counts.
    dilated : bool
        False gives up strides without dilating.
    """

    dense_tap = "stride32"
    undilatable = True

    def __init__(self, depth: int, *, output_stride: int = 16, width: float = 1.0, dilated: bool = True) -> None:
        super().__init__(f"resnet{depth}", output_stride, width)
        self.dilated = dilated
        block = BasicBlock if depth == 18 else Bottleneck
        widths = [scaled(64 * 2**stage, width) for stage in range(4)]
        self.conv1 = nn.Conv2d(3, widths[0], 7, stride=2, padding=3, bias=False)
        self.bn1 = BatchNorm(widths[0])
        self.relu = nn.ReLU(inplace=True)
        self.maxpool = nn.MaxPool2d(3, stride=2, padding=1)
        channels, reached, dilation = widths[0], 4, 1
        for index, (blocks, wide) in enumerate(zip(_BLOCKS[depth], widths, strict=True), start=1):
            stride, before = 1 if index == 1 else 2, dilation
            if reached * stride > output_stride:
                stride, dilation = 1, dilation * 2 if dilated else 1
            reached *= stride
            firsts = [block(channels, wide, stride, (before, dilation))]
            channels = wide * block.expansion
            rest = [block(channels, wide, 1, (dilation, dilation)) for _ in range(blocks - 1)]
            setattr(self, f"layer{index}", nn.Sequential(*firsts, *rest))
        self.stage_taps = ("stride2", "stride4", "stride8", "stride16", "stride32")
        outs = [widths[0], *(wide * block.expansion for wide in widths)]
        self.taps = dict(zip(self.stage_taps, outs, strict=True)) | {LAST: channels}
        initialise(self)

    def set_multi_grid(self, factors: Sequence[int]) -> None:
        """Multiply the dilations of the last stage, one factor per block (Chen et al. 2017, section 3.2: 1, 2, 4).

        Raises
        ------
        ValueError
            When the stage has another number of blocks.
        """
        blocks = list(self.get_submodule("layer4").children())
        if len(factors) != len(blocks):
            raise ValueError(f"{len(factors)} factors of the multi-grid; the last stage has {len(blocks)} blocks.")
        dilation = 32 // self.output_stride if self.dilated else 1
        for block, factor in zip(blocks, factors, strict=True):
            convolution = block.get_submodule("conv2")
            assert isinstance(convolution, nn.Conv2d)
            convolution.dilation = convolution.padding = (dilation * factor, dilation * factor)

    def stages(self) -> Sequence[Sequence[nn.Module]]:
        """Return stem, then max pooling with layer1, then layer2 to layer4."""
        layers = [self.get_submodule(f"layer{index}") for index in range(1, 5)]
        return [(self.conv1, self.bn1, self.relu), (self.maxpool, layers[0]), *((layer,) for layer in layers[1:])]


def _conv3x3(channels_in: int, channels: int, stride: int, dilation: int) -> nn.Conv2d:
    return nn.Conv2d(channels_in, channels, 3, stride, padding=dilation, dilation=dilation, bias=False)
