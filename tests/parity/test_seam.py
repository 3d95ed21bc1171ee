"""SEAM on the published ResNet-38: class maps, pixel correlation, and the maps of several scales (about 20 s)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from numpy.typing import NDArray

from napari_wsss.core.inference import Inference
from napari_wsss.core.trunk_choice import TrunkChoice
from napari_wsss.localize.base import Localizer, infer_maps
from napari_wsss.localize.seam import Seam
from napari_wsss.networks.pixel_correlation import competing
from napari_wsss.networks.trunk import LAST
from napari_wsss.pixels.resizing import resize, scaled_size
from napari_wsss.weights.fit import fit
from tests.parity.recipe import Fixture, load_fixture, nothing_drawn, one_pass, relative_error

CLOSE = 3e-4
Found = dict[str, NDArray[np.float32]]


@pytest.fixture(scope="module")
def fixture() -> Fixture:
    return load_fixture("seam")


@pytest.fixture(scope="module")
def network(fixture: Fixture) -> Seam:
    with nothing_drawn():
        found = Localizer.build(
            "seam", TrunkChoice("resnet38", output_stride=8), class_count=fixture.config["num_classes"]
        )
    assert isinstance(found, Seam)
    report = fit(found, fixture.tensors())
    assert report.descriptor.network == "seam"
    assert not report.missing
    assert not report.skipped_head
    return found.eval()


@pytest.fixture(scope="module")
def outputs_of(fixture: Fixture, network: Seam) -> Callable[[str], Found]:
    """Return a function from a case of the fixture to our arrays under the fixture's names."""
    known: dict[str, Found] = {}

    def outputs(case: str) -> Found:
        if case not in known:
            known[case] = _outputs(network, fixture.inputs[f"image_{case}"], fixture.config["slice_channels"])
        return known[case]

    return outputs


def _outputs(network: Seam, image: NDArray[np.uint8], channels: list[int]) -> Found:
    batch = torch.from_numpy(network.normalisation.apply(image))[None]
    with torch.inference_mode(), one_pass(network.trunk):
        maps = network.maps(batch, correlated=True)
        assert maps.correlated is not None
        found: dict[str, Any] = {
            "cam_lowres": maps.plain,
            "pcm_input_cam": competing(maps.plain),
            "cam_rv_lowres": maps.correlated,
            "conv6_gap": network.trunk.features(batch, (LAST,))[LAST].mean((2, 3)),
            "f9_gap": network.embedding(batch).mean((2, 3)),
        }
        for name in ("cam", "cam_rv"):
            enlarged = F.interpolate(found[f"{name}_lowres"], batch.shape[2:], mode="bilinear", align_corners=True)
            found[f"{name}_full_slice"] = enlarged[:, channels]
        found["localized"] = network.localize(batch, torch.ones(1, network.class_count, dtype=torch.bool))
    return {name: value[0].numpy() for name, value in found.items()}


@pytest.mark.parametrize(
    "name",
    ["conv6_gap", "f9_gap", "cam_lowres", "pcm_input_cam", "cam_rv_lowres", "cam_full_slice", "cam_rv_full_slice"],
)
@pytest.mark.parametrize("case", ["a", "b"])
def test_outputs(fixture: Fixture, outputs_of: Callable[[str], Found], case: str, name: str) -> None:
    assert relative_error(outputs_of(case)[name], fixture.outputs[f"{case}/{name}"]) < CLOSE


@pytest.mark.parametrize("case", ["a", "b"])
def test_maps_are_the_correlated_ones_without_background(
    fixture: Fixture, outputs_of: Callable[[str], Found], case: str
) -> None:
    assert relative_error(outputs_of(case)["localized"], fixture.outputs[f"{case}/cam_rv_lowres"][1:]) < CLOSE


def test_scaled_images(fixture: Fixture) -> None:
    image = fixture.inputs["image_msf"]
    for scale in fixture.config["scales"]:
        scaled = resize(image, *scaled_size(image.shape[0], image.shape[1], scale))

        np.testing.assert_array_equal(scaled, fixture.outputs[f"msf/scaled_u8_{scale:g}"])


def test_maps_of_several_scales(fixture: Fixture, network: Seam) -> None:
    settings = Inference(scales=tuple(fixture.config["scales"]), flip=True, precision="float32")

    found = infer_maps(network, fixture.inputs["image_msf"], fixture.present, settings)

    # Published maps fall below 0 by their smallest value where they are within 1e-5 of it; ours are clamped there.
    expected = np.clip(fixture.outputs["msf/norm_cam"], 0, 1)
    assert list(found.classes) == fixture.present
    assert relative_error(found.scores, fixture.by_class(expected)) < CLOSE
