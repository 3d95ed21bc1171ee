"""LDF's published network on ResNet-50: features, all six maps, losses and gradients (about 5 s)."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from napari_wsss.core.trunk_choice import TrunkChoice
from napari_wsss.networks.ldf_decoders import SaliencyLogits
from napari_wsss.saliency.base import SaliencyBatch, SaliencyModel
from napari_wsss.saliency.ldf import LabelDecoupling
from napari_wsss.weights.descriptor import WeightsDescriptor
from napari_wsss.weights.fit import fit
from tests.parity.recipe import Fixture, load_fixture, nothing_drawn, relative_error
from training.data.label_decoupling import decoupled, stored

CLOSE, LOSS_CLOSE, GRADIENT_CLOSE, TRUNK_GRADIENT_CLOSE = 3e-4, 1e-4, 3e-3, 1e-2
MAPS = ("body1", "detail1", "sal1", "body2", "detail2", "sal2")


@pytest.fixture(scope="module")
def fixture() -> Fixture:
    return load_fixture("ldf")


@pytest.fixture(scope="module")
def loaded(fixture: Fixture) -> tuple[LabelDecoupling, WeightsDescriptor]:
    with nothing_drawn():
        network = SaliencyModel.build("ldf", TrunkChoice("resnet50", output_stride=32))
    assert isinstance(network, LabelDecoupling)
    report = fit(network, fixture.tensors())
    assert not report.missing
    assert not report.unexpected
    network.normalisation = report.descriptor.normalisation
    return network.eval(), report.descriptor


@pytest.fixture(scope="module")
def network(loaded: tuple[LabelDecoupling, WeightsDescriptor]) -> LabelDecoupling:
    return loaded[0]


def as_input(network: LabelDecoupling, images: NDArray[np.uint8]) -> Tensor:
    return torch.from_numpy(np.stack([network.normalisation.apply(image) for image in images]))


def six(first: SaliencyLogits, second: SaliencyLogits) -> dict[str, NDArray[Any]]:
    return {name: tensor[:, 0].numpy() for name, tensor in zip(MAPS, (*first, *second), strict=True)}


def test_the_whole_file_is_used(fixture: Fixture, loaded: tuple[LabelDecoupling, WeightsDescriptor]) -> None:
    network, descriptor = loaded

    assert descriptor.pixel_supervised
    assert len(fixture.state) == len(network.state_dict())


def test_features(fixture: Fixture, network: LabelDecoupling) -> None:
    taps = network.network.taps
    with torch.inference_mode():
        found = network.trunk.features(as_input(network, fixture.inputs["images"]), taps)

    for number, tap in enumerate(taps, 2):
        expected = fixture.outputs[f"backbone/out{number}_gap"]
        assert relative_error(found[tap].mean((2, 3)).numpy(), expected) < CLOSE, tap


def test_the_maps_of_a_batch(fixture: Fixture, network: LabelDecoupling) -> None:
    images = fixture.inputs["images"]
    with torch.inference_mode():
        found = six(*network.logits(as_input(network, images), images.shape[1:3]))

    for name in MAPS:
        assert relative_error(found[name][:, ::2, ::2], fixture.outputs[f"batch/{name}"]) < CLOSE, name


def test_the_maps_of_an_image_that_is_not_square(fixture: Fixture, network: LabelDecoupling) -> None:
    image = fixture.inputs["image_other"]
    with torch.inference_mode():
        found = six(*network.logits(as_input(network, image[None]), image.shape[:2]))

    for name in MAPS:
        assert relative_error(found[name][0], fixture.outputs[f"other/{name}"]) < CLOSE, name


def test_the_last_map_at_another_size(fixture: Fixture, network: LabelDecoupling) -> None:
    size = tuple(fixture.config["output_size"])
    batch = as_input(network, fixture.inputs["image_other"][None])
    expected = fixture.outputs["other/sal2_at_output_size"]
    with torch.inference_mode():
        logits = network.logits(batch, size)[1].saliency[0, 0].numpy()
        saliency = network.saliency(batch, size)[0].numpy()

    assert relative_error(logits, expected) < CLOSE
    np.testing.assert_allclose(saliency, 1 / (1 + np.exp(-expected)), atol=CLOSE)


def test_losses_and_gradients(fixture: Fixture, loaded: tuple[LabelDecoupling, WeightsDescriptor]) -> None:
    network, descriptor = loaded
    masks = fixture.inputs["masks"]
    parts = [[stored(part).astype(np.float32) / 255 for part in decoupled(mask)] for mask in masks]
    bodies, details = (torch.from_numpy(np.stack(maps)) for maps in zip(*parts, strict=True))
    truth = torch.from_numpy(masks.astype(np.float32) / 255)
    images = as_input(network, fixture.inputs["images"])
    network.zero_grad()

    losses = network.loss(SaliencyBatch(images, truth, bodies, details, torch.ones_like(truth)))
    total = torch.stack(list(losses.values())).sum()
    total.backward()

    expected = {name.removeprefix("loss/"): v for name, v in fixture.outputs.items() if name.startswith("loss/")}
    assert total.item() == pytest.approx(float(expected.pop("total")), rel=LOSS_CLOSE)
    # Ours are halved one by one, as the sum is.
    found = {name: 2 * loss.item() for name, loss in losses.items()}
    assert found == pytest.approx({name: float(value) for name, value in expected.items()}, rel=LOSS_CLOSE)
    ours = dict(network.named_parameters())
    for key in fixture.names("gradnorm/"):
        gradient = ours[descriptor.renamed(key)].grad
        assert gradient is not None, key
        close = TRUNK_GRADIENT_CLOSE if key.startswith("bkbone") else GRADIENT_CLOSE
        assert gradient.double().norm().item() == pytest.approx(float(fixture.outputs[f"gradnorm/{key}"]), rel=close), (
            key
        )
