"""ResNet-38, the trunk of PSA, SEAM, SC-CAM and EDAM.

"Model A1" of Wu et al., "Wider or Deeper: Revisiting the ResNet Model", 2016.

A wide pre-activation network: a unit's branch begins with batch norm and ReLU, nothing follows the sum. The first unit
of each stage projects its shortcut from the activated tensor, which is therefore all the stage reads: batch norm and
ReLU before a stage (``entry2`` ... ``entry7``) end the stage before, and are where the published systems tap
(conv3, conv4, conv5 are ``stride4``, ``stride8``, ``stride16``). Published at output stride 8; at 16 and 32 the stages
that dilate stride instead, with unchanged features at the kept positions.
"""

from collections.abc import Sequence
from typing import ClassVar

from torch import Tensor, nn

from napari_wsss.networks.batch_norm import BatchNorm
from napari_wsss.networks.trunk import LAST, Trunk, initialise, scaled

LINEAR = "linear"

# Channels inside and after a unit, and units, of the stages 2 to 5 (3x3 units).
_STAGES = ((128, 128, 3), (256, 256, 3), (512, 512, 6), (512, 1024, 3))
# Channels after the stages 6 and 7 (one bottleneck each) and their dropout.
_BOTTLENECKS = ((2048, 0.3), (4096, 0.5))


class Unit(nn.Module):
    """Two 3x3 convolutions; the first unit of a stage gets an activated tensor and projects its shortcut from it."""

    def __init__(
        self, channels_in: int, wide: int, channels: int, stride: int, dilations: tuple[int, int], *, first: bool
    ) -> None:
        super().__init__()
        self.norm1 = None if first else BatchNorm(channels_in)
        self.relu = nn.ReLU(inplace=True)
        self.conv1 = _conv3x3(channels_in, wide, stride, dilations[0])
        self.norm2 = BatchNorm(wide)
        self.conv2 = _conv3x3(wide, channels, 1, dilations[1])
        self.shortcut = nn.Conv2d(channels_in, channels, 1, stride, bias=False) if first else None

    def forward(self, x: Tensor) -> Tensor:
        """Return the sum (B,C,h,w) of branch and shortcut, not activated."""
        activated = x if self.norm1 is None else self.relu(self.norm1(x))
        kept = x if self.shortcut is None else self.shortcut(activated)
        out: Tensor = self.conv2(self.relu(self.norm2(self.conv1(activated))))
        return out + kept  # not in place: `folded` tells tensors apart by identity


class Bottleneck(nn.Module):
    """1x1 to a quarter, dilated 3x3 to half, 1x1 to all channels; dropout before the last two (active in training)."""

    def __init__(self, channels_in: int, channels: int, stride: int, dilation: int, dropout: float) -> None:
        super().__init__()
        quarter, half = channels // 4, channels // 2
        self.relu = nn.ReLU(inplace=True)
        self.dropout = nn.Dropout2d(dropout)
        self.conv1 = nn.Conv2d(channels_in, quarter, 1, stride, bias=False)
        self.norm2 = BatchNorm(quarter)
        self.conv2 = _conv3x3(quarter, half, 1, dilation)
        self.norm3 = BatchNorm(half)
        self.conv3 = nn.Conv2d(half, channels, 1, bias=False)
        self.shortcut = nn.Conv2d(channels_in, channels, 1, stride, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """Return the sum (B,C,h,w) of branch and shortcut of an activated `x`."""
        out = self.dropout(self.relu(self.norm2(self.conv1(x))))
        out = self.dropout(self.relu(self.norm3(self.conv2(out))))
        total: Tensor = self.conv3(out) + self.shortcut(x)
        return total


class ResNet38(Trunk):
    """ResNet-38 trunk; taps ``stride1`` to ``stride16``, ``linear`` (last batch norm) and ``stride32`` (``last``).

    Parameters
    ----------
    output_stride : int
        8 (as published), 16 or 32.
    width : float
        Factor on all channel counts.
    """

    linear_tap: ClassVar[str] = LINEAR

    def __init__(self, *, output_stride: int = 16, width: float = 1.0) -> None:
        super().__init__("resnet38", output_stride, width)
        channels = scaled(64, width)
        self.stem = _conv3x3(3, channels, 1, 1)
        self.taps = {"stride1": channels}
        for number, (wide, channels_out, units) in enumerate(_STAGES, start=2):
            wide, channels_out = scaled(wide, width), scaled(channels_out, width)
            self.add_module(f"entry{number}", _entry(channels))
            stride = 2 if 2 ** (number - 1) <= output_stride else 1
            dilations = (1, 1) if stride == 2 else (1, 2)
            row = [Unit(channels, wide, channels_out, stride, dilations, first=True)]
            for _ in range(units - 1):
                row.append(Unit(channels_out, wide, channels_out, 1, (dilations[1], dilations[1]), first=False))
            self.add_module(f"stage{number}", nn.Sequential(*row))
            channels = channels_out
            self.taps[f"stride{2 ** (number - 1)}"] = channels
        for number, (channels_out, dropout) in enumerate(_BOTTLENECKS, start=6):
            channels_out = scaled(channels_out, width)
            self.add_module(f"entry{number}", _entry(channels))
            stride = 2 if number == 6 and output_stride == 32 else 1
            unit = Bottleneck(channels, channels_out, stride, 32 // output_stride, dropout)
            self.add_module(f"stage{number}", nn.Sequential(unit))
            channels = channels_out
        self.norm = BatchNorm(channels)
        self.relu = nn.ReLU()  # not in place: what comes before it is a tap
        self.taps |= {LINEAR: channels, "stride32": channels}
        self.stage_taps = tuple(self.taps)
        self.taps[LAST] = channels
        initialise(self)

    def stages(self) -> Sequence[Sequence[nn.Module]]:
        """Return stem, stages 2 to 5 (each up to the activation the next one reads), 6 with 7, and the last ReLU."""
        entry = {number: self.get_submodule(f"entry{number}") for number in range(2, 8)}
        stage = {number: self.get_submodule(f"stage{number}") for number in range(2, 8)}
        middle = [(stage[number], entry[number + 1]) for number in range(2, 6)]
        return [(self.stem, entry[2]), *middle, (stage[6], entry[7], stage[7], self.norm), (self.relu,)]


def _entry(channels: int) -> nn.Sequential:
    return nn.Sequential(BatchNorm(channels), nn.ReLU(inplace=True))


def _conv3x3(channels_in: int, channels: int, stride: int, dilation: int) -> nn.Conv2d:
    return nn.Conv2d(channels_in, channels, 3, stride, padding=dilation, dilation=dilation, bias=False)
