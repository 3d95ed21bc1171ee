"""DeepLab v3 against torchvision's ``deeplabv3_resnet50`` with auxiliary head."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from napari_wsss.networks.deeplab_v3 import DeepLabV3
from napari_wsss.networks.trunk import build_trunk
from napari_wsss.weights.fit import fit
from napari_wsss.weights.identify import identify
from napari_wsss.weights.normalisation import IMAGENET
from tests.parity.recipe import Fixture, load_fixture, relative_error

LOGITS = 2e-3  # of the largest value
FEATURES = 3e-4


@pytest.fixture(scope="module")
def fixture() -> Fixture:
    return load_fixture("deeplab_v3")


@pytest.fixture(scope="module")
def network(fixture: Fixture) -> DeepLabV3:
    trunk = build_trunk("resnet50", output_stride=8)
    network = DeepLabV3(trunk, fixture.config["num_classes"], rates=(12, 24, 36), aux=True)
    report = fit(network, fixture.tensors())
    assert not report.missing
    assert not report.unexpected
    assert not report.skipped_head
    return network.eval()


def test_the_origin_is_recognised_by_its_keys(fixture: Fixture) -> None:
    descriptor = identify(fixture.tensors())

    assert descriptor is not None
    assert descriptor.network == "deeplab_v3"
    assert descriptor.trunk == "resnet50"
    assert descriptor.pixel_supervised


@pytest.mark.parametrize("image", ["a", "b"])
def test_features_and_logits_agree(fixture: Fixture, network: DeepLabV3, image: str) -> None:
    pixels = fixture.inputs[f"image_{image}"]
    expected = {
        name.removeprefix(f"{image}/"): value for name, value in fixture.outputs.items() if name.startswith(f"{image}/")
    }
    with torch.inference_mode():
        batch = torch.from_numpy(IMAGENET.apply(pixels))[None]
        features = network.trunk.features(batch, ("stride16", "last"))
        main, aux = network(batch)
    assert aux is not None

    for tap, name in (("last", "feature_gap"), ("stride16", "feature_aux_gap")):
        assert relative_error(features[tap].mean((2, 3))[0].numpy(), expected[name]) < FEATURES
    for logits, name in ((main, "out"), (aux, "aux")):
        assert relative_error(logits[0].numpy(), expected[f"{name}_lowres"]) < LOGITS
        full = F.interpolate(logits, pixels.shape[:2], mode="bilinear", align_corners=False)
        assert relative_error(full[0, :, ::8, ::8].numpy(), expected[f"{name}_strided"]) < LOGITS
