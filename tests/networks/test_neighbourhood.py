"""Pairs of neighbouring cells: which there are, what they are compared by, and what they are labelled."""

from __future__ import annotations

import math

import pytest
import torch

from napari_wsss.networks.neighbourhood import (
    barrier_affinities,
    feature_affinities,
    half_disc,
    overlap,
    pair_labels,
    pair_losses,
    path,
    sources,
)

IGNORE = 255


@pytest.mark.parametrize("radius", [2, 5, 10])
def test_offsets_are_one_half_of_the_disc(radius: int) -> None:
    offsets = half_disc(radius)
    mirrored = {(-dy, -dx) for dy, dx in offsets}

    assert not mirrored & set(offsets)
    assert len(set(offsets)) == len(offsets)
    assert mirrored | set(offsets) | {(0, 0)} == {
        (y, x) for y in range(-radius, radius) for x in range(-radius, radius) if y * y + x * x < radius * radius
    }


@pytest.mark.parametrize(("offset", "cells"), [((0, 2), 3), ((2, 2), 7), ((1, -1), 4), ((4, 1), 10)])
def test_a_path_holds_both_ends_and_what_is_near_the_line(offset: tuple[int, int], cells: int) -> None:
    found = path(offset)

    assert {(0, 0), offset} <= set(found)
    assert len(found) == cells


@pytest.mark.parametrize("offset", [(0, 1), (2, -1), (3, 3), (0, 9), (9, 0), (1, -9)])
def test_overlap_never_leaves_the_grid(offset: tuple[int, int]) -> None:
    grid = torch.arange(4 * 5).reshape(4, 5)
    at = overlap(4, 5, offset)

    here, there = grid[at.rows, at.columns], grid[at.partner_rows, at.partner_columns]

    assert here.shape == there.shape
    assert here.numel() == max(0, 4 - abs(offset[0])) * max(0, 5 - abs(offset[1]))
    assert (there - here == offset[0] * 5 + offset[1]).all()


@pytest.mark.parametrize("values_at_once", [2**24, 7])
def test_feature_affinities_are_those_of_each_pair(values_at_once: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("napari_wsss.networks.neighbourhood._MOST_VALUES", values_at_once)
    features = torch.randn(2, 3, 4, 6, generator=torch.Generator().manual_seed(0))
    offsets = half_disc(3)

    found = feature_affinities(features, offsets)

    for p, (dy, dx) in enumerate(offsets):
        for y in range(4):
            for x in range(6):
                inside = y + dy < 4 and 0 <= x + dx < 6
                wanted = [0.0, 0.0]
                if inside:
                    difference = (features[:, :, y, x] - features[:, :, y + dy, x + dx]).abs().mean(1)
                    wanted = [math.exp(-float(d)) for d in difference]
                assert found[:, p, y, x].tolist() == pytest.approx(wanted, abs=1e-6)


@pytest.mark.parametrize("values_at_once", [1, 2**24])
def test_the_gradient_of_feature_affinities_is_the_true_one(
    values_at_once: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("napari_wsss.networks.neighbourhood._MOST_VALUES", values_at_once)
    generator = torch.Generator().manual_seed(0)
    features = torch.randn(2, 2, 3, 4, generator=generator, dtype=torch.float64).requires_grad_()

    assert torch.autograd.gradcheck(lambda given: feature_affinities(given, half_disc(3)), (features,))


def test_a_boundary_parts_what_lies_on_both_its_sides() -> None:
    boundary = torch.zeros(1, 5, 7)
    boundary[:, :, 3] = 0.75
    offsets = half_disc(5)

    found = barrier_affinities(boundary, offsets)

    across, along = offsets.index((0, 4)), offsets.index((1, 0))
    assert float(found[0, across, 2, 1]) == 0.25
    assert float(found[0, along, 0, 0]) == 1
    assert float(found[0, along, 0, 3]) == 0.25
    assert not found[0, along, 4].any()


def test_pairs_are_equal_different_or_undecided() -> None:
    labels = torch.tensor([[[0, 0, 1, 1, IGNORE, 2]]])

    pairs = pair_labels(labels, ((0, 1),), ignore=IGNORE)

    assert pairs.background[0, 0, 0].tolist() == [True, False, False, False, False, False]
    assert pairs.foreground[0, 0, 0].tolist() == [False, False, True, False, False, False]
    assert pairs.different[0, 0, 0].tolist() == [False, True, False, False, False, False]


def test_cells_near_the_border_can_be_left_out() -> None:
    labels = torch.zeros(1, 6, 9, dtype=torch.long)
    offsets = half_disc(3)

    every, inner = (pair_labels(labels, offsets, ignore=IGNORE, border_pairs=b).background for b in (True, False))

    assert sources(6, 9, offsets).nonzero().amin(0).tolist() == [0, 2]
    assert sources(6, 9, offsets).nonzero().amax(0).tolist() == [3, 6]
    assert int(inner.sum()) == 4 * 5 * len(offsets)
    assert (every & ~inner).any()
    assert sources(2, 2, offsets).all()


def test_losses_are_means_over_their_pairs_and_zero_without() -> None:
    affinity = torch.full((1, 1, 1, 4), 0.5, requires_grad=True)
    pairs = pair_labels(torch.tensor([[[0, 0, 1, 2]]]), ((0, 1),), ignore=IGNORE)

    losses = pair_losses(affinity, pairs)
    torch.stack(list(losses.values())).sum().backward()

    assert float(losses["background"].detach()) == pytest.approx(math.log(2) / 4, abs=1e-3)
    assert float(losses["foreground"].detach()) == 0
    assert float(losses["different"].detach()) == pytest.approx(math.log(2) / 2, abs=1e-3)
    assert affinity.grad is not None
    assert torch.isfinite(affinity.grad).all()
