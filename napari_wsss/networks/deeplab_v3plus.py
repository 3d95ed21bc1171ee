"""DeepLab v3+: DeepLab v3's pyramid, enlarged and joined with early features that know where borders are.

Chen et al., "Encoder-Decoder with Atrous Separable Convolution", ECCV 2018. The arithmetic is that of
pytorch-deeplab-xception on ResNet: plain, not separable convolutions; everything is enlarged corner to corner
(``align_corners``).
"""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from napari_wsss.networks.aspp import Aspp, conv_norm_relu
from napari_wsss.networks.deeplab_v3 import default_rates
from napari_wsss.networks.trunk import Trunk, initialise, scaled

HEAD_CHANNELS, DETAIL_CHANNELS = 256, 48
DETAIL_TAP = "stride4"


class DeepLabV3Plus(nn.Module):
    """Pixel classifier on any trunk.

    Parameters
    ----------
    trunk : Trunk
        Its `dense_tap` feeds the pyramid, its tap ``stride4`` the decoder; its `width` also scales the head.
    class_count_with_background : int
        Channels of the logits.
    rates : sequence of int, optional
        Dilations of the pyramid; those of DeepLab v3 for the trunk's output stride when not given.
    """

    def __init__(self, trunk: Trunk, class_count_with_background: int, rates: Sequence[int] | None = None) -> None:
        super().__init__()
        if class_count_with_background < 2:
            raise ValueError(f"{class_count_with_background} classes with background; expected at least 2.")
        if DETAIL_TAP not in trunk.taps:
            raise ValueError(
                f"The decoder of DeepLab v3+ reads features at {DETAIL_TAP}; {trunk.name} has {', '.join(trunk.taps)}. "
                "Choose a convolutional trunk, or DeepLab v3."
            )
        self.trunk = trunk
        channels, narrow = (scaled(each, trunk.width) for each in (HEAD_CHANNELS, DETAIL_CHANNELS))
        rates = default_rates(trunk.output_stride) if rates is None else rates
        self.aspp = Aspp(trunk.taps[trunk.dense_tap], rates, channels=channels)
        self.detail = conv_norm_relu(trunk.taps[DETAIL_TAP], narrow, 1)
        self.first = conv_norm_relu(channels + narrow, channels, 3)
        self.first_dropout = nn.Dropout(0.5)
        self.second = conv_norm_relu(channels, channels, 3)
        self.second_dropout = nn.Dropout(0.1)
        self.classifier = nn.Conv2d(channels, class_count_with_background, 1)
        for name, part in self.named_children():
            if name != "trunk":
                initialise(part)

    def forward(self, images: Tensor) -> Tensor:
        """Return the logits (B,C+1,ceil(H/4),ceil(W/4)) of normalised images (B,3,H,W); works at batch size 1 too."""
        taps = self.trunk.features(images, (DETAIL_TAP, self.trunk.dense_tap))
        detail = self.detail(taps[DETAIL_TAP])
        context = self.aspp(taps[self.trunk.dense_tap])
        context = F.interpolate(context, detail.shape[2:], mode="bilinear", align_corners=True)
        joined = self.first_dropout(self.first(torch.cat([context, detail], dim=1)))
        logits: Tensor = self.classifier(self.second_dropout(self.second(joined)))
        return logits
