"""DeepLab v1 with a large field of view, in the form that SEAM retrains ResNet-38 with.

One atrous convolution, one 1x1, both with batch norm, classifier (Chen et al., "Semantic Image Segmentation with Deep
Convolutional Nets and Fully Connected CRFs", ICLR 2015).
"""

from torch import Tensor, nn

from napari_wsss.networks.aspp import conv_norm_relu
from napari_wsss.networks.trunk import Trunk, initialise, scaled

HEAD_CHANNELS = 512


class DeepLabV1(nn.Module):
    """Pixel classifier on any trunk.

    Parameters
    ----------
    trunk : Trunk
        Its `dense_tap` feeds the head; its `width` also scales the head.
    class_count_with_background : int
        Channels of the logits.
    rate : int, optional
        Dilation of the first convolution; `default_rate` of the trunk's output stride when not given.
    """

    def __init__(self, trunk: Trunk, class_count_with_background: int, rate: int | None = None) -> None:
        super().__init__()
        if class_count_with_background < 2:
            raise ValueError(f"{class_count_with_background} classes with background; expected at least 2.")
        self.trunk = trunk
        channels = scaled(HEAD_CHANNELS, trunk.width)
        rate = default_rate(trunk.output_stride) if rate is None else rate
        self.first = conv_norm_relu(trunk.taps[trunk.dense_tap], channels, 3, rate)
        self.second = conv_norm_relu(channels, channels, 1)
        self.dropout = nn.Dropout(0.5)
        self.classifier = nn.Conv2d(channels, class_count_with_background, 1)
        for part in (self.first, self.second, self.classifier):
            initialise(part)

    def forward(self, images: Tensor) -> Tensor:
        """Return the logits (B,C+1,h,w) of normalised images (B,3,H,W) at the trunk's output stride."""
        tap = self.trunk.dense_tap
        features = self.trunk.features(images, (tap,))[tap]
        logits: Tensor = self.classifier(self.dropout(self.second(self.first(features))))
        return logits


def default_rate(output_stride: int) -> int:
    """Return the published dilation, 96 input pixels: 12 at output stride 8."""
    return 96 // output_stride
