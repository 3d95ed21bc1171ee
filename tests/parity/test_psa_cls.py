"""PSA's classifier on ResNet-38: trunk features, logits, activation maps, and the maps over scales and flips.

Takes about half a minute on one core at the published size.
"""

from __future__ import annotations

import numpy as np
import pytest
import torch

from napari_wsss.core.inference import Inference
from napari_wsss.core.trunk_choice import TrunkChoice
from napari_wsss.localize.base import Localizer, infer_maps
from napari_wsss.weights.fit import fit
from napari_wsss.weights.identify import identify
from tests.parity.recipe import Fixture, load_fixture, nothing_drawn, one_pass, relative_error

TOLERANCE = 3e-4  # of the largest value


@pytest.fixture(scope="module")
def fixture() -> Fixture:
    return load_fixture("psa_cls")


@pytest.fixture(scope="module")
def localizer(fixture: Fixture) -> Localizer:
    with nothing_drawn():
        network = Localizer.build("cam", TrunkChoice("resnet38", 8), class_count=fixture.config["num_classes"])
    report = fit(network, fixture.tensors())
    assert not report.missing
    assert not report.unexpected
    assert not report.skipped_head
    return network.eval()


def test_the_origin_is_recognised_by_its_keys(fixture: Fixture) -> None:
    descriptor = identify({key: torch.empty(value.shape, device="meta") for key, value in fixture.state.items()})

    assert descriptor is not None
    assert descriptor.name == "psa_cls_resnet38"
    assert not descriptor.pixel_supervised


@pytest.mark.parametrize("image", ["a", "b"])
def test_features_logits_and_maps_agree(fixture: Fixture, localizer: Localizer, image: str) -> None:
    batch = torch.from_numpy(localizer.normalisation.apply(fixture.inputs[f"image_{image}"]))[None]
    everything = torch.ones(1, localizer.class_count, dtype=torch.bool)
    with torch.inference_mode(), one_pass(localizer.trunk):
        found = {
            "conv6_gap": localizer.trunk(batch).mean((2, 3))[0],
            "logits": localizer.classify(batch)[0],
            "cam_lowres": localizer.localize(batch, everything)[0],
        }

    for name, value in found.items():
        assert relative_error(value.numpy(), fixture.outputs[f"{image}/{name}"]) < TOLERANCE, name


@pytest.mark.slow  # one scale is compared above, the way over scales and flips by test_seam
def test_maps_over_scales_and_flips_agree(fixture: Fixture, localizer: Localizer) -> None:
    settings = Inference(scales=tuple(fixture.config["scales"]), flip=True, precision="float32")
    maps = infer_maps(localizer, fixture.inputs["image_msf"], fixture.present, settings)

    assert list(maps.classes) == fixture.present
    assert relative_error(maps.scores, fixture.by_class(fixture.outputs["msf/norm_cam"])) < TOLERANCE
    assert np.all(maps.scores.max((1, 2)) <= 1)
