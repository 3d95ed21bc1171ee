"""ResNet as the Caffe models of He et al. compute it, the trunk of the published DeepLab v2 (and of its follow-ups).

The tensors and their names are those of `resnet.ResNet`; the arithmetic differs in three places: a bottleneck strides
in its first 1x1 convolution, so that its 3x3 convolution dilates like the rest of its stage; the pooling of the stem
keeps an incomplete window; and the input usually is BGR without division by a deviation (that is up to the weights).
Weights of the one in the other run, and give other features.
"""

from collections.abc import Sequence
from typing import ClassVar

from torch import Tensor

from napari_wsss.networks.resnet import Bottleneck, ResNet
from napari_wsss.networks.trunk import LAST


class CaffeResNet(ResNet):
    """Caffe's ResNet-50/101; taps and parameters as of `ResNet`.

    Where the stem gives an even side, Caffe's pooling makes one more position beyond the image's edge. Every trunk
    promises ceil(H / stride) positions, so it is dropped from the result unless `keep_edge` is set.

    Attributes
    ----------
    keep_edge : bool
        Return all positions, as the published DeepLab v2 sees them.
    """

    undilatable: ClassVar[bool] = False

    def __init__(self, depth: int, *, output_stride: int = 16, width: float = 1.0) -> None:
        super().__init__(depth, output_stride=output_stride, width=width)
        self.name = f"resnet{depth}_caffe"
        self.keep_edge = False
        self.maxpool.ceil_mode = True
        for layer in range(1, 5):
            first, then = list(self.get_submodule(f"layer{layer}").children())[:2]
            if not (isinstance(first, Bottleneck) and isinstance(then, Bottleneck)):
                raise ValueError(f"ResNet-{depth} has no bottlenecks; Caffe's arithmetic is that of 50 and 101 layers.")
            first.conv1.stride, first.conv2.stride = first.conv2.stride, (1, 1)
            first.conv2.dilation, first.conv2.padding = then.conv2.dilation, then.conv2.padding

    def features(self, images: Tensor, taps: Sequence[str]) -> dict[str, Tensor]:
        """Return the features at the named taps, see `Trunk.features`."""
        found = super().features(images, taps)
        return found if self.keep_edge else {tap: self._inside(found[tap], tap, images) for tap in found}

    def _inside(self, features: Tensor, tap: str, images: Tensor) -> Tensor:
        named = self.stage_taps[-1] if tap == LAST else tap
        stride = min(self.output_stride, int(named.removeprefix("stride")))
        height, width = ((side + stride - 1) // stride for side in images.shape[2:])  # as a graph can be traced, too
        return features[:, :, :height, :width]
