"""DeepLab v2 against deeplab-pytorch's ResNet-101 with three scales (takes half a minute)."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from napari_wsss.networks.deeplab_v2 import DeepLabV2
from napari_wsss.networks.trunk import build_trunk
from napari_wsss.weights.fit import fit
from napari_wsss.weights.identify import identify
from napari_wsss.weights.normalisation import CAFFE
from tests.parity.recipe import Fixture, load_fixture, nothing_drawn, relative_error

LOGITS = 2e-3  # of the largest value
FEATURES = 3e-4
SCALES = (0.5, 0.75)


@pytest.fixture(scope="module")
def fixture() -> Fixture:
    return load_fixture("deeplab_v2")


@pytest.fixture(scope="module")
def network(fixture: Fixture) -> DeepLabV2:
    with nothing_drawn():
        trunk = build_trunk("resnet101_caffe", output_stride=8)
        network = DeepLabV2(trunk, fixture.config["num_classes"], scales=SCALES)
    report = fit(network, fixture.tensors())
    assert not report.missing
    assert not report.unexpected
    assert not report.skipped_head
    return network.eval()


def batch(fixture: Fixture, image: str) -> torch.Tensor:
    return torch.from_numpy(CAFFE.apply(fixture.inputs[f"image_{image}"]))[None]


def test_both_layouts_are_recognised_by_their_keys(fixture: Fixture) -> None:
    state = fixture.tensors()
    several, plain = identify(state), identify({key.removeprefix("base."): value for key, value in state.items()})

    assert several is not None
    assert plain is not None
    assert (several.name, plain.name) == ("deeplab_v2_resnet101_msc", "deeplab_v2_resnet101")
    assert several.normalisation == plain.normalisation == CAFFE
    assert several.pixel_supervised


def test_features_agree(fixture: Fixture, network: DeepLabV2) -> None:
    taps = {"stride2": "layer1", "stride4": "layer2", "stride8": "layer3", "stride16": "layer4", "stride32": "layer5"}
    with torch.inference_mode():
        images = batch(fixture, "a")
        found = network.trunk.features(images, tuple(taps))
    found["stride2"] = network.trunk.maxpool(found["stride2"])  # theirs ends after the pooling

    for tap, layer in taps.items():
        assert relative_error(found[tap].mean((2, 3))[0].numpy(), fixture.outputs[f"a/{layer}_gap"]) < FEATURES, tap


@pytest.mark.parametrize("image", ["a", "b"])
def test_logits_agree(fixture: Fixture, network: DeepLabV2, image: str) -> None:
    with torch.inference_mode():
        pyramid = network.pyramid(batch(fixture, image))

    assert relative_error(pyramid[-1][0].numpy(), fixture.outputs[f"{image}/msc_logits"]) < LOGITS
    assert relative_error(pyramid[0][0].numpy(), fixture.outputs[f"{image}/base_logits"]) < LOGITS
    if image == "a":
        for number, logits in enumerate(pyramid):
            assert list(logits.shape) == fixture.outputs[f"a/train_logits_{number}_shape"].tolist()
            expected = fixture.outputs[f"a/train_logits_{number}_gap"]
            assert relative_error(logits.mean((2, 3))[0].numpy().astype(np.float32), expected) < LOGITS
