"""Descriptor of MCIS's classifier on VGG-16. Its authors published none; files come from whoever trained their code."""

from napari_wsss.weights.descriptor import TellTale, WeightsDescriptor
from napari_wsss.weights.published_resnet38 import LINEAR, VOC_CLASSES

MCIS: tuple[WeightsDescriptor, ...] = (
    WeightsDescriptor(
        name="mcis_vgg16",
        title="MCIS (cross-image co-attention) on VGG-16",
        network="co_attention",
        trunk="vgg16",
        licence="none given, so all rights are reserved; VOC pictures have flickr's terms",
        citation="Sun et al., Mining Cross-Image Semantics for Weakly Supervised Semantic Segmentation, ECCV 2020",
        source="https://github.com/GuoleiSun/MCIS_wsss",
        class_layout="foreground",
        classes=VOC_CLASSES,
        head=r"^(vgg\.extra_last_conv|extra_gate)\.",
        rename=(
            (r"^vgg\.features\.", "trunk.layers."),
            (r"^vgg\.extra_convs\.", "convolutions."),
            (r"^vgg\.extra_last_conv\.", "classifier."),
            (r"^extra_linear_e\.", "attention.affinity_weight."),
            (r"^extra_gate_merge\.", "attention.gate."),
            (r"^extra_gate\.", "co_classifier."),
        ),
        tell_tale=TellTale(
            (
                ("vgg.features.28.weight", (None, None, 3, 3)),
                ("vgg.extra_last_conv.weight", LINEAR),
                ("extra_linear_e.weight", (None, None)),
                ("extra_gate.weight", LINEAR),
            )
        ),
    ),
)
