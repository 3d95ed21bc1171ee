from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from training.pixel_learner.cells import Cells, cells_of, drawn, targets_of
from training.pixel_learner.examples import Example


def example(values: np.ndarray, weights: np.ndarray | None = None) -> Example:
    given = np.where(values == 255, 0, 1).astype(np.float32) if weights is None else weights
    return Example("a.png", (0, 2), values, given)


def random_values(seed: int, shape: tuple[int, int] = (33, 49)) -> np.ndarray:
    return np.random.default_rng(seed).choice(np.array([0, 1, 3, 255], np.uint8), shape)


@given(st.integers(0, 100))
def test_targets_are_shares_and_every_known_pixel_is_in_one_cell(seed: int) -> None:
    values = random_values(seed)
    targets, weights = targets_of(example(values), (5, 7), 3)
    assert targets.shape == (35, 4)
    known = weights > 0
    np.testing.assert_allclose(targets[known].sum(1), 1, atol=1e-5)
    assert targets[:, 2].max() == 0


def test_a_pixel_belongs_to_the_nearest_cell_corners_on_corners() -> None:
    values = np.full((33, 49), 255, np.uint8)
    values[0, 0], values[16, 24], values[32, 48] = 1, 3, 0
    targets, weights = targets_of(example(values), (5, 7), 3)
    assert np.flatnonzero(weights).tolist() == [0, 17, 34]
    assert targets[[0, 17, 34]].argmax(1).tolist() == [1, 3, 0]


def test_a_cells_weight_is_the_mean_of_its_known_pixels() -> None:
    values, weights = np.zeros((8, 8), np.uint8), np.zeros((8, 8), np.float32)
    weights[0, 0], weights[0, 1] = 1.0, 0.5
    assert targets_of(example(values, weights), (1, 1), 3)[1] == pytest.approx(0.75)


@given(st.integers(0, 50), st.integers(1, 60))
def test_small_things_are_drawn_as_often_as_large_ones(seed: int, most: int) -> None:
    targets = np.eye(4, dtype=np.float32)[np.repeat([0, 1, 3], [200, 40, 5])]
    weights = np.ones(len(targets), np.float32)
    weights[:10] = 0

    chosen = drawn(targets, weights, most, np.random.default_rng(seed))

    assert len(chosen) == len(set(chosen)) == most
    assert chosen.min() >= 10
    counts = np.bincount(targets[chosen].argmax(1), minlength=4)
    assert counts[3] == min(5, most // 3)


def test_the_same_cells_are_drawn_again() -> None:
    rows = torch.arange(35.0)[:, None].expand(-1, 6)

    def of(seed: int) -> Cells:
        return cells_of(example(random_values(0)), rows, (5, 7), 3, 8, np.random.default_rng(seed))

    first, again = of(1), of(1)
    assert len(first) == 8
    assert torch.equal(first.rows, again.rows)
    assert not torch.equal(first.rows, of(2).rows)
    assert first.allowed[0].tolist() == [True, True, False, True]
    assert first.shown.tolist() == [True, True, False, True]
    assert len(first.first(3)) == 3
    assert len(Cells.joined([first, again])) == 16
