"""VGG-16 trunk without batch norm (Simonyan & Zisserman, ICLR 2015); `layers` is torchvision's ``features``.

The fifth pooling is left out, so the natural output stride is 16. At output stride 8 the fourth pooling strides
no longer (it looks right and down by one position, as before) and the fifth block dilates by 2: the features at
the kept positions are unchanged. Pooling keeps incomplete windows, so sizes are ceil(H / stride).

Networks of this field ("VGG-16 D1": OAA, MCIS) let that pooling look at 3x3 positions instead: `pool_centred`.
"""

from collections.abc import Sequence
from typing import ClassVar

import torch.nn.functional as F
from torch import Tensor, nn

from napari_wsss.networks.trunk import LAST, Trunk, initialise, scaled

# Channels and convolutions of the five blocks.
_BLOCKS = ((64, 2), (128, 2), (256, 3), (512, 3), (512, 3))


class DensePool(nn.Module):
    """2x2 maximum at every position: a pooling that gave up its stride but still looks at the same pixels."""

    def forward(self, x: Tensor) -> Tensor:
        """Return (B,C,h,w), the size of `x`."""
        return F.max_pool2d(F.pad(x, (0, 1, 0, 1), value=float("-inf")), 2, stride=1)


class Vgg16(Trunk):
    """VGG-16 trunk; taps ``stride1`` to ``stride16`` (conv5_3, also ``last``).

    Parameters
    ----------
    output_stride : int
        8 or 16.
    width : float
        Factor on all channel counts.
    """

    strides: ClassVar[tuple[int, ...]] = (8, 16)
    dense_tap = "stride16"
    aux_tap = "stride8"

    def __init__(self, *, output_stride: int = 16, width: float = 1.0) -> None:
        super().__init__("vgg16", output_stride, width)
        layers: list[nn.Module] = []
        channels, self._ends, self.taps = 3, [], {}
        for index, (block_channels, convolutions) in enumerate(_BLOCKS):
            stride = 2**index
            if index:
                layers.append(nn.MaxPool2d(2, 2, ceil_mode=True) if stride <= output_stride else DensePool())
            dilation = max(1, stride // output_stride)
            for _ in range(convolutions):
                wide = scaled(block_channels, width)
                layers.append(nn.Conv2d(channels, wide, 3, padding=dilation, dilation=dilation))
                layers.append(nn.ReLU(inplace=True))
                channels = wide
            self._ends.append(len(layers))
            self.taps[f"stride{stride}"] = channels
        self.layers = nn.Sequential(*layers)
        self.stage_taps = tuple(self.taps)
        self.taps[LAST] = channels
        initialise(self)

    def pool_centred(self) -> None:
        """Let poolings that gave up their stride take the maximum of the 3x3 positions around each position."""
        for index, layer in enumerate(self.layers):
            if isinstance(layer, DensePool):
                self.layers[index] = nn.MaxPool2d(3, 1, padding=1)

    def stages(self) -> Sequence[Sequence[nn.Module]]:
        """Return the five blocks, each but the first beginning with its pooling."""
        layers = list(self.layers)
        return [layers[start:end] for start, end in zip([0, *self._ends], self._ends, strict=False)]
