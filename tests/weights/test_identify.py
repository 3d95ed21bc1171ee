"""Recognition by content: near misses are refused, values decide where keys do not."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from napari_wsss.weights.descriptor import TellTale
from napari_wsss.weights.identify import fingerprint, identify
from napari_wsss.weights.published import PUBLISHED, published
from tests.weights.states import imagenet_state


def test_deeper_and_wider_relatives_are_not_mistaken() -> None:
    resnet34 = imagenet_state("resnet18", "meta") | {"layer1.2.conv1.weight": torch.empty(64, 64, 3, 3, device="meta")}
    resnet152 = imagenet_state("resnet101", "meta") | {"layer3.23.conv1.weight": torch.empty(1, device="meta")}
    wide = imagenet_state("resnet50", "meta") | {"layer1.0.conv2.weight": torch.empty(128, 128, 3, 3, device="meta")}
    vgg19 = imagenet_state("vgg16", "meta") | {"features.30.weight": torch.empty(512, 512, 3, 3, device="meta")}

    assert [identify(state) for state in (resnet34, resnet152, wide, vgg19, {})] == [None] * 5


@pytest.mark.parametrize(("trunk", "name"), [("resnet50", "resnet50_imagenet"), ("resnet101", "resnet101_imagenet")])
def test_depth_decides_between_resnets(trunk: str, name: str) -> None:
    found = identify(imagenet_state(trunk, "meta"))

    assert found is not None
    assert found.name == name


def test_the_fingerprint_decides_between_equal_keys() -> None:
    state = imagenet_state("mobilenet_v2")
    plain = identify(state)
    coral = published("mobilenet_v2_coral")
    mark = ("features.0.0.weight", fingerprint(state["features.0.0.weight"]))
    marked = replace(coral, tell_tale=TellTale(coral.tell_tale.shapes, fingerprint=mark))
    descriptors = tuple(marked if entry is coral else entry for entry in PUBLISHED)

    assert plain is published("mobilenet_v2_imagenet")
    assert identify(state, descriptors) is marked


def test_a_fingerprint_does_not_depend_on_type_or_memory_format() -> None:
    tensor = torch.randn(4, 3, 3, 3).half().float()
    expected = fingerprint(tensor)

    assert fingerprint(tensor.half()) == expected
    assert fingerprint(tensor.to(memory_format=torch.channels_last)) == expected
    assert fingerprint(tensor + 1e-3) != expected
