from __future__ import annotations

import numpy as np
import pytest

from training.economy.things import (
    agreement,
    clicks_in,
    clicks_of,
    deepest,
    largest_error,
    largest_error_region,
    things,
)


def scene() -> np.ndarray:
    """Return two cats (1), a dog (3) with a speck of its own, and a void border."""
    mask = np.zeros((40, 60), np.uint8)
    mask[5:15, 5:15] = mask[20:35, 5:15] = 1
    mask[10:30, 30:50] = 3
    mask[38, 58] = 3
    mask[:, 59] = 255
    return mask


def test_things_are_the_parts_of_a_class_without_specks() -> None:
    found = [(value, int(region.sum())) for value, region in things(scene())]
    assert found == [(1, 100), (1, 150), (3, 400)]


def test_a_class_that_is_a_speck_only_is_still_a_thing() -> None:
    mask = np.zeros((40, 60), np.uint8)
    mask[3, 3] = 2
    assert [(value, int(region.sum())) for value, region in things(mask)] == [(2, 1)]


def test_many_small_parts_of_a_kind_are_things_each() -> None:
    mask = np.zeros((100, 100), np.uint8)
    for place in range(5, 95, 15):
        mask[place : place + 6, 5:11] = mask[place : place + 6, 60:66] = 1
    mask[0, 99] = 1
    assert [int(region.sum()) for _, region in things(mask)] == [36] * 12


def test_the_deepest_point_is_in_the_middle() -> None:
    row, column, depth = deepest(scene() == 3)
    assert abs(row - 19.5) <= 1
    assert abs(column - 39.5) <= 1
    assert depth == 10


def test_clicks_lie_in_what_they_say_and_apart() -> None:
    mask = scene()
    clicks = clicks_of(mask, 3)
    assert all(mask[click.row, click.column] == click.value for click in clicks)
    assert {click.value for click in clicks} == {0, 1, 3}
    assert len(clicks) == 12
    first, second = clicks_in(mask == 3, 3, 2)
    assert np.hypot(first.row - second.row, first.column - second.column) > 3
    assert clicks_in(np.zeros((4, 4), bool), 1, 3) == []


@pytest.mark.parametrize(("wrong", "value"), [((slice(10, 30), slice(30, 50)), 3), ((slice(0, 4), slice(0, 50)), 0)])
def test_the_robot_clicks_where_the_largest_error_is(wrong: tuple[slice, slice], value: int) -> None:
    mask = scene()
    proposal = mask.copy()
    proposal[wrong] = 0 if value else 1
    proposal[20, 20] = 3  # a small one
    click = largest_error(mask, proposal)
    assert click is not None
    assert click.value == mask[click.row, click.column] == value
    assert proposal[click.row, click.column] != value


def test_void_is_no_error() -> None:
    mask = scene()
    proposal = np.where(mask == 255, 0, mask).astype(np.uint8)
    assert largest_error(mask, proposal) is None
    assert largest_error_region(mask, proposal) is None


def test_agreement_is_the_mean_over_the_classes_that_are_there() -> None:
    mask = scene()
    assert agreement(mask, mask) == 1
    half = mask.copy()
    half[10:20, 30:50] = 0  # of the dog, whose speck stays
    assert agreement(mask, half) == pytest.approx((1 + 201 / 401) / 2)
    assert agreement(mask, np.where(mask == 255, 1, mask)) == 1
    empty = np.zeros((4, 4), np.uint8)
    assert agreement(empty, np.eye(4, dtype=np.uint8)) == 0.75
