"""Where Caffe's ResNet differs from torchvision's: strides, dilations, incomplete windows."""

from __future__ import annotations

import pytest
import torch

from napari_wsss.networks.resnet import Bottleneck, ResNet
from napari_wsss.networks.resnet_caffe import CaffeResNet

TINY = 1 / 16


def test_names_and_shapes_are_those_of_resnet() -> None:
    ours, theirs = CaffeResNet(50, width=TINY).state_dict(), ResNet(50, width=TINY).state_dict()

    assert {key: value.shape for key, value in ours.items()} == {key: value.shape for key, value in theirs.items()}
    assert CaffeResNet(101, width=TINY).name == "resnet101_caffe"


def test_the_stride_sits_in_the_first_convolution() -> None:
    block = CaffeResNet(50, output_stride=32, width=TINY).get_submodule("layer3")[0]

    assert (block.conv1.stride, block.conv2.stride) == ((2, 2), (1, 1))


@pytest.mark.parametrize(("output_stride", "dilations"), [(8, (1, 1, 2, 4)), (16, (1, 1, 1, 2)), (32, (1, 1, 1, 1))])
def test_a_whole_stage_dilates_alike(output_stride: int, dilations: tuple[int, ...]) -> None:
    trunk = CaffeResNet(50, output_stride=output_stride, width=TINY)
    for layer, dilation in enumerate(dilations, start=1):
        blocks = [block for block in trunk.get_submodule(f"layer{layer}") if isinstance(block, Bottleneck)]
        assert {block.conv2.dilation[0] for block in blocks} == {dilation}
        assert {block.conv2.padding[0] for block in blocks} == {dilation}


@pytest.mark.parametrize(("side", "published", "promised"), [(321, 41, 41), (161, 21, 21), (160, 21, 20), (64, 9, 8)])
def test_the_edge_is_kept_on_demand(side: int, published: int, promised: int) -> None:
    trunk = CaffeResNet(50, output_stride=8, width=TINY).eval()
    images = torch.randn(1, 3, side, 33)
    with torch.no_grad():
        inside = trunk(images)
        trunk.keep_edge = True
        whole = trunk(images)

    assert (inside.shape[2], whole.shape[2]) == (promised, published)
    assert torch.equal(whole[:, :, :promised, : inside.shape[3]], inside)


def test_a_net_without_bottlenecks_is_refused() -> None:
    with pytest.raises(ValueError, match="no bottlenecks"):
        CaffeResNet(18, width=TINY)
