"""Descriptors of all published weights, as data; here ImageNet's trunks and torchvision's DeepLab v3."""

from dataclasses import replace
from typing import Any

from napari_wsss.core.errors import WeightsError
from napari_wsss.weights.descriptor import TellTale, WeightsDescriptor
from napari_wsss.weights.normalisation import TENSORFLOW
from napari_wsss.weights.published_affinity import AFFINITY
from napari_wsss.weights.published_deeplab import DEEPLAB
from napari_wsss.weights.published_irn import IRN
from napari_wsss.weights.published_ldf import LDF
from napari_wsss.weights.published_mcis import MCIS
from napari_wsss.weights.published_psa_vgg import PSA_VGG
from napari_wsss.weights.published_resnet38 import RESNET38, VOC_CLASSES

_TORCHVISION = "https://download.pytorch.org/models/"
_LICENCE = "BSD-3-Clause (torchvision); trained on ImageNet, whose pictures have their own terms"
_SOURCE = "https://pytorch.org/vision/stable/models.html"
_SEQUENTIAL = ((r"^features\.", "layers."),)
_MOBILENET_KEYS = (("features.18.0.weight", (None, None, 1, 1)), ("features.17.conv.2.weight", (320, 960, 1, 1)))
_MOBILENET_PAPER = "Sandler et al., MobileNetV2: Inverted Residuals and Linear Bottlenecks, CVPR 2018"
_RESNET_PAPER = "He et al., Deep Residual Learning for Image Recognition, CVPR 2016"


def _imagenet(trunk: str, title: str, sha256: str, **facts: Any) -> WeightsDescriptor:
    """Return torchvision's file of a trunk."""
    return WeightsDescriptor(
        name=f"{trunk}_imagenet",
        title=title,
        network=trunk,
        trunk=trunk,
        url=f"{_TORCHVISION}{trunk}-{sha256}.pth",
        sha256=sha256,
        licence=_LICENCE,
        source=_SOURCE,
        **facts,
    )


def _resnet(depth: int, sha256: str, tell_tale: TellTale) -> WeightsDescriptor:
    title = f"ResNet-{depth}, ImageNet-1k (torchvision V1)"
    return _imagenet(f"resnet{depth}", title, sha256, citation=_RESNET_PAPER, head=r"^fc\.", tell_tale=tell_tale)


def _bottlenecks(last_block: int) -> TellTale:
    """Return what tells ResNets with bottlenecks apart: the number of the last block of their third stage."""
    keys = ((f"layer3.{last_block}.conv3.weight", (1024, 256, 1, 1)), ("layer1.0.conv2.weight", (64, 64, 3, 3)))
    return TellTale(keys, absent=(f"layer3.{last_block + 1}.conv1.weight",))


def _deeplab_v3(depth: int, sha256: str, last_block: int) -> WeightsDescriptor:
    return WeightsDescriptor(
        name=f"deeplab_v3_resnet{depth}_coco",
        title=f"DeepLab v3 on ResNet-{depth}, COCO with VOC labels (torchvision; trained on pixel masks)",
        network="deeplab_v3",
        trunk=f"resnet{depth}",
        url=f"{_TORCHVISION}deeplabv3_resnet{depth}_coco-{sha256}.pth",
        sha256=sha256,
        citation="Chen et al., Rethinking Atrous Convolution for Semantic Image Segmentation, 2017",
        class_layout="background_first",
        classes=VOC_CLASSES,
        head=r"^(aux_)?classifier\.4\.",
        rename=(
            (r"^backbone\.", "trunk."),
            (r"^classifier\.0\.convs\.4\.1\.", "aspp.pooling.conv."),
            (r"^classifier\.0\.convs\.4\.2\.", "aspp.pooling.norm."),
            (r"^classifier\.0\.convs\.", "aspp.branches."),
            (r"^classifier\.0\.project\.", "aspp.projection."),
            (r"^classifier\.1\.", "head.0."),
            (r"^classifier\.2\.", "head.1."),
            (r"^classifier\.4\.", "classifier."),
            (r"^aux_classifier\.4\.", "aux_classifier."),
            (r"^aux_classifier\.", "aux_head."),
        ),
        ignorable=(r"^aux_classifier\.",),
        tell_tale=TellTale(
            (
                ("classifier.0.convs.4.1.weight", (None, None, 1, 1)),
                (f"backbone.layer3.{last_block}.conv3.weight", (1024, 256, 1, 1)),
            ),
            absent=(f"backbone.layer3.{last_block + 1}.conv3.weight",),
        ),
        pixel_supervised=True,
        licence=_LICENCE,
        source=_SOURCE,
    )


_RESNET18 = TellTale(
    (("layer4.1.conv2.weight", (512, 512, 3, 3)),), absent=("layer4.1.conv3.weight", "layer1.2.conv1.weight")
)
_RESNET101 = _resnet(101, "63fe2227", _bottlenecks(22))

PUBLISHED: tuple[WeightsDescriptor, ...] = (
    _imagenet(
        "mobilenet_v2",
        "MobileNetV2, ImageNet-1k (torchvision V1)",
        "b0353104",
        citation=_MOBILENET_PAPER,
        head=r"^classifier\.",
        rename=_SEQUENTIAL,
        tell_tale=TellTale(_MOBILENET_KEYS),
    ),
    WeightsDescriptor(
        name="mobilenet_v2_coral",
        title="MobileNetV2, ImageNet-1k (converted from Google Coral's 8-bit model)",
        network="mobilenet_v2",
        trunk="mobilenet_v2",
        normalisation=TENSORFLOW,
        licence="Apache-2.0",
        citation=_MOBILENET_PAPER,
        source="https://github.com/google-coral/test_data (tf2_mobilenet_v2_1.0_224_ptq.tflite)",
        head=r"^classifier\.",
        rename=_SEQUENTIAL,
        # Same keys as torchvision's, other input: only the values tell them apart.
        tell_tale=TellTale(
            _MOBILENET_KEYS,
            fingerprint=("features.0.0.weight", "e905ccd326855a31fcdef20037c936728be651300aa80b8ef84fee7b55d9c829"),
        ),
    ),
    _resnet(18, "f37072fd", _RESNET18),
    _resnet(50, "0676ba61", _bottlenecks(5)),
    _RESNET101,
    _imagenet(
        "vgg16",
        "VGG-16, ImageNet-1k (torchvision)",
        "397923af",
        citation="Simonyan & Zisserman, Very Deep Convolutional Networks, ICLR 2015",
        head=r"^classifier\.",
        rename=_SEQUENTIAL,
        tell_tale=TellTale(
            (("features.28.weight", (512, 512, 3, 3)),),
            absent=("features.1.weight", "features.30.weight", "extra_convs.6.weight"),
        ),
    ),
    _deeplab_v3(50, "cd0a2569", 5),
    _deeplab_v3(101, "586e9e4e", 22),
    *LDF,
    *IRN,
    *RESNET38,
    *AFFINITY,
    *PSA_VGG,
    *MCIS,
    *DEEPLAB,
    # Torchvision's file: recognised as `resnet101_imagenet` unless it is wanted for this trunk.
    replace(
        _RESNET101,
        name="resnet101_caffe_imagenet",
        title="ResNet-101, ImageNet-1k (torchvision V1), in Caffe's arithmetic: near to it, not the same function",
        network="resnet101_caffe",
        trunk="resnet101_caffe",
    ),
)


def published_names(network: str | None = None) -> tuple[str, ...]:
    """Return the names of the published weights, of one of our networks only when it is given."""
    return tuple(entry.name for entry in PUBLISHED if network in (None, entry.network))


def published(name: str) -> WeightsDescriptor:
    """Return the descriptor called `name`.

    Raises
    ------
    WeightsError
        For an unknown name; `candidates` holds the known ones.
    """
    for entry in PUBLISHED:
        if entry.name == name:
            return entry
    known = published_names()
    raise WeightsError(f"No published weights are called {name!r}; known: {', '.join(known)}.", candidates=known)
