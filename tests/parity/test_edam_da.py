"""EDAM on the published ResNet-38: features before the ReLU, masks, and the maps of several scales (about 10 s)."""

from __future__ import annotations

import pytest
import torch

from napari_wsss.core.inference import Inference
from napari_wsss.core.trunk_choice import TrunkChoice
from napari_wsss.localize.base import Localizer, infer_maps
from napari_wsss.localize.edam import Edam
from napari_wsss.weights.fit import fit
from napari_wsss.weights.identify import identify
from tests.parity.recipe import Fixture, load_fixture, nothing_drawn, relative_error

CLOSE = 3e-4


@pytest.fixture(scope="module")
def fixture() -> Fixture:
    return load_fixture("edam_da")


@pytest.fixture(scope="module")
def network(fixture: Fixture) -> Edam:
    with nothing_drawn():
        found = Localizer.build(
            "edam", TrunkChoice("resnet38", output_stride=8), class_count=fixture.config["num_classes"]
        )
    assert isinstance(found, Edam)
    state = fixture.tensors()
    descriptor = identify(state)
    assert descriptor is not None
    report = fit(found, state, descriptor)
    assert not report.skipped_head
    assert not report.missing
    return found.eval()


@pytest.mark.parametrize("case", ["a", "b"])
def test_features_and_masks(fixture: Fixture, network: Edam, case: str) -> None:
    pixels = network.normalisation.apply(fixture.inputs[f"image_{case}"])
    with torch.inference_mode():
        tap = network.trunk.linear_tap
        features = network.trunk.features(torch.from_numpy(pixels)[None], (tap,))[tap]
        masks = network.masks(features)[0].roll(-1, 0)  # the published background is the last channel

    assert relative_error(features.mean((0, 2, 3)).numpy(), fixture.outputs[f"{case}/features_gap"]) < CLOSE
    assert relative_error(masks.numpy(), fixture.outputs[f"{case}/da_masks"]) < CLOSE


@pytest.mark.slow  # one scale is compared above, the way over scales and flips by test_seam
def test_maps_of_several_scales(fixture: Fixture, network: Edam) -> None:
    settings = Inference(scales=tuple(fixture.config["scales"]), flip=True, precision="float32")

    found = infer_maps(network, fixture.inputs["image_msf"], fixture.present, settings)

    assert list(found.classes) == fixture.present
    assert relative_error(found.scores, fixture.by_class(fixture.outputs["msf/norm_cam"])) < CLOSE
