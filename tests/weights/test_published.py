"""The published descriptors: complete, consistent, and each fits its network without a leftover."""

from __future__ import annotations

import re

import pytest
import torch

from napari_wsss.core.errors import WeightsError
from napari_wsss.core.trunk_choice import TRUNKS
from napari_wsss.networks.trunk import build_trunk
from napari_wsss.weights.descriptor import WeightsDescriptor
from napari_wsss.weights.fit import fit
from napari_wsss.weights.identify import identify
from napari_wsss.weights.published import PUBLISHED, published, published_names
from tests.weights.states import deeplab_state, imagenet_state


@pytest.mark.parametrize("entry", PUBLISHED, ids=lambda entry: entry.name)
def test_facts_are_complete(entry: WeightsDescriptor) -> None:
    assert entry.trunk in TRUNKS
    assert entry.licence
    assert entry.citation
    assert entry.source
    assert entry.tell_tale.shapes
    assert (entry.url is None) == (entry.sha256 is None)
    if entry.url:
        assert re.search(f"-{entry.sha256}\\.pth$", entry.url)
        assert re.fullmatch("[0-9a-f]{8,64}", entry.sha256 or "")


def test_names_are_unique_and_every_trunk_has_weights() -> None:
    assert len(set(published_names())) == len(PUBLISHED)
    assert all(published_names(trunk) for trunk in TRUNKS)
    assert "mobilenet_v2_coral" in published_names("mobilenet_v2")
    assert published("resnet50_imagenet").network == "resnet50"


def test_an_unknown_name_offers_the_known_ones() -> None:
    with pytest.raises(WeightsError, match="resnet18_imagenet") as caught:
        published("resnet19")
    assert "resnet18_imagenet" in caught.value.candidates


@pytest.mark.filterwarnings("ignore:.*which is a no-op")  # copying into a network without memory
# Caffe's ResNet has no file of its own: torchvision's is tested in `test_published_deeplab`.
@pytest.mark.parametrize("trunk", [name for name in TRUNKS if not name.endswith("_caffe")])
def test_the_imagenet_file_of_each_trunk_is_recognised_and_fits(trunk: str) -> None:
    state = imagenet_state(trunk, "meta")
    if "features.0.0.weight" in state:
        state["features.0.0.weight"] = torch.zeros(state["features.0.0.weight"].shape)  # has a fingerprint
    descriptor = identify(state)
    with torch.device("meta"):
        network = build_trunk(trunk)
    assert descriptor is not None
    report = fit(network, state, descriptor)

    assert descriptor.network == trunk
    assert not report.missing
    assert not report.unexpected
    wanted = {key for key in network.state_dict() if not key.endswith("num_batches_tracked")}
    assert wanted <= set(report.loaded)
    assert report.skipped_head == tuple(key for key in state if key.startswith(("fc.", "classifier.", "linear1000_")))


@pytest.mark.parametrize("channels", [2, 21])
def test_deeplab_is_recognised_for_any_class_count(channels: int) -> None:
    descriptor = identify(deeplab_state(channels))

    assert descriptor is not None
    assert descriptor.name == "deeplab_v3_resnet50_coco"
    assert descriptor.pixel_supervised
