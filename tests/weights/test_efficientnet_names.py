"""Names of EfficientNet-PyTorch become timm's; other files are left alone."""

import torch

from napari_wsss.weights.efficientnet_names import in_timms_names

TIMM = {
    "conv_stem.weight": "_conv_stem.weight",
    "bn1.bias": "_bn0.bias",
    "blocks.0.0.conv_dw.weight": "_blocks.0._depthwise_conv.weight",
    "blocks.0.0.bn1.bias": "_blocks.0._bn1.bias",
    "blocks.0.0.conv_pw.weight": "_blocks.0._project_conv.weight",
    "blocks.0.0.bn2.running_mean": "_blocks.0._bn2.running_mean",
    "blocks.1.0.conv_pw.weight": "_blocks.1._expand_conv.weight",
    "blocks.1.0.bn1.bias": "_blocks.1._bn0.bias",
    "blocks.1.0.se.conv_reduce.weight": "_blocks.1._se_reduce.weight",
    "blocks.1.0.conv_pwl.weight": "_blocks.1._project_conv.weight",
    "blocks.1.0.bn3.bias": "_blocks.1._bn2.bias",
    "blocks.1.1.conv_pwl.weight": "_blocks.2._project_conv.weight",
    "conv_head.weight": "_conv_head.weight",
    "bn2.bias": "_bn1.bias",
    "classifier.bias": "_fc.bias",
}


def test_every_name_becomes_timms() -> None:
    state = {theirs: torch.full((1,), at) for at, theirs in enumerate(TIMM.values())}
    found = in_timms_names(state, TIMM)
    assert {name: int(value) for name, value in found.items()} == {name: at for at, name in enumerate(TIMM)}


def test_a_deeper_network_and_other_files_keep_their_names() -> None:
    stem = {"_conv_stem.weight": torch.zeros(1)}
    assert "_blocks.9._bn1.bias" in in_timms_names({**stem, "_blocks.9._bn1.bias": torch.zeros(1)}, TIMM)
    assert list(in_timms_names({"bn1.bias": torch.zeros(1)}, TIMM)) == ["bn1.bias"]
