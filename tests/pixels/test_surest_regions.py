"""A labelled class stays in a proposal by its surest region."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_wsss.core.maps import ActivationMaps
from napari_wsss.pixels.surest_regions import LEAST, SURE, SurestRegions

SIZE = (20, 30)


def bumps(*centres: tuple[int, int], width: float = 5.0, classes: tuple[int, ...] = (0, 2)) -> ActivationMaps:
    """Return one map per centre that falls off with the distance from it."""
    rows, columns = np.mgrid[: SIZE[0], : SIZE[1]]
    maps = [np.exp(-((rows - y) ** 2 + (columns - x) ** 2) / (2 * width**2)) for y, x in centres]
    return ActivationMaps(np.asarray(maps, np.float32), classes[: len(maps)])


def test_a_mask_with_every_class_stays_the_very_same() -> None:
    maps = bumps((5, 5), (14, 22))
    mask = maps.to_mask(0.3)
    found = SurestRegions(maps).kept_in(mask)
    assert found.mask is mask
    assert found.doubtful == ()


def test_a_missing_class_gets_what_it_scores_near_its_maximum() -> None:
    maps = bumps((5, 5), (14, 22))
    faint = maps.with_scores(maps.scores * np.asarray([1, 0.01], np.float32)[:, None, None])
    mask = faint.to_mask(0.3)
    found = SurestRegions(faint).kept_in(mask)
    assert found.doubtful == (2,)
    np.testing.assert_array_equal(found.mask == 3, maps.scores[1] >= SURE)
    np.testing.assert_array_equal(found.mask == 1, mask == 1)
    assert not (mask == 3).any(), "the mask that was given stays as it is"


def test_only_what_is_connected_with_the_maximum_counts() -> None:
    one, other = bumps((5, 5)).scores[0], bumps((14, 24)).scores[0]
    maps = ActivationMaps(np.maximum(one, 0.9 * other)[None], (4,))
    found = SurestRegions(maps).kept_in(np.zeros(SIZE, np.uint8)).mask == 5
    assert found[5, 5]
    assert not found[14, 24]


def test_a_class_that_covers_the_picture_is_taken_back() -> None:
    maps = bumps((5, 5))
    found = SurestRegions(maps).kept_in(np.ones(SIZE, np.uint8))
    assert found.doubtful == (0,)
    np.testing.assert_array_equal(found.mask > 0, maps.scores[0] >= SURE)


def test_where_classes_may_cover_the_picture_they_do() -> None:
    mask = np.ones(SIZE, np.uint8)
    assert SurestRegions(bumps((5, 5)), may_cover=True).kept_in(mask).mask is mask


def test_a_few_pixels_are_as_good_as_none() -> None:
    scores = np.zeros((1, 100, 100), np.float32)
    scores[0, 40:60, 40:60] = 0.2
    mask = np.zeros((100, 100), np.uint8)
    mask.flat[: round(LEAST * mask.size) - 1] = 1
    assert SurestRegions(ActivationMaps(scores, (0,))).kept_in(mask).doubtful == (0,)
    mask.flat[: round(LEAST * mask.size)] = 1
    assert SurestRegions(ActivationMaps(scores, (0,))).kept_in(mask).doubtful == ()


def test_a_missing_class_leaves_another_one_what_that_is_surer_of() -> None:
    maps = bumps((10, 10), (10, 14))
    mask = np.where(maps.scores[0] > 0.3, np.uint8(1), np.uint8(0))
    found = SurestRegions(maps).kept_in(mask).mask
    assert found[10, 10] == 1
    assert found[10, 14] == 3


@pytest.mark.parametrize("maps", [ActivationMaps.empty(*SIZE), ActivationMaps(np.zeros((1, *SIZE), np.float32), (0,))])
def test_where_nothing_is_known_nothing_is_kept_and_what_is_missing_is_in_doubt(maps: ActivationMaps) -> None:
    mask = np.zeros(SIZE, np.uint8)
    found = SurestRegions(maps).kept_in(mask)
    assert found.mask is mask
    assert found.doubtful == maps.classes


def test_a_class_without_a_map_is_in_doubt_beside_one_that_is_put_back() -> None:
    known = bumps((5, 5), classes=(0,))
    maps = ActivationMaps(np.concatenate([known.scores, np.zeros((1, *SIZE), np.float32)]), (0, 2))
    assert SurestRegions(maps).kept_in(maps.to_mask(1.0)).doubtful == (0, 2)
    assert SurestRegions(maps).kept_in(maps.to_mask(0.3)).doubtful == (2,)


@given(st.integers(0, 1000), st.integers(1, 5), st.floats(0, 1))
@settings(max_examples=60, deadline=None)
def test_no_labelled_class_vanishes(seed: int, classes: int, threshold: float) -> None:
    scores = np.random.default_rng(seed).random((classes, 12, 15), dtype=np.float32)
    scores *= np.linspace(0.01, 1, classes, dtype=np.float32)[:, None, None]
    maps = ActivationMaps(scores, tuple(range(1, 1 + classes)))
    mask = maps.to_mask(threshold)
    found = SurestRegions(maps).kept_in(mask)
    gone = {k for k in maps.classes if not (mask == k + 1).any()}
    assert {int(value) - 1 for value in np.unique(found.mask)} >= set(maps.classes)
    assert gone <= set(found.doubtful)


def test_of_two_equal_maps_both_classes_stay() -> None:
    maps = bumps((5, 5), (5, 5))
    found = SurestRegions(maps).kept_in(maps.to_mask(0.3))
    assert set(np.unique(found.mask)) == {0, 1, 3}
    assert found.doubtful == (2,)
