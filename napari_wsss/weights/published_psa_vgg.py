"""Descriptor of PSA's classifier on VGG-16, whose trunk shares its names with PSA's AffinityNet on VGG-16."""

from __future__ import annotations

from napari_wsss.weights.descriptor import TellTale, WeightsDescriptor
from napari_wsss.weights.normalisation import CAFFE
from napari_wsss.weights.published_affinity import VGG_SHAPES, vgg_rules
from napari_wsss.weights.published_resnet38 import VOC_CLASSES

_TERMS = "checkpoints on file hosts carry no terms of their own, VOC pictures have flickr's"

PSA_VGG: tuple[WeightsDescriptor, ...] = (
    WeightsDescriptor(
        name="psa_cls_vgg16",
        title="PSA's classifier on VGG-16",
        network="cam",
        trunk="vgg16_largefov",
        output_stride=8,
        # Of the large field of view it has the poolings, not the dilation; its maps are square roots.
        dilated=False,
        parameters=(("root", True),),
        normalisation=CAFFE,
        licence=f"MIT (the code of psa); {_TERMS}",
        citation="Ahn & Kwak, Learning Pixel-level Semantic Affinity with Image-level Supervision, CVPR 2018",
        source="https://github.com/jiwoon-ahn/psa",
        class_layout="foreground",
        classes=VOC_CLASSES,
        head=r"^fc8\.",
        rename=(*vgg_rules("trunk."), (r"^fc8\.", "classifier.")),
        tell_tale=TellTale((*VGG_SHAPES, ("fc8.weight", (None, None, 1, 1))), absent=("f9.weight",)),
    ),
)
