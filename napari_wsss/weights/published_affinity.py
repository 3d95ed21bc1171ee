"""Descriptors of the published AffinityNets, PSA's on ResNet-38 and VGG-16 and SEAM's on ResNet-38, and of that VGG-16.

PSA's and SEAM's ResNet-38 files have the same names and sizes and belong to the same network; only the labels they
learned from differ, so nothing in a file tells them apart.
"""

from napari_wsss.weights.descriptor import Renames, TellTale, WeightsDescriptor
from napari_wsss.weights.normalisation import CAFFE
from napari_wsss.weights.published_resnet38 import CHECKPOINT_TERMS, LINEAR, PSA, trunk_rules

_SOURCE = "https://github.com/jiwoon-ahn/psa (SEAM's: https://github.com/YudeWang/SEAM)"
_HEAD = ((r"^f8_3\.", "shallow."), (r"^f8_4\.", "deep."), (r"^f8_5\.", "last."), (r"^f9\.", "joined."))
_BRANCHES = tuple((f"{key}.weight", LINEAR) for key in ("f8_3", "f8_4", "f8_5", "f9"))
VGG_SHAPES = (("conv1_1.weight", (None, 3, 3, 3)), ("fc6.weight", (None, None, 3, 3)))
# Convolutions of the blocks of VGG-16, numbered among the layers of ours: a ReLU after each, a pooling after a block.
_BLOCKS = (2, 2, 3, 3, 3)


def vgg_rules(prefix: str) -> Renames:
    """Return the rules for Caffe's names of VGG-16 (``conv3_2``), ours beginning with `prefix`."""
    rules, layer = [], 0
    for block, convolutions in enumerate(_BLOCKS, start=1):
        layer += block > 1
        for number in range(1, convolutions + 1):
            rules.append((rf"^conv{block}_{number}\.", f"{prefix}layers.{layer}."))
            layer += 2
    return (*rules, (r"^fc6\.", f"{prefix}wide."), (r"^fc7\.", f"{prefix}mixed."))


_RESNET38 = WeightsDescriptor(
    name="psa_affinity_resnet38",
    title="AffinityNet of PSA or SEAM on ResNet-38",
    network="affinity_net",
    trunk="resnet38",
    output_stride=8,
    licence=f"MIT (the codes of psa and SEAM); {CHECKPOINT_TERMS}",
    citation=PSA.citation,
    source=_SOURCE,
    rename=(*trunk_rules("trunk."), *_HEAD),
    tell_tale=TellTale((("conv1a.weight", (None, 3, 3, 3)), *_BRANCHES)),
)

_VGG16 = WeightsDescriptor(
    name="psa_affinity_vgg16",
    title="AffinityNet of PSA on VGG-16 (LargeFOV)",
    network="affinity_net",
    trunk="vgg16_largefov",
    output_stride=8,
    normalisation=CAFFE,
    licence=PSA.licence,
    citation=PSA.citation,
    source=PSA.source,
    rename=(*vgg_rules("trunk."), *_HEAD, *((rf"^gn8_{n}\.", f"norms.{n - 3}.") for n in (3, 4, 5))),
    tell_tale=TellTale((*VGG_SHAPES, *_BRANCHES)),
)

_TRUNK = WeightsDescriptor(
    name="vgg16_largefov_imagenet",
    title="VGG-16 LargeFOV, ImageNet-1k (DeepLab's vgg16_20M.caffemodel, converted as psa does)",
    network="vgg16_largefov",
    trunk="vgg16_largefov",
    normalisation=CAFFE,
    licence=f"none given with the Caffe file; {CHECKPOINT_TERMS}",
    citation="Chen et al., Semantic Image Segmentation with Deep Convolutional Nets and CRFs, ICLR 2015",
    source=PSA.source,
    head=r"^fc8",
    rename=vgg_rules(""),
    tell_tale=TellTale(VGG_SHAPES, absent=("fc8.weight", "f9.weight")),
)

AFFINITY: tuple[WeightsDescriptor, ...] = (_RESNET38, _VGG16, _TRUNK)
