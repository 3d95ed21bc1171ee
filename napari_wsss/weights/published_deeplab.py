"""Descriptors of DeepLab files other than torchvision's: v2 in two layouts and its COCO start, v3+, SEAM's v1.

Two habits of these files' training code matter to who compares numbers. DeepLab v2 keeps all batch norm on the running
statistics of its start and never learns its scale and shift; v3+ means to do the same, but an attribute of the same
name hides the method, so its batch norm always learned. SEAM's retraining never enters a training mode of its own, so
the batch norm of its ResNet-38 followed the batches.
"""

from dataclasses import replace

from napari_wsss.weights.descriptor import Renames, TellTale, WeightsDescriptor
from napari_wsss.weights.normalisation import CAFFE
from napari_wsss.weights.published_resnet38 import VOC_CLASSES, trunk_rules

_TERMS = "files on hosts and releases carry no terms of their own, VOC and COCO pictures have flickr's"
_ANY = (None, None, None, None)

# -- DeepLab v2 and its start: blocks and parts as Caffe counts and calls them ---------------------------------

_BLOCKS = (3, 4, 23, 3)
_PARTS = {
    **{r"reduce\.conv": "conv1", r"reduce\.bn": "bn1", r"conv3x3\.conv": "conv2", r"conv3x3\.bn": "bn2"},
    **{r"increase\.conv": "conv3", r"increase\.bn": "bn3"},
    **{r"shortcut\.conv": "downsample.0", r"shortcut\.bn": "downsample.1"},
}


def _caffe_rules(theirs: str) -> Renames:
    """Return the rules for deeplab-pytorch's names, which begin with the pattern `theirs`."""
    stem = ((rf"^{theirs}layer1\.conv1\.conv\.", "trunk.conv1."), (rf"^{theirs}layer1\.conv1\.bn\.", "trunk.bn1."))
    # They count layers from the stem, and blocks from one.
    blocks = [(layer, block) for layer, count in enumerate(_BLOCKS, start=1) for block in range(count)]
    rules = [
        (rf"^{theirs}layer{layer + 1}\.block{block + 1}\.{part}\.", f"trunk.layer{layer}.{block}.{ours}.")
        for layer, block in blocks
        for part, ours in _PARTS.items()
        if block == 0 or not part.startswith("shortcut")
    ]
    return (*stem, *rules, (rf"^{theirs}aspp\.c(\d)\.", r"aspp.branches.\1."))


_BLOCK_TELLS = (("layer4.block23.increase.conv.weight", _ANY), ("layer5.block3.reduce.conv.weight", _ANY))
_NO_BLOCKS = ("layer4.block24.increase.conv.weight",)

_PLAIN = WeightsDescriptor(
    name="deeplab_v2_resnet101",
    title="DeepLab v2 on Caffe's ResNet-101, one scale (deeplab-pytorch; the published ones began from COCO's masks)",
    network="deeplab_v2",
    trunk="resnet101_caffe",
    output_stride=8,
    parameters=(("multi_scale", ()),),
    normalisation=CAFFE,
    licence=f"MIT (the code of deeplab-pytorch); {_TERMS}",
    citation="Chen et al., DeepLab: Semantic Image Segmentation with Deep Convolutional Nets, TPAMI 2018",
    source="https://github.com/kazuto1011/deeplab-pytorch",
    class_layout="background_first",
    classes=VOC_CLASSES,
    head=r"^aspp\.",
    rename=_caffe_rules(""),
    tell_tale=TellTale((*_BLOCK_TELLS, ("aspp.c0.weight", (None, None, 3, 3))), absent=_NO_BLOCKS),
    pixel_supervised=True,
)

_MULTI_SCALE = replace(
    _PLAIN,
    name="deeplab_v2_resnet101_msc",
    title="DeepLab v2 on Caffe's ResNet-101, several scales (deeplab-pytorch; VOC 2012's, EDAM's and others, which all "
    "began from COCO's masks)",
    parameters=(("multi_scale", (0.5, 0.75)),),
    head=r"^base\.aspp\.",
    rename=_caffe_rules(r"base\."),
    tell_tale=TellTale(
        (*((f"base.{key}", shape) for key, shape in _BLOCK_TELLS), ("base.aspp.c0.weight", (None, None, 3, 3))),
        absent=tuple(f"base.{key}" for key in _NO_BLOCKS),
    ),
)

_COCO_START = replace(
    _PLAIN,
    name="deeplab_v2_resnet101_coco_init",
    title="Caffe's ResNet-101 of DeepLab v1, trained on COCO's masks (deeplab-pytorch's init.caffemodel, converted)",
    parameters=(),
    class_layout="none",
    classes=(),
    head="",
    ignorable=(r"^fc\.",),
    optional=(r"^aspp\.",),
    tell_tale=TellTale(_BLOCK_TELLS, absent=(*_NO_BLOCKS, "aspp.c0.weight")),
)

# -- DeepLab v3+ and v1 ----------------------------------------------------------------------------------------

_V3_PLUS = WeightsDescriptor(
    name="deeplab_v3plus_resnet101_voc",
    title="DeepLab v3+ on ResNet-101, output stride 16 (pytorch-deeplab-xception; trained on pixel masks)",
    network="deeplab_v3plus",
    trunk="resnet101",
    output_stride=16,
    parameters=(("multi_grid", (1, 2, 4)),),
    licence=f"MIT (the code of pytorch-deeplab-xception); {_TERMS}",
    citation="Chen et al., Encoder-Decoder with Atrous Separable Convolution, ECCV 2018",
    source="https://github.com/jfzhang95/pytorch-deeplab-xception",
    class_layout="background_first",
    classes=VOC_CLASSES,
    head=r"^decoder\.last_conv\.8\.",
    rename=(
        (r"^backbone\.", "trunk."),
        *(
            (rf"^aspp\.aspp{branch}\.{theirs}\.", f"aspp.branches.{branch - 1}.{place}.")
            for place, theirs in enumerate(("atrous_conv", "bn"))
            for branch in range(1, 5)
        ),
        (r"^aspp\.global_avg_pool\.1\.", "aspp.pooling.conv."),
        (r"^aspp\.global_avg_pool\.2\.", "aspp.pooling.norm."),
        (r"^aspp\.conv1\.", "aspp.projection.0."),
        (r"^aspp\.bn1\.", "aspp.projection.1."),
        (r"^decoder\.conv1\.", "detail.0."),
        (r"^decoder\.bn1\.", "detail.1."),
        (r"^decoder\.last_conv\.([01])\.", r"first.\1."),
        (r"^decoder\.last_conv\.4\.", "second.0."),
        (r"^decoder\.last_conv\.5\.", "second.1."),
        (r"^decoder\.last_conv\.8\.", "classifier."),
    ),
    tell_tale=TellTale(
        (
            ("backbone.layer3.22.conv3.weight", _ANY),
            ("aspp.aspp1.atrous_conv.weight", _ANY),
            ("decoder.last_conv.8.weight", (None, None, 1, 1)),
        ),
        absent=("backbone.layer3.23.conv3.weight",),
    ),
    pixel_supervised=True,
)

_V1 = WeightsDescriptor(
    name="deeplab_v1_resnet38_seam",
    title="DeepLab v1 on ResNet-38 (SEAM's retraining: semantic-segmentation-codebase, seamv1-pseudovoc)",
    network="deeplab_v1_resnet38",
    trunk="resnet38",
    output_stride=8,
    licence=f"MIT (the code of semantic-segmentation-codebase); {_TERMS}",
    citation="Wang et al., Self-supervised Equivariant Attention Mechanism for WSSS, CVPR 2020",
    source="https://github.com/YudeWang/semantic-segmentation-codebase",
    class_layout="background_first",
    classes=VOC_CLASSES,
    head=r"^cls_conv\.",
    rename=(
        *trunk_rules("trunk.", r"backbone\."),
        (r"^conv_fov\.", "first.0."),
        (r"^bn_fov\.", "first.1."),
        (r"^conv_fov2\.", "second.0."),
        (r"^bn_fov2\.", "second.1."),
        (r"^cls_conv\.", "classifier."),
    ),
    tell_tale=TellTale(
        (
            ("backbone.conv1a.weight", (None, 3, 3, 3)),
            ("conv_fov.weight", (None, None, 3, 3)),
            ("cls_conv.weight", (None, None, 1, 1)),
        )
    ),
)

DEEPLAB: tuple[WeightsDescriptor, ...] = (_MULTI_SCALE, _PLAIN, _COCO_START, _V3_PLUS, _V1)
