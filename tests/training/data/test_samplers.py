from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from training.data.samplers import BatchOrder, GroupOrder, sample_rng, spread


@pytest.mark.parametrize(("count", "most"), [(0, 3), (3, 3), (7, 3), (1000, 50)])
def test_some_of_many_are_taken_evenly(count: int, most: int) -> None:
    found = spread(range(count), most)
    assert len(found) == min(count, most)
    assert all(np.diff(found) >= count // most)
    assert not found or found[-1] >= count - count / most - 1


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


def some_labels(images: int, classes: int, seed: int = 0) -> np.ndarray:
    labels = np.random.default_rng(seed).random((images, classes)) < 0.3
    labels[np.arange(images), np.arange(images) % classes] = True
    return labels


def groups_of(order: GroupOrder, size: int, epoch: int = 0) -> np.ndarray:
    steps = range(epoch * order.steps_per_epoch, (epoch + 1) * order.steps_per_epoch)
    return np.concatenate([order.batch(step) for step in steps]).reshape(-1, size)


@pytest.mark.parametrize(("size", "batch_size", "batch"), [(2, 8, 8), (2, 5, 4), (2, 1, 2), (3, 16, 15), (1, 4, 4)])
def test_groups_share_a_class_and_fill_batches(size: int, batch_size: int, batch: int) -> None:
    labels = some_labels(50, 6)
    order = GroupOrder(labels, size, batch_size, seed=0)

    assert order.batch_size == len(order.batch(3)) == batch
    assert order.steps_per_epoch == 50 // batch
    for group in groups_of(order, size):
        assert labels[group].all(0).any()


def test_each_image_comes_about_once_per_epoch() -> None:
    order = GroupOrder(some_labels(60, 5), 2, 4, seed=1)

    drawn = Counter(groups_of(order, 2).ravel().tolist())
    assert len(drawn) >= 56
    assert max(drawn.values()) <= 3
    assert groups_of(order, 2).tolist() != groups_of(order, 2, epoch=1).tolist()


def test_no_image_is_left_out_for_good() -> None:
    """Images alone with their class make more groups than fit an epoch; over the epochs all have their turn."""
    order = GroupOrder(np.eye(12, dtype=bool), 2, 4, seed=0)

    drawn = Counter(np.concatenate([groups_of(order, 2, epoch) for epoch in range(30)]).ravel().tolist())
    assert len(drawn) == 12
    assert min(drawn.values()) > 10


def test_an_image_nobody_shares_a_class_with_is_its_own_partner() -> None:
    labels = np.array([[1, 0], [1, 0], [0, 1], [0, 0]], bool)
    order = GroupOrder(labels, 2, 8, seed=0)

    seen = {tuple(sorted(group)) for epoch in range(8) for group in groups_of(order, 2, epoch).tolist()}
    assert seen == {(0, 1), (2, 2), (3, 3)}


@pytest.mark.parametrize("images", [1, 3])
def test_fewer_images_than_a_batch_make_whole_groups(images: int) -> None:
    order = GroupOrder(np.ones((images, 2), bool), 2, 16, seed=0)

    assert order.steps_per_epoch == 1
    assert set(order.batch(0).tolist()) == set(range(images))
    assert len(order.batch(0)) % 2 == 0


def test_groups_depend_on_seed_and_step_only() -> None:
    labels = some_labels(30, 4)
    one, other = GroupOrder(labels, 2, 4, seed=1), GroupOrder(labels, 2, 4, seed=1)
    [other.batch(step) for step in range(20)]

    assert one.batch(9).tolist() == other.batch(9).tolist()
    assert one.batch(9).tolist() != GroupOrder(labels, 2, 4, seed=2).batch(9).tolist()
