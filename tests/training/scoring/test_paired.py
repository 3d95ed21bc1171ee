from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from napari_wsss.core.errors import LabelError
from training.scoring.paired import Case, Paired

NAMES = ("background", "cat", "dog")
SIZE = (12, 12)


def truth_of(random: np.random.Generator) -> np.ndarray:
    return random.integers(0, 3, SIZE).astype(np.uint8)


def spoilt(mask: np.ndarray, share: float, random: np.random.Generator) -> np.ndarray:
    """Return a mask in which so many pixels are another value."""
    return np.where(random.random(mask.shape) < share, (mask + 1) % 3, mask).astype(np.uint8)


def cases(count: int, candidate: float, present: float, seed: int = 0) -> list[Case]:
    """Return cases whose masks are spoilt by about these shares, differently from image to image."""
    random = np.random.default_rng(seed)
    found = []
    for _ in range(count):
        truth, luck = truth_of(random), random.uniform(0.5, 1.5)
        masks = spoilt(truth, candidate * luck, random), spoilt(truth, present * luck, random)
        found.append(Case(truth, (0, 1), masks))
    return found


def test_equal_masks_differ_in_nothing() -> None:
    same = Paired.of(NAMES, (Case(one.truth, one.labels, (one.masks[0],) * 2) for one in cases(20, 0.3, 0.3)))
    assert (same.chance == 1).all()
    np.testing.assert_array_equal(same.iou[0], same.iou[1])


def test_iou_is_that_of_all_pixels_together() -> None:
    found = cases(3, 0.2, 0.4)
    truth = np.stack([one.truth for one in found])
    scores = Paired.of(NAMES, found)
    for side, k in product(range(2), range(3)):
        mask = np.stack([one.masks[side] for one in found])
        expected = ((mask == k) & (truth == k)).sum() / ((mask == k) | (truth == k)).sum()
        assert scores.iou[side, k] == pytest.approx(expected)
    assert scores.mean_iou[0] == pytest.approx(scores.iou[0].mean())


@pytest.mark.parametrize("count", [8, 40])
def test_a_plain_difference_is_beyond_chance_and_trading_sides_changes_its_sign_only(count: int) -> None:
    found = cases(count, 0.1, 0.5)
    there = Paired.of(NAMES, found)
    back = Paired.of(NAMES, (Case(one.truth, one.labels, one.masks[::-1]) for one in found))
    assert (there.chance < 0.01).all()
    assert (there.iou[0] > there.iou[1]).all()
    np.testing.assert_allclose(there.chance, back.chance)
    np.testing.assert_allclose(there.iou, back.iou[::-1])


def test_few_images_are_never_enough_however_clear_they_are() -> None:
    assert (Paired.of(NAMES, cases(5, 0.0, 0.8)).chance > 0.05).all()
    assert (Paired.of(NAMES, cases(6, 0.0, 0.8)).chance < 0.05).all()


@pytest.mark.parametrize("count", [8, 20])
def test_sources_that_are_equally_good_are_seldom_said_to_differ(count: int) -> None:
    """The share of p below 5 % among equals is 5 %; within what 150 draws of three values allow."""
    p = np.stack([Paired.of(NAMES, cases(count, 0.3, 0.3, seed)).chance for seed in range(150)])
    assert (p[:, 3] < 0.05).mean() < 0.1
    assert 0.01 < (p[:, :3] < 0.05).mean() < 0.08


def test_unknown_pixels_do_not_count_and_undecided_ones_are_wrong() -> None:
    truth = np.array([[1, 1, 255, 0]], np.uint8)
    scores = Paired.of(NAMES, [Case(truth, (0,), (np.array([[1, 255, 2, 0]], np.uint8), truth))])
    np.testing.assert_array_equal(scores.iou, [[1, 0.5, np.nan], [1, 1, np.nan]])
    np.testing.assert_array_equal(scores.images, [1, 1, 0])
    np.testing.assert_array_equal(scores.vanished, [[False] * 3] * 2)


def test_a_class_that_is_labelled_and_never_shown_has_vanished() -> None:
    truth = np.full((2, 2), 255, np.uint8)
    truth[0, 0] = 0
    empty, with_dog = np.zeros((2, 2), np.uint8), np.array([[0, 0], [0, 2]], np.uint8)
    scores = Paired.of(NAMES, [Case(truth, (1,), (empty, with_dog))] * 2)
    np.testing.assert_array_equal(scores.vanished, [[False, False, True], [False] * 3])


def test_as_many_classes_as_a_mask_can_hold() -> None:
    names = tuple(map(str, range(255)))
    truth = np.array([[254, 0]], np.uint8)
    scores = Paired.of(names, [Case(truth, (253,), (np.array([[255, 0]], np.uint8), truth))])
    assert scores.iou[0, 254] == 0
    assert scores.iou[1, 254] == 1


def test_nothing_to_compare_on_is_said() -> None:
    with pytest.raises(LabelError, match="at least one"):
        Paired.of(NAMES, [])
