"""The losses of IRNet: what they are zero for, that parts of the directions add up, and that gradients arrive."""

from __future__ import annotations

import pytest
import torch

from napari_wsss.networks.boundary_losses import boundary_losses, displacement_differences
from napari_wsss.networks.neighbourhood import barrier_affinities, half_disc, pair_labels, pair_losses

IGNORE = 255
SURE = 20.0


@pytest.fixture
def labels() -> torch.Tensor:
    """Background left, class 3 right, an undecided row below."""
    values = torch.zeros(1, 16, 20, dtype=torch.long)
    values[:, :, 10:], values[:, -1:] = 3, IGNORE
    return values


def test_the_affinity_terms_are_psas(labels: torch.Tensor) -> None:
    torch.manual_seed(0)
    edge, offsets = torch.randn(1, 1, 16, 20), half_disc(4)

    found = boundary_losses(edge, torch.zeros(1, 2, 16, 20), labels, offsets, ignore=IGNORE)

    affinity = barrier_affinities(edge[:, 0].sigmoid(), offsets)
    expected = pair_losses(affinity, pair_labels(labels, offsets, ignore=IGNORE, border_pairs=False))
    for name, value in expected.items():
        torch.testing.assert_close(found[name], value)


def test_a_perfect_prediction_costs_nothing(labels: torch.Tensor) -> None:
    offsets = half_disc(4)
    edge = torch.full((1, 1, 16, 20), -SURE)
    edge[..., 10] = SURE
    places = torch.stack(torch.meshgrid(torch.arange(16.0), torch.arange(20.0), indexing="ij"))
    displacement = torch.where(labels[:, None] == 3, 5 - places, torch.tensor(0.0))

    found = boundary_losses(edge, displacement, labels, offsets, ignore=IGNORE)

    assert found["background"] < 1e-4
    assert found["different"] < 1e-4
    assert found["displacement"] < 1e-4
    assert found["displacement_background"] < 1e-4
    assert found["foreground"] > 0.1  # the class's own side of the boundary


def test_gradients_reach_both_heads(labels: torch.Tensor) -> None:
    edge, displacement = torch.zeros(1, 1, 16, 20, requires_grad=True), torch.ones(1, 2, 16, 20, requires_grad=True)

    torch.stack(
        list(boundary_losses(edge, displacement, labels, half_disc(5), ignore=IGNORE).values())
    ).sum().backward()

    assert edge.grad is not None
    assert edge.grad.abs().sum() > 0
    assert displacement.grad is not None
    assert displacement.grad.abs().sum() > 0


def test_grids_smaller_than_the_radius_and_nothing_decided_are_defined() -> None:
    maps = torch.zeros(1, 1, 4, 5), torch.zeros(1, 2, 4, 5)

    small = boundary_losses(*maps, torch.zeros(1, 4, 5, dtype=torch.long), half_disc(10), ignore=IGNORE)
    nothing = boundary_losses(*maps, torch.full((1, 4, 5), IGNORE), half_disc(3), ignore=IGNORE)

    assert small["background"] > 0
    assert all(float(value) == 0 for value in nothing.values())


def test_differences_are_zero_where_the_partner_lies_outside() -> None:
    field = torch.arange(12.0).reshape(1, 1, 3, 4).repeat(1, 2, 1, 1)

    found = displacement_differences(field, [(1, -1)])[0, 0, 0]

    assert found.tolist() == [[0, -3, -3, -3], [0, -3, -3, -3], [0, 0, 0, 0]]
