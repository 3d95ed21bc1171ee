from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from napari_wsss.core.maps import ActivationMaps
from training.pixel_learner.doubts import WEIGHT, all_doubted, doubted, lessened
from training.pixel_learner.examples import Example

SIZE = (3, 4)


def clicked() -> Example:
    """Return an image with one pixel of class 0, one of background, and nothing else known."""
    values, weights = np.full(SIZE, 255, np.uint8), np.zeros(SIZE, np.float32)
    values[0, 0], values[2, 3] = 1, 0
    weights[0, 0] = weights[2, 3] = 1
    return Example("a.png", (0, 1), values, weights)


def sure_of(value: int) -> ActivationMaps:
    """Return probabilities of background and two classes, nearly all of them of one value."""
    planes = np.full((3, *SIZE), 0.05, np.float32)
    planes[value] = 0.9
    return ActivationMaps(planes[1:], (0, 1), planes[0])


@pytest.mark.parametrize(
    ("learner", "maps", "at"),
    [
        (0, 0, [(0, 0)]),  # both say background where class 0 was clicked
        (1, 1, [(2, 3)]),
        (2, 2, [(0, 0), (2, 3)]),
        (0, 1, []),  # the maps stand by the click
        (1, 0, []),
    ],
)
def test_only_what_both_contradict_is_doubted(learner: int, maps: int, at: list[tuple[int, int]]) -> None:
    found = doubted(clicked(), sure_of(learner), sure_of(maps), (0, 1, 2))
    assert list(zip(*map(list, np.nonzero(found)), strict=True)) == at


def test_maps_need_not_sum_to_one() -> None:
    loud = sure_of(1).with_scores(sure_of(1).scores * 0.2, np.full(SIZE, 0.02, np.float32))
    assert not doubted(clicked(), sure_of(0), loud, (0, 1, 2))[0, 0]


def test_nothing_is_said_of_values_nobody_showed_or_that_are_no_label() -> None:
    assert not doubted(clicked(), sure_of(0), sure_of(0), (0, 2)).any()
    other = sure_of(0).only((1,))
    assert not doubted(clicked(), other, sure_of(0), (0, 1, 2)).any()


def test_a_decision_about_a_whole_image_is_never_doubted() -> None:
    assert not doubted(replace(clicked(), whole=True), sure_of(2), sure_of(2), (0, 1, 2)).any()


def test_what_is_doubted_counts_less() -> None:
    found = doubted(clicked(), sure_of(0), sure_of(0), (0, 1, 2))
    weights = lessened(clicked(), found).weights
    assert weights.dtype == np.float32
    assert (weights[0, 0], weights[2, 3], weights.sum()) == (WEIGHT, 1, WEIGHT + 1)


def test_images_without_maps_and_whole_ones_are_not_asked_about() -> None:
    known = [clicked(), replace(clicked(), image_id="b.png"), replace(clicked(), image_id="c.png", whole=True)]
    maps = {"a.png": sure_of(0), "c.png": sure_of(0)}
    found = all_doubted([(example, sure_of(0), (0, 1)) for example in known], maps.get, 0.4)
    assert list(found) == ["a.png"]
    np.testing.assert_array_equal(found["a.png"], doubted(known[0], sure_of(0), sure_of(0), (0, 1)))


def test_maps_without_a_background_get_one() -> None:
    weak = sure_of(1).with_scores(np.full((2, *SIZE), 0.3, np.float32), None)
    for background, is_doubted in ((0.1, False), (2.0, True)):  # a share of 0.43 and of 0.12
        found = all_doubted([(clicked(), sure_of(0), (0, 1))], lambda _: weak, background)
        assert found["a.png"][0, 0] == is_doubted
