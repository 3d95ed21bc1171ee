"""MobileNetV2's key layout, sizes and dilations."""

from __future__ import annotations

import torch
from torch import nn

from napari_wsss.networks.mobilenet_v2 import InvertedResidual, MobileNetV2


def test_published_size() -> None:
    with torch.device("meta"):
        trunk = MobileNetV2()

    assert len(trunk.state_dict()) == 312  # torchvision's 314 less classifier.1.weight and .bias
    assert sum(weight.numel() for weight in trunk.parameters()) == 3_504_872 - 1_281_000
    assert trunk.taps["stride32"] == 320
    assert trunk.channels == 1280


def test_keys_are_torchvisions_below_layers() -> None:
    keys = {key.rsplit(".", 1)[0] for key in MobileNetV2(width=1 / 16).state_dict()}
    expected = {"layers.0.0", "layers.0.1", "layers.18.0", "layers.18.1"}
    expected |= {f"layers.1.conv.{part}" for part in ("0.0", "0.1", "1", "2")}
    for block in range(2, 18):
        expected |= {f"layers.{block}.conv.{part}" for part in ("0.0", "0.1", "1.0", "1.1", "2", "3")}

    assert keys == expected


def test_at_stride_16_the_last_striding_row_dilates_instead() -> None:
    blocks = [block for block in MobileNetV2(width=1 / 16).layers if isinstance(block, InvertedResidual)]
    depthwise = [m for block in blocks for m in block.modules() if isinstance(m, nn.Conv2d) and m.groups > 1]
    strides = [convolution.stride[0] for convolution in depthwise]
    dilations = [convolution.dilation[0] for convolution in depthwise]

    assert [index for index, stride in enumerate(strides) if stride == 2] == [1, 3, 6]
    assert dilations == [1] * 14 + [2] * 3


def test_only_blocks_that_never_strode_have_a_shortcut() -> None:
    for output_stride in (8, 16, 32):
        blocks = list(MobileNetV2(output_stride=output_stride, width=1 / 16).layers[1:18])
        assert [index for index, block in enumerate(blocks) if block.shortcut] == [2, 4, 5, 7, 8, 9, 11, 12, 14, 15]
