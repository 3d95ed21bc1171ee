"""Descriptor of PSA's classifier on VGG-16, whose trunk shares its names with PSA's AffinityNet on VGG-16."""

from dataclasses import replace

from napari_wsss.weights.descriptor import TellTale, WeightsDescriptor
from napari_wsss.weights.normalisation import CAFFE
from napari_wsss.weights.published_affinity import VGG_SHAPES, vgg_rules
from napari_wsss.weights.published_resnet38 import LINEAR, PSA

PSA_VGG: tuple[WeightsDescriptor, ...] = (
    replace(
        PSA,
        name="psa_cls_vgg16",
        title="PSA's classifier on VGG-16",
        trunk="vgg16_largefov",
        output_stride=8,
        # Of the large field of view it has the poolings, not the dilation; its maps are square roots.
        dilated=False,
        parameters=(("root", True),),
        normalisation=CAFFE,
        rename=(*vgg_rules("trunk."), (r"^fc8\.", "classifier.")),
        tell_tale=TellTale((*VGG_SHAPES, ("fc8.weight", LINEAR)), absent=("f9.weight",)),
    ),
)
