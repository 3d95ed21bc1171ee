"""Descriptor of LDF's published saliency network, as data."""

from napari_wsss.weights.descriptor import TellTale, WeightsDescriptor
from napari_wsss.weights.normalisation import Normalisation

_LEVELS = range(4)  # finest first
_BRANCHES = (("b", "body"), ("d", "detail"))


def _renames() -> tuple[tuple[str, str], ...]:
    rules = [
        (r"^bkbone\.", "trunk."),
        (r"^linear\.0\.", "saliency_head.0.conv."),
        (r"^linear\.1\.", "saliency_head.0.norm."),
        (r"^linear\.3\.", "saliency_head.1."),
    ]
    for theirs, ours in _BRANCHES:
        rules.append((rf"^linear{theirs}\.", f"{ours}_head."))
        for level in _LEVELS:
            lateral, each = f"{ours}_lateral.{level}.", f"{level + 1}{theirs}"
            rules += [
                (rf"^conv{level + 2}{theirs}\.0\.", f"{lateral}0."),
                (rf"^conv{level + 2}{theirs}\.1\.", f"{lateral}1.conv."),
                (rf"^conv{level + 2}{theirs}\.2\.", f"{lateral}1.norm."),
                (rf"^decoder{theirs}\.conv{level}\.", f"{ours}_decoder.steps.{level}.conv."),
                (rf"^decoder{theirs}\.bn{level}\.", f"{ours}_decoder.steps.{level}.norm."),
                (rf"^encoder\.conv{each}\.", f"interaction.{ours}.{level}.conv."),
                (rf"^encoder\.bn{each}\.", f"interaction.{ours}.{level}.norm."),
            ]
    for level in _LEVELS:
        rules.append((rf"^encoder\.conv{level + 1}\.", f"interaction.steps.{level}.conv."))
        rules.append((rf"^encoder\.bn{level + 1}\.", f"interaction.steps.{level}.norm."))
    return tuple((theirs, f"network.{ours}") for theirs, ours in rules)


LDF: tuple[WeightsDescriptor, ...] = (
    WeightsDescriptor(
        name="ldf_resnet50",
        title="LDF's saliency network on ResNet-50, DUTS-TR (trained on pixel masks)",
        network="ldf",
        trunk="resnet50",
        output_stride=32,
        # The code's means and standard deviations are those of 0..255 pixels.
        normalisation=Normalisation((124.55, 118.90, 102.94), (56.77, 55.97, 57.50), 1.0),
        licence="none given, so all rights are reserved; checkpoints on file hosts carry no terms of their own",
        citation="Wei et al., Label Decoupling Framework for Salient Object Detection, CVPR 2020",
        source="https://github.com/weijun88/LDF",
        rename=_renames(),
        tell_tale=TellTale(
            (
                ("bkbone.conv1.weight", (None, 3, 7, 7)),
                ("linearb.weight", (1, None, 3, 3)),
                ("encoder.conv1.weight", (None, None, 3, 3)),
                ("conv5b.0.weight", (None, None, 1, 1)),
            )
        ),
        pixel_supervised=True,
    ),
)
