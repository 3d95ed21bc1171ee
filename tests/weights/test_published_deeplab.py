"""The DeepLab files: recognised for any class count, and without a leftover in the network they are for."""

from __future__ import annotations

import pytest
import torch

from napari_wsss.networks.deeplab_v1 import DeepLabV1
from napari_wsss.networks.deeplab_v2 import DeepLabV2
from napari_wsss.networks.deeplab_v3plus import DeepLabV3Plus
from napari_wsss.networks.trunk import build_trunk
from napari_wsss.weights.fit import fit
from napari_wsss.weights.heads import class_count
from napari_wsss.weights.identify import identify
from napari_wsss.weights.normalisation import CAFFE, IMAGENET
from napari_wsss.weights.published import published
from napari_wsss.weights.published_deeplab import DEEPLAB
from tests.weights.states import deeplab_v2_state, imagenet_state, renamed, resnet38_state

TINY = 1 / 16


@pytest.mark.parametrize("channels", [2, 8, 21])
@pytest.mark.parametrize(("prefix", "name"), [("base.", "deeplab_v2_resnet101_msc"), ("", "deeplab_v2_resnet101")])
def test_deeplab_v2_loads_every_tensor_in_both_layouts(prefix: str, name: str, channels: int) -> None:
    state = deeplab_v2_state(channels, prefix)
    network = DeepLabV2(build_trunk("resnet101_caffe", output_stride=8, width=TINY), channels)
    report = fit(network, state)

    assert len(state) == 632
    assert report.descriptor.name == name
    assert report.descriptor.normalisation == CAFFE
    assert report.descriptor.pixel_supervised
    assert not report.missing
    assert not report.unexpected
    assert class_count(state, report.descriptor) == channels - 1
    assert torch.equal(network.trunk.layer3[22].bn3.bias, state[f"{prefix}layer4.block23.increase.bn.bias"])


def test_the_start_from_coco_fills_the_trunk_only() -> None:
    network = DeepLabV2(build_trunk("resnet101_caffe", output_stride=8, width=TINY), 4)
    report = fit(network, deeplab_v2_state(4, "", start=True))

    assert report.descriptor.name == "deeplab_v2_resnet101_coco_init"
    assert report.descriptor.pixel_supervised
    assert {key.partition(".")[0] for key in report.missing} == {"aspp"}
    assert set(report.unexpected) == {"fc.weight", "fc.bias"}


def test_torchvisions_resnet_can_start_caffes() -> None:
    state = imagenet_state("resnet101", "meta")
    with torch.device("meta"):
        trunk = build_trunk("resnet101_caffe")
    descriptor = published("resnet101_caffe_imagenet")
    plain = identify(state)

    assert plain is not None
    assert plain.network == "resnet101"
    assert descriptor.normalisation == IMAGENET
    assert not fit(trunk, state, descriptor).missing


def v3plus_name(key: str) -> str:
    """Return pytorch-deeplab-xception's name of one of our tensors."""
    first, *rest = key.split(".")
    part = ".".join(rest)
    if first == "trunk":
        return f"backbone.{part}"
    if first == "aspp" and rest[0] == "branches":
        return f"aspp.aspp{int(rest[1]) + 1}.{('atrous_conv', 'bn')[int(rest[2])]}.{rest[3]}"
    if first == "aspp" and rest[0] == "pooling":
        return f"aspp.global_avg_pool.{1 if rest[1] == 'conv' else 2}.{rest[2]}"
    if first in ("aspp", "detail"):
        folder = "decoder" if first == "detail" else first
        return f"{folder}.{('conv1', 'bn1')[int(rest[-2])]}.{rest[-1]}"
    start = {"first": 0, "second": 4, "classifier": 8}[first]
    at = int(rest[0]) if first != "classifier" else 0
    return f"decoder.last_conv.{start + at}.{rest[-1]}"


@pytest.mark.parametrize("channels", [2, 21])
def test_deeplab_v3plus_loads_every_tensor(channels: int) -> None:
    network = DeepLabV3Plus(build_trunk("resnet101", width=TINY), channels)
    state = renamed(network, v3plus_name)
    report = fit(network, state)

    assert {"aspp.global_avg_pool.1.weight", "aspp.bn1.bias", "decoder.bn1.weight", "decoder.last_conv.8.bias"} < set(
        state
    )
    assert report.descriptor.name == "deeplab_v3plus_resnet101_voc"
    assert report.descriptor.pixel_supervised
    assert not report.missing
    assert not report.unexpected


@pytest.mark.parametrize("channels", [2, 21])
def test_deeplab_v1_loads_every_tensor(channels: int) -> None:
    network = DeepLabV1(build_trunk("resnet38", output_stride=8, width=TINY), channels)
    state = {f"backbone.{key}": value for key, value in resnet38_state(16).items()}
    for ours, theirs in {
        "first.0": "conv_fov",
        "first.1": "bn_fov",
        "second.0": "conv_fov2",
        "second.1": "bn_fov2",
    }.items():
        state |= renamed(network.get_submodule(ours), lambda key, theirs=theirs: f"{theirs}.{key}")
    state |= renamed(network.classifier, lambda key: f"cls_conv.{key}")
    report = fit(network, state)

    assert report.descriptor.name == "deeplab_v1_resnet38_seam"
    assert not report.descriptor.pixel_supervised
    assert not report.missing
    assert not report.unexpected


def test_every_deeplab_is_for_a_method() -> None:
    assert {entry.network for entry in DEEPLAB} == {"deeplab_v1_resnet38", "deeplab_v2", "deeplab_v3plus"}
