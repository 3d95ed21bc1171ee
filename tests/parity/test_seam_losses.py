"""SEAM's losses and their gradients against the reference, on two images and their second view (about 25 s)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from napari_wsss.core.trunk_choice import TrunkChoice
from napari_wsss.localize.base import Localizer, LocalizerBatch
from napari_wsss.localize.seam import Seam
from napari_wsss.networks.affine import draw_view
from napari_wsss.networks.equivariance import hardest_mean, lowest_mean, stretched, strongest_only, with_background
from napari_wsss.weights.fit import fit
from napari_wsss.weights.published import published
from tests.parity.recipe import Fixture, load_fixture, nothing_drawn, relative_error

CLOSE = 1e-4
MAPS_CLOSE = 3e-4
OURS = published("seam_resnet38")
# Published names of the terms -> ours.
TERMS = {"cls": "classification", "rvmin": "min_pooling", "er": "equivariance", "ecr": "cross"}


@dataclass(frozen=True)
class Pass:
    """One forward pass: the network, its batch, its losses and their sum."""

    network: Seam
    batch: LocalizerBatch
    losses: dict[str, Tensor]


@dataclass(frozen=True)
class Seen:
    """Both views the published way, all classes at the size of the images."""

    images: list[Tensor]
    plain: list[Tensor]
    correlated: list[Tensor]
    compared: list[Tensor]
    compared_correlated: list[Tensor]


@pytest.fixture(scope="module")
def fixture() -> Fixture:
    return load_fixture("seam_losses")


@pytest.fixture(scope="module")
def done(fixture: Fixture) -> Pass:
    config = fixture.config
    parameters = {"rescale": config["scale"], "hard_share": config["ohem_fraction"]}
    with nothing_drawn():
        network = Localizer.build(
            "seam", TrunkChoice("resnet38", output_stride=8), parameters, class_count=config["num_classes"]
        )
    assert isinstance(network, Seam)
    assert not fit(network, fixture.tensors()).missing
    images = np.stack([network.normalisation.apply(image) for image in fixture.inputs["images"]])
    batch = LocalizerBatch(torch.from_numpy(images), torch.from_numpy(fixture.inputs["label"]))
    network.eval()
    return Pass(network, batch, network.loss(batch))


@pytest.fixture(scope="module")
def seen(fixture: Fixture, done: Pass) -> Seen:
    view = draw_view(done.batch.images, rescale=fixture.config["scale"])
    images = [done.batch.images, view(done.batch.images)]
    labels = F.pad(done.batch.labels, (1, 0), value=1.0)[:, :, None, None]
    plain: list[Tensor] = []
    correlated: list[Tensor] = []
    with torch.no_grad():
        for one in images:
            maps = done.network.maps(one, correlated=True)
            assert maps.correlated is not None
            for kept, raw in ((plain, maps.plain), (correlated, maps.correlated)):
                kept.append(F.interpolate(raw, one.shape[2:], mode="bilinear", align_corners=True))
        first = [view(stretched(maps[0])) * labels for maps in (plain, correlated)]
        second = [stretched(maps[1]) * labels for maps in (plain, correlated)]
    compared = [with_background(first[0]), with_background(second[0])]
    return Seen(images, plain, [maps * labels for maps in correlated], compared, [first[1], second[1]])


def test_the_second_view(fixture: Fixture, seen: Seen) -> None:
    assert relative_error(seen.images[1].numpy(), fixture.outputs["view2/input"]) < 1e-6


@pytest.mark.parametrize("number", [1, 2])
def test_logits_and_compared_maps(fixture: Fixture, done: Pass, seen: Seen, number: int) -> None:
    logits = fixture.outputs[f"view{number}/cls_logits"]
    channels = [0, *(k + 1 for k in fixture.config["present"][0])]
    with torch.no_grad():
        found = done.network.classify(seen.images[number - 1])

    assert relative_error(found.numpy(), logits[:, 1:]) < MAPS_CLOSE
    assert relative_error(seen.plain[number - 1].mean((2, 3)).numpy(), logits) < MAPS_CLOSE
    for name, maps in (("norm_cam", seen.compared), ("norm_cam_rv", seen.compared_correlated)):
        expected = fixture.outputs[f"view{number}/{name}_img0"]
        assert relative_error(maps[number - 1][0, channels].numpy(), expected) < MAPS_CLOSE


@pytest.mark.parametrize("number", [1, 2])
def test_parts_of_each_view(fixture: Fixture, done: Pass, seen: Seen, number: int) -> None:
    with torch.no_grad():
        logits = seen.plain[number - 1].mean((2, 3))[:, 1:]
        wanted, found = strongest_only(seen.compared[2 - number]), seen.compared_correlated[number - 1]
        parts = {
            "cls": F.multilabel_soft_margin_loss(logits, done.batch.labels),
            "rvmin": lowest_mean(seen.correlated[number - 1][:, 1:]),
            "ecr": hardest_mean((wanted - found).abs(), wanted.shape[1], fixture.config["ohem_fraction"]),
        }
    height, width = seen.compared[0].shape[2:]

    for name, part in parts.items():
        assert float(part) == pytest.approx(float(fixture.outputs[f"loss/{name}{number}"]), rel=CLOSE), name
    counted = int(wanted.shape[1] * height * width * fixture.config["ohem_fraction"])
    assert counted == int(fixture.outputs["loss/ohem_k"])


@pytest.mark.parametrize("name", [*TERMS, "total"])
def test_losses(fixture: Fixture, done: Pass, name: str) -> None:
    assert float(term(done, name).detach()) == pytest.approx(float(fixture.outputs[f"loss/{name}"]), rel=CLOSE)


@pytest.mark.parametrize("name", [*TERMS, "total"])
def test_gradient_norms(fixture: Fixture, done: Pass, name: str) -> None:
    prefix = f"gradnorm/{name}/"
    expected = {key: float(fixture.outputs[prefix + key]) for key in fixture.names(prefix)}

    for key, found in gradients(done, name, list(expected)).items():
        norm = -1.0 if found is None else float(found.double().norm())  # -1: no path from the loss to the weight
        assert norm == pytest.approx(expected[key], rel=3e-3), key


def test_gradient_slices(fixture: Fixture, done: Pass) -> None:
    prefix = "grad_slice/"
    expected = {key: fixture.outputs[prefix + key] for key in fixture.names(prefix)}

    for key, found in gradients(done, "total", list(expected)).items():
        assert found is not None
        rows, columns = expected[key].shape
        close = 3e-2 if OURS.renamed(key).startswith("trunk.") else 2e-3
        assert relative_error(found.flatten(1)[:rows, :columns].numpy(), expected[key]) < close, key


def term(done: Pass, name: str) -> Tensor:
    """Return a loss by its published name."""
    return torch.stack(list(done.losses.values())).sum() if name == "total" else done.losses[TERMS[name]]


def gradients(done: Pass, name: str, keys: list[str]) -> dict[str, Tensor | None]:
    """Return the gradients of a loss by the published names of loss and weights; None where there is no path."""
    weights = [done.network.get_parameter(OURS.renamed(key)) for key in keys]
    found = torch.autograd.grad(term(done, name), weights, retain_graph=True, allow_unused=True)
    return dict(zip(keys, found, strict=True))
