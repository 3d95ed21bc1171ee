"""Which trunk (feature extractor) a network stands on: declared without torch, so that forms need none."""

from __future__ import annotations

from dataclasses import dataclass

from napari_wsss.core.parameters import parameter

TRUNKS = ("mobilenet_v2", "resnet18", "resnet50", "resnet101", "resnet101_caffe", "resnet38", "vgg16", "vgg16_largefov")
OUTPUT_STRIDES = (8, 16, 32)
PIXEL_SUPERVISED = (
    "Weights trained on pixel masks, of COCO for example, leak pixel supervision into a weakly supervised result: "
    "say so wherever it is compared."
)
"""To be read wherever such weights can be chosen, and by who has chosen them."""


@dataclass(frozen=True)
class TrunkChoice:
    """Trunk of a network and the weights it starts from; forms show them as options of a training."""

    name: str = parameter("mobilenet_v2", "Trunk", choices=TRUNKS)
    output_stride: int = parameter(16, "Output stride", "Input pixels per feature.", choices=OUTPUT_STRIDES)
    width: float = parameter(1.0, "Width", "Factor on all channel counts.", bounds=(0.01, 4.0))
    weights: str = parameter("", "Trunk weights", "A file or the name of published weights; empty is random.")
    dilated: bool = parameter(True, "Dilation", "Stages that give up their stride see as far as before.")
