"""DeepLab v2 (Chen et al., "DeepLab", TPAMI 2018): atrous convolutions, summed, of one image at several sizes.

The arithmetic is that of the PyTorch implementation that the papers of this field retrain with (deeplab-pytorch): the
image is shrunk by each further scale, the logits of all scales are enlarged to those of the whole image, and the
largest wins, position by position and channel by channel.
"""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from napari_wsss.networks.aspp import SummedAspp
from napari_wsss.networks.resnet_caffe import CaffeResNet
from napari_wsss.networks.trunk import Trunk


class DeepLabV2(nn.Module):
    """Pixel classifier on any trunk.

    Parameters
    ----------
    trunk : Trunk
        Its `dense_tap` feeds the pyramid.
    class_count_with_background : int
        Channels of the logits.
    rates : sequence of int, optional
        Dilations of the pyramid; `default_rates` of the trunk's output stride when not given.
    scales : sequence of float
        Factors on the image's size, besides 1, at which it is seen too.
    """

    def __init__(
        self,
        trunk: Trunk,
        class_count_with_background: int,
        rates: Sequence[int] | None = None,
        scales: Sequence[float] = (),
    ) -> None:
        super().__init__()
        if class_count_with_background < 2:
            raise ValueError(f"{class_count_with_background} classes with background; expected at least 2.")
        self.trunk = trunk
        self.scales = tuple(scale for scale in scales if scale != 1)
        rates = default_rates(trunk.output_stride) if rates is None else rates
        self.aspp = SummedAspp(trunk.taps[trunk.dense_tap], class_count_with_background, rates)
        if isinstance(trunk, CaffeResNet):
            trunk.keep_edge = True

    def forward(self, images: Tensor) -> Tensor:
        """Return the logits (B,C+1,h,w) of normalised images (B,3,H,W): the largest of all scales."""
        return self.pyramid(images)[-1]

    def pyramid(self, images: Tensor) -> list[Tensor]:
        """Return the logits of scale 1, of each of `scales` at its own size, and the largest; one alone without scales.

        Parameters
        ----------
        images : Tensor
            (B,3,H,W), normalised.
        """
        whole = self._logits(images)
        if not self.scales:
            return [whole]
        others = [self._logits(_shrunk(images, scale)) for scale in self.scales]
        size = whole.shape[2:]
        enlarged = [F.interpolate(each, size, mode="bilinear", align_corners=False) for each in others]
        return [whole, *others, torch.stack([whole, *enlarged]).amax(0)]

    def _logits(self, images: Tensor) -> Tensor:
        tap = self.trunk.dense_tap
        logits: Tensor = self.aspp(self.trunk.features(images, (tap,))[tap])
        return logits


def default_rates(output_stride: int) -> tuple[int, ...]:
    """Return the paper's dilations, 48, 96, 144 and 192 input pixels apart: 6, 12, 18, 24 at output stride 8."""
    return tuple(pixels // output_stride for pixels in (48, 96, 144, 192))


def _shrunk(images: Tensor, scale: float) -> Tensor:
    # By the factor, not to a size: positions are read 1 / scale apart also where the side does not divide.
    return F.interpolate(images, scale_factor=scale, mode="bilinear", align_corners=False)
