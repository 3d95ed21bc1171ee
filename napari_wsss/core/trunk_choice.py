"""Which trunk (feature extractor) a network stands on: declared without torch, so that forms need none."""

from dataclasses import dataclass

from napari_wsss.core.parameters import parameter

TRUNKS = ("mobilenet_v2", "resnet18", "resnet50", "resnet101", "resnet101_caffe", "resnet38", "vgg16", "vgg16_largefov")
TIMM = "timm/"
"""What the name of an encoder of timm begins with, as a trunk."""
OTHER_TRUNKS = f"{TIMM}NAME (any encoder of timm), or the name of an installed trunk"
OUTPUT_STRIDES = (8, 16, 32)
PUBLISHED, SCRATCH = "imagenet", "none"
"""What a training is told instead of a file: the trunk's weights as published for ImageNet, or random ones."""
PIXEL_SUPERVISED = (
    "Weights trained on pixel masks, of COCO for example, leak pixel supervision into a weakly supervised result: "
    "say so wherever it is compared."
)
"""To be read wherever such weights can be chosen, and by who has chosen them."""


@dataclass(frozen=True)
class TrunkChoice:
    """Trunk of a localizer or segmenter and the weights it starts from."""

    name: str = parameter(
        "mobilenet_v2",
        "Encoder (trunk)",
        "MobileNetV2 is the choice for a CPU, ResNet for a GPU; ResNet-38 is that of PSA, SEAM, SC-CAM, EDAM; "
        "resnet101_caffe that of the published DeepLab v2.",
        choices=TRUNKS,
        others=OTHER_TRUNKS,
    )
    output_stride: int = parameter(
        16,
        "Output stride",
        "Input pixels per feature; 8 is finer and about three times slower.",
        choices=OUTPUT_STRIDES,
    )
    width: float = parameter(
        1.0, "Width", "Factor on all channel counts; published weights need 1.", bounds=(0.01, 4.0), advanced=True
    )
    weights: str = parameter(
        "",
        "Encoder weights (trunk)",
        f"A local file or the name of published weights; empty starts from random weights. {PIXEL_SUPERVISED}",
    )
    dilated: bool = parameter(
        True,
        "Dilation",
        "Stages that give up their stride see as far as before. IRN's ResNet-50 does without (only ResNets and VGG-16 "
        "LargeFOV can).",
        advanced=True,
    )
