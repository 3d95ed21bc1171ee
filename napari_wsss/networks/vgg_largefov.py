"""VGG-16 as DeepLab v1 changed it ("LargeFOV", Chen et al., ICLR 2015), the trunk of PSA's networks on VGG-16.

Every pooling takes the maximum of 3x3 positions; the first fully connected layer is a dilated 3x3 convolution to 1024
channels, the second a 1x1 convolution. Published at output stride 8, where the fourth pooling does not stride and the
fifth block dilates by 2. The large dilation of ``wide`` is that of PSA's AffinityNet; PSA's classifier does without.
"""

from collections.abc import Sequence
from typing import ClassVar

from torch import nn

from napari_wsss.networks.trunk import LAST, initialise, scaled
from napari_wsss.networks.vgg import Vgg16

_WIDE_CHANNELS = 1024
# Input pixels between the positions that ``wide`` looks at.
_WIDE_REACH = 32


class Vgg16LargeFov(Vgg16):
    """VGG-16 LargeFOV trunk; taps ``stride1`` to ``stride16`` (conv5_3) and ``last`` (fc7).

    Parameters
    ----------
    output_stride : int
        8 (as published) or 16.
    width : float
        Factor on all channel counts.
    dilated : bool
        False lets ``wide`` look at neighbouring positions; the fifth block dilates all the same.
    """

    dense_tap = LAST
    undilatable: ClassVar[bool] = True

    def __init__(self, *, output_stride: int = 16, width: float = 1.0, dilated: bool = True) -> None:
        super().__init__(output_stride=output_stride, width=width)
        self.dilated = dilated
        self.name = "vgg16_largefov"
        before = self.taps[LAST]
        pools = [index for index, layer in enumerate(self.layers) if not isinstance(layer, nn.Conv2d | nn.ReLU)]
        for number, index in enumerate(pools, start=1):
            self.layers[index] = nn.MaxPool2d(3, 2 if 2**number <= output_stride else 1, padding=1)
        channels, reach = scaled(_WIDE_CHANNELS, width), _WIDE_REACH // output_stride if dilated else 1
        self.wide = nn.Conv2d(before, channels, 3, padding=reach, dilation=reach)
        self.mixed = nn.Conv2d(channels, channels, 1)
        self.relu = nn.ReLU(inplace=True)
        self.dropout = nn.Dropout2d(0.5)
        self.taps[LAST] = channels
        self.stage_taps = tuple(self.taps)
        initialise(self)

    def stages(self) -> Sequence[Sequence[nn.Module]]:
        """Return the five blocks, each but the first beginning with its pooling, and the two wide layers."""
        return [*super().stages(), (self.wide, self.relu, self.dropout, self.mixed, self.relu)]
