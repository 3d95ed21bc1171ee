"""Descriptors of the ResNet-38 files: the ImageNet trunk, and the localizers published on it.

All share the trunk's key layout of PSA (``b4_3.conv_branch2a.weight``); the ImageNet file is MXNet's with its own
names. The localizers' files are told apart by their heads, for any number of classes.
"""

from napari_wsss.weights.descriptor import Renames, TellTale, WeightsDescriptor

VOC_CLASSES = (
    *("aeroplane", "bicycle", "bird", "boat", "bottle", "bus", "car", "cat", "chair", "cow"),
    *("diningtable", "dog", "horse", "motorbike", "person", "pottedplant", "sheep", "sofa", "train", "tvmonitor"),
)

# Their part of a unit -> ours. A branch begins with batch norm, which for a stage's first unit is its `entry`.
_CONVOLUTIONS = {"branch2a": "conv1", "branch2b1": "conv2", "branch2b2": "conv3", "branch1": "shortcut"}
_NORMS = {"branch2b1": "norm2", "branch2b2": "norm3"}
_STATISTICS = {"gamma": "weight", "beta": "bias", "moving_mean": "running_mean", "moving_var": "running_var"}


def trunk_rules(prefix: str, theirs: str = "") -> Renames:
    """Return the rules for PSA's names of the trunk, which begin with the pattern `theirs`, ours with `prefix`."""
    units = ((rf"^{theirs}b(\d)\.", rf"{prefix}stage\1.0."), (rf"^{theirs}b(\d)_(\d+)\.", rf"{prefix}stage\1.\2."))
    parts = {f"conv_{theirs}": ours for theirs, ours in _CONVOLUTIONS.items()}
    parts |= {f"bn_{theirs}": ours for theirs, ours in _NORMS.items()}
    return (
        (rf"^{theirs}conv1a\.", f"{prefix}stem."),
        (rf"^{theirs}bn7\.", f"{prefix}norm."),
        (rf"^{theirs}b(\d)\.bn_branch2a\.", rf"{prefix}entry\1.0."),
        (rf"^{theirs}b(\d)_(\d+)\.bn_branch2a\.", rf"{prefix}stage\1.\2.norm1."),
        *((rf"{unit}{theirs}\.", f"{ours}{part}.") for unit, ours in units for theirs, part in parts.items()),
    )


def _mxnet_rules() -> Renames:
    """Return the rules for MXNet's names: ``res4b3_branch2a_weight``, ``bn4b3_branch2a_gamma``."""
    units = ((r"(\d)a_", r"stage\1.0."), (r"(\d)b(\d+)_", r"stage\1.\2."))
    rules = [(r"^conv1a_weight$", "stem.weight")]
    for unit, ours in units:
        rules += [(rf"^res{unit}{theirs}_weight$", f"{ours}{part}.weight") for theirs, part in _CONVOLUTIONS.items()]
    for theirs, statistic in _STATISTICS.items():
        rules.append((rf"^bn7_{theirs}$", f"norm.{statistic}"))
        rules.append((rf"^bn(\d)a_branch2a_{theirs}$", rf"entry\1.0.{statistic}"))
        rules.append((rf"^bn(\d)b(\d+)_branch2a_{theirs}$", rf"stage\1.\2.norm1.{statistic}"))
        for unit, ours in units:
            rules += [(rf"^bn{unit}{at}_{theirs}$", f"{ours}{part}.{statistic}") for at, part in _NORMS.items()]
    return tuple(rules)


_TRUNK_SHAPES = (("conv1a.weight", (None, 3, 3, 3)), ("b7.conv_branch2b2.weight", (None, None, 1, 1)))
LINEAR = (None, None, 1, 1)
_HEADS = (
    "fc8.weight",
    "fc8_20.weight",
    "fc8_200.weight",
    "mask_layer.weight",
    "f8_3.weight",
    "f8_5.weight",
    "f9.weight",
)
CHECKPOINT_TERMS = "checkpoints on file hosts carry no terms of their own, VOC pictures have flickr's"

_IMAGENET = WeightsDescriptor(
    name="resnet38_imagenet",
    title="ResNet-38 (model A1), ImageNet-1k (MXNet file ilsvrc-cls_rna-a1_cls1000_ep-0001.params)",
    network="resnet38",
    trunk="resnet38",
    licence="Apache-2.0 (ademxapp); trained on ImageNet, whose pictures have their own terms",
    citation="Wu et al., Wider or Deeper: Revisiting the ResNet Model for Visual Recognition, 2016",
    source="https://github.com/itijyou/ademxapp",
    head=r"^linear1000_",
    rename=_mxnet_rules(),
    tell_tale=TellTale((("conv1a_weight", (None, 3, 3, 3)), ("res7a_branch2b2_weight", LINEAR))),
)

PSA = WeightsDescriptor(
    name="psa_cls_resnet38",
    title="PSA's classifier on ResNet-38 (also the extractor of SC-CAM)",
    network="cam",
    trunk="resnet38",
    licence=f"MIT (the code of psa); {CHECKPOINT_TERMS}",
    citation="Ahn & Kwak, Learning Pixel-level Semantic Affinity with Image-level Supervision, CVPR 2018",
    source="https://github.com/jiwoon-ahn/psa",
    class_layout="foreground",
    classes=VOC_CLASSES,
    head=r"^fc8\.",
    rename=(*trunk_rules("trunk."), (r"^fc8\.", "classifier.")),
    tell_tale=TellTale((*_TRUNK_SHAPES, ("fc8.weight", LINEAR)), absent=_HEADS[1:]),
)

_SEAM = WeightsDescriptor(
    name="seam_resnet38",
    title="SEAM on ResNet-38",
    network="seam",
    trunk="resnet38",
    licence=f"MIT (the code of SEAM); {CHECKPOINT_TERMS}",
    citation="Wang et al., Self-supervised Equivariant Attention Mechanism for WSSS, CVPR 2020",
    source="https://github.com/YudeWang/SEAM",
    class_layout="background_first",
    classes=VOC_CLASSES,
    head=r"^fc8\.",
    rename=(
        *trunk_rules("trunk."),
        (r"^fc8\.", "classifier."),
        (r"^f8_3\.", "embed_shallow."),
        (r"^f8_4\.", "embed_deep."),
        (r"^f9\.", "embed."),
    ),
    tell_tale=TellTale(
        (*_TRUNK_SHAPES, ("fc8.weight", LINEAR), *((f"{key}.weight", LINEAR) for key in ("f8_3", "f8_4", "f9"))),
        absent=("f8_5.weight",),
    ),
)

_SC_CAM = WeightsDescriptor(
    name="sccam_resnet38",
    title="SC-CAM (sub-category exploration, round 1 or later) on ResNet-38",
    network="sub_category",
    trunk="resnet38",
    licence=f"MIT (the code of SC-CAM); {CHECKPOINT_TERMS}",
    citation="Chang et al., Weakly-Supervised Semantic Segmentation via Sub-category Exploration, CVPR 2020",
    source="https://github.com/Juliachang/SC-CAM",
    rows_per_class=("cluster_count", "fc8_200.weight"),
    class_layout="foreground",
    classes=VOC_CLASSES,
    head=r"^fc8_200?\.",
    rename=(*trunk_rules("trunk."), (r"^fc8_20\.", "classifier."), (r"^fc8_200\.", "sub_classifier.")),
    tell_tale=TellTale((*_TRUNK_SHAPES, ("fc8_20.weight", LINEAR), ("fc8_200.weight", LINEAR))),
)

_EDAM = WeightsDescriptor(
    name="edam_resnet38",
    title="EDAM on ResNet-38",
    network="edam",
    trunk="resnet38",
    licence=f"none given, so all rights are reserved; {CHECKPOINT_TERMS}",
    citation="Wu et al., Embedded Discriminative Attention Mechanism for WSSS, CVPR 2021",
    source="https://github.com/allenwu97/EDAM",
    class_layout="background_last",
    classes=VOC_CLASSES,
    head=r"^(mask_layer|trans_list|fc_list)\.",
    per_class=("trans_list", "fc_list"),
    rename=(
        *trunk_rules("trunk."),
        (r"^d_d\.", "reduction."),
        (r"^embedding\.segment\.weight$", "cross_image.segment"),
        (r"^fc_list\.\*\.weight$", "cross_image.classifier"),
        (r"^trans_list\.\*\.0\.attention\.linear_layers\.0\.", "cross_image.transformers.query."),
        (r"^trans_list\.\*\.0\.attention\.linear_layers\.1\.", "cross_image.transformers.key."),
        (r"^trans_list\.\*\.0\.attention\.linear_layers\.2\.", "cross_image.transformers.value."),
        (r"^trans_list\.\*\.0\.attention\.output_linear\.", "cross_image.transformers.joined."),
        (r"^trans_list\.\*\.0\.feed_forward\.w_1\.", "cross_image.transformers.widened."),
        (r"^trans_list\.\*\.0\.feed_forward\.w_2\.", "cross_image.transformers.narrowed."),
        (r"^trans_list\.\*\.0\.input_sublayer\.norm\.a_2$", "cross_image.transformers.attention_norm.scale"),
        (r"^trans_list\.\*\.0\.input_sublayer\.norm\.b_2$", "cross_image.transformers.attention_norm.shift"),
        (r"^trans_list\.\*\.0\.output_sublayer\.norm\.a_2$", "cross_image.transformers.feed_forward_norm.scale"),
        (r"^trans_list\.\*\.0\.output_sublayer\.norm\.b_2$", "cross_image.transformers.feed_forward_norm.shift"),
    ),
    # Positions are computed, not stored. Files for inference hold the masks' layer only.
    ignorable=(r"^embedding\.position\.pe$",),
    optional=(r"^reduction\.", r"^cross_image\."),
    tell_tale=TellTale((*_TRUNK_SHAPES, ("mask_layer.weight", (None, None, 3, 3)))),
)

_CONVERTED = WeightsDescriptor(
    name="resnet38_converted",
    title="ResNet-38 without a head, in PSA's names (as a rule the ImageNet weights, converted)",
    network="resnet38",
    trunk="resnet38",
    licence=_IMAGENET.licence,
    citation=_IMAGENET.citation,
    source="https://github.com/jiwoon-ahn/psa",
    rename=trunk_rules(""),
    tell_tale=TellTale(_TRUNK_SHAPES, absent=_HEADS),
)

RESNET38: tuple[WeightsDescriptor, ...] = (_IMAGENET, _CONVERTED, PSA, _SEAM, _SC_CAM, _EDAM)
