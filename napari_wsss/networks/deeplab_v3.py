"""DeepLab v3 (Chen et al., "Rethinking Atrous Convolution for Semantic Image Segmentation", 2017).

Trunk, atrous spatial pyramid pooling, one 3x3 convolution, classifier; an auxiliary head on an earlier tap helps
deep trunks learn. The arithmetic is that of torchvision's ``deeplabv3_resnet50``.
"""

from collections.abc import Sequence
from typing import NamedTuple

from torch import Tensor, nn

from napari_wsss.networks.aspp import Aspp, conv_norm_relu
from napari_wsss.networks.trunk import Trunk, initialise, scaled

HEAD_CHANNELS = 256


class DeepLabLogits(NamedTuple):
    """Logits (B,C+1,h,w) at the trunk's output stride, background first; `aux` None without auxiliary head."""

    main: Tensor
    aux: Tensor | None


class DeepLabV3(nn.Module):
    """Pixel classifier on any trunk.

    Parameters
    ----------
    trunk : Trunk
        Its `dense_tap` feeds the pyramid, its `aux_tap` the auxiliary head; its `width` also scales the head.
    class_count_with_background : int
        Channels of the logits.
    rates : sequence of int, optional
        Dilations of the pyramid; `default_rates` of the trunk's output stride when not given.
    aux : bool
        Build the auxiliary head.
    """

    def __init__(
        self, trunk: Trunk, class_count_with_background: int, rates: Sequence[int] | None = None, aux: bool = False
    ) -> None:
        super().__init__()
        if class_count_with_background < 2:
            raise ValueError(f"{class_count_with_background} classes with background; expected at least 2.")
        self.trunk = trunk
        channels = scaled(HEAD_CHANNELS, trunk.width)
        rates = default_rates(trunk.output_stride) if rates is None else rates
        self.aspp = Aspp(trunk.taps[trunk.dense_tap], rates, channels=channels)
        self.head = conv_norm_relu(channels, channels, 3)
        self.classifier = nn.Conv2d(channels, class_count_with_background, 1)
        self.aux_head: nn.Module | None = None
        self.aux_classifier: nn.Module | None = None
        if aux:
            narrow = trunk.taps[trunk.aux_tap] // 4
            aux_convolution = conv_norm_relu(trunk.taps[trunk.aux_tap], narrow, 3)
            self.aux_head = nn.Sequential(*aux_convolution, nn.Dropout(0.1))
            self.aux_classifier = nn.Conv2d(narrow, class_count_with_background, 1)
        for name, part in self.named_children():
            if name != "trunk":
                initialise(part)

    def forward(self, images: Tensor) -> DeepLabLogits:
        """Return the logits of normalised images (B,3,H,W); works at batch size 1 in training too."""
        taps = {self.trunk.dense_tap} | ({self.trunk.aux_tap} if self.aux_head is not None else set())
        features = self.trunk.features(images, tuple(taps))
        main = self.classifier(self.head(self.aspp(features[self.trunk.dense_tap])))
        if self.aux_head is None or self.aux_classifier is None:
            return DeepLabLogits(main, None)
        return DeepLabLogits(main, self.aux_classifier(self.aux_head(features[self.trunk.aux_tap])))

    def head_parameters(self) -> list[nn.Parameter]:
        """Return the parameters outside the trunk, which usually learn ten times faster."""
        return [parameter for name, parameter in self.named_parameters() if not name.startswith("trunk.")]


def default_rates(output_stride: int) -> tuple[int, int, int]:
    """Return the paper's dilations, 96, 192 and 288 input pixels apart: 12, 24, 36 at stride 8; 6, 12, 18 at 16."""
    return 96 // output_stride, 192 // output_stride, 288 // output_stride
