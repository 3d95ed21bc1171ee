"""IRNet on any trunk: which depths it reads, what it gives, what learns, and the canvas."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from napari_wsss.affinity.base import AffinityBatch, AffinityModel, infer_affinities
from napari_wsss.affinity.boundary_net import BoundaryNet, infer_displacement
from napari_wsss.core.inference import Inference
from napari_wsss.core.trunk_choice import TRUNKS, TrunkChoice
from napari_wsss.networks.neighbourhood import half_disc

TINY = 1 / 16


def network(trunk: str = "resnet18", output_stride: int = 16, **parameters: int) -> BoundaryNet:
    torch.manual_seed(0)
    found = AffinityModel.build("boundary_net", TrunkChoice(trunk, output_stride, TINY), parameters)
    assert isinstance(found, BoundaryNet)
    return found.eval()


@pytest.fixture
def image() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (70, 93, 3), dtype=np.uint8)


@pytest.mark.parametrize("trunk", TRUNKS)
@pytest.mark.parametrize("output_stride", [8, 16])
def test_every_trunk_gives_a_cell_for_every_four_pixels(trunk: str, output_stride: int) -> None:
    model, images = network(trunk, output_stride, radius=3), torch.randn(1, 3, 50, 71)
    with torch.inference_mode():
        dense, displacement = model.dense(images), model.displacement(images)
        values = model.pair_affinities(dense)

    grid = tuple(math.ceil(side / 4) for side in images.shape[2:])
    assert dense.shape == (1, 1, *grid)
    assert displacement.shape == (1, 2, *grid)
    assert values.shape == (1, len(half_disc(3)), *grid)
    assert model.boundary(dense).shape == (1, *grid)


def test_an_image_gives_affinities_boundary_and_displacements(image: np.ndarray) -> None:
    model = network(radius=4)

    found = infer_affinities(model, image, Inference(flip=True))

    assert found.grid == (18, 24)
    assert found.boundary is not None
    assert 0 <= found.boundary.min() <= found.boundary.max() <= 1
    assert infer_displacement(model, image).shape == (2, 18, 24)
    # An affinity is never above what the ends alone allow.
    (dy, dx), first = found.offsets[0], found.values[0]
    ends = np.maximum(found.boundary[: 18 - dy, : 24 - dx], found.boundary[dy:, dx:])
    assert (first[: 18 - dy, : 24 - dx] <= 1 - ends + 1e-6).all()


def test_the_trunk_stays_as_it_is_and_the_heads_learn() -> None:
    model = network("resnet38", training_radius=3).train()
    before = [value.clone() for value in model.trunk.state_dict().values()]
    labels = torch.zeros(2, 12, 12, dtype=torch.long)
    labels[:, :, 6:] = 1
    images = torch.randn(2, 3, 48, 48)

    losses = model.loss(AffinityBatch(images, labels))
    torch.stack(list(losses.values())).sum().backward()

    assert set(losses) == {"background", "foreground", "different", "displacement", "displacement_background"}
    assert all(weight.grad is None for weight in model.trunk.parameters())
    assert all(weight.grad is not None for weight in [*model.trunk_parameters(), *model.head_parameters()])
    for value, kept in zip(model.trunk.state_dict().values(), before, strict=True):
        torch.testing.assert_close(value, kept)
    # The first group learns slowly, the second fast: together they are all that learns.
    learning = sum(weight.numel() for weight in model.parameters() if weight.requires_grad)
    groups = [*model.trunk_parameters(), *model.head_parameters()]
    assert sum(weight.numel() for weight in groups) == learning


def test_the_canvas_is_what_padding_would_be(image: np.ndarray) -> None:
    model = network(canvas=96)
    batch = torch.from_numpy(model.normalisation.apply(image))[None]
    padded = torch.nn.functional.pad(batch, (0, 3, 0, 26))
    with torch.inference_mode():
        found, expected = model.dense(batch), model.dense(padded)[..., :18, :24]

    torch.testing.assert_close(found, expected)


def test_an_image_larger_than_the_canvas_stays_whole() -> None:
    with torch.inference_mode():
        assert network(canvas=32).dense(torch.randn(1, 3, 64, 40)).shape[2:] == (16, 10)


def test_boundaries_are_learned_from_labels_without_boundaries() -> None:
    model = network("resnet18", training_radius=4, trunk_learns=True).train()
    images = torch.zeros(1, 3, 64, 64)
    images[:, :, :, 30:] = 1.0
    labels = torch.zeros(1, 16, 16, dtype=torch.long)
    # Two undecided columns lie between background and the class; the picture's border is in one of them.
    labels[:, :, 7:9], labels[:, :, 9:] = 255, 2
    optimiser = torch.optim.AdamW(model.parameters(), 0.01)
    for _ in range(40):
        optimiser.zero_grad()
        torch.stack(list(model.loss(AffinityBatch(images, labels)).values())).sum().backward()
        optimiser.step()

    with torch.inference_mode():
        found = model.boundary(model.dense(images))[0, 4:-4].mean(0)

    assert found[6:10].max() > 0.8
    assert found[2:5].max() < 0.4
    assert found[11:14].max() < 0.4


def test_a_trunk_that_learns_is_in_the_slow_group() -> None:
    fixed, learning = network(), network(trunk_learns=True)

    assert not any(weight.requires_grad for weight in fixed.trunk.parameters())
    slow = {id(weight) for weight in learning.trunk_parameters()}
    assert slow >= {id(weight) for weight in learning.trunk.parameters()}
    assert learning.train().trunk.training
    assert not fixed.train().trunk.training
