"""VGG-16 LargeFOV: sizes, the poolings, and what is after the fifth block."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from napari_wsss.networks.trunk import LAST, build_trunk
from napari_wsss.networks.vgg_largefov import Vgg16LargeFov

# Caffe's vgg16_20M: the convolutions of VGG-16, fc6 (3x3, 512 to 1024) and fc7 (1x1, 1024 to 1024), with biases.
VALUES = (138_357_544 - 123_642_856) + (1024 * 512 * 9 + 1024) + (1024 * 1024 + 1024)


def test_published_size() -> None:
    with torch.device("meta"):
        trunk = Vgg16LargeFov(output_stride=8)

    assert sum(weight.numel() for weight in trunk.parameters()) == VALUES
    assert trunk.taps[LAST] == 1024
    assert trunk.taps["stride16"] == 512


@pytest.mark.parametrize(("output_stride", "cells"), [(8, (9, 11)), (16, (5, 6))])
def test_sizes_round_up(output_stride: int, cells: tuple[int, int]) -> None:
    trunk = Vgg16LargeFov(output_stride=output_stride, width=1 / 16).eval()
    with torch.no_grad():
        found = trunk.features(torch.randn(1, 3, 65, 83), ("stride8", "stride16", LAST))

    assert found["stride8"].shape[2:] == (9, 11)
    assert found["stride16"].shape[2:] == found[LAST].shape[2:] == cells


def test_every_pooling_looks_at_three_by_three_positions() -> None:
    poolings = [
        layer for layer in Vgg16LargeFov(output_stride=8, width=1 / 16).layers if isinstance(layer, nn.MaxPool2d)
    ]

    assert [(pool.kernel_size, pool.stride) for pool in poolings] == [(3, 2), (3, 2), (3, 2), (3, 1)]


def test_the_wide_layer_can_do_without_its_dilation() -> None:
    found = {
        dilated: build_trunk("vgg16_largefov", output_stride=8, width=1 / 16, dilated=dilated)
        for dilated in (True, False)
    }

    assert {key: trunk.get_submodule("wide").dilation for key, trunk in found.items()} == {True: (4, 4), False: (1, 1)}
    assert not found[False].dilated
    with torch.no_grad():
        shapes = {trunk.eval()(torch.randn(1, 3, 65, 83)).shape for trunk in found.values()}
    assert shapes == {(1, 64, 9, 11)}
