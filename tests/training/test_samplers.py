from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from training.samplers import BatchOrder, sample_rng


def test_each_item_once_per_epoch_in_another_order_each_epoch() -> None:
    order = BatchOrder([1] * 12, batch_size=4, seed=3)
    assert order.steps_per_epoch == 3
    epochs = [np.concatenate([order.batch(step) for step in range(e * 3, e * 3 + 3)]).tolist() for e in range(2)]
    assert sorted(epochs[0]) == sorted(epochs[1]) == list(range(12))
    assert epochs[0] != epochs[1]


def test_a_batch_depends_on_seed_and_step_only() -> None:
    one, other = BatchOrder([1] * 9, 2, seed=1), BatchOrder([1] * 9, 2, seed=1)
    [other.batch(step) for step in range(6)]
    assert one.batch(7).tolist() == other.batch(7).tolist()
    assert one.batch(7).tolist() != BatchOrder([1] * 9, 2, seed=2).batch(7).tolist()


def test_repeats_are_counted_per_epoch() -> None:
    order = BatchOrder([3, 1, 1], batch_size=1, seed=0)
    drawn = Counter(int(order.batch(step)[0]) for step in range(order.steps_per_epoch))
    assert drawn == {0: 3, 1: 1, 2: 1}


def test_fewer_items_than_a_batch_make_a_smaller_batch() -> None:
    order = BatchOrder([1, 1], batch_size=16, seed=0)
    assert order.steps_per_epoch == 1
    assert sorted(order.batch(0).tolist()) == [0, 1]
    assert order.ends_epoch(0)
    assert order.epoch(5) == 5


def test_nothing_to_draw_from_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one"):
        BatchOrder([], 2, 0)


def test_sample_rng_differs_by_position() -> None:
    assert sample_rng(0, 1, 0).random() == sample_rng(0, 1, 0).random()
    assert sample_rng(0, 1, 0).random() != sample_rng(0, 1, 1).random()
