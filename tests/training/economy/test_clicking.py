"""The robot clicks where the mask of its thing is most wrong, and counts until it is right."""

from __future__ import annotations

import numpy as np
import pytest

from napari_wsss.pixels.clicks.pointing import Scene
from napari_wsss.pixels.clicks.prompts import Click
from training.economy.clicking import ByColour, clicks_until, errors, next_click, overlaps, targets_in

THING, OTHER = np.s_[5:25, 5:25], np.s_[30:38, 30:38]


@pytest.fixture
def truth():
    found = np.zeros((40, 40), np.uint8)
    found[THING] = found[OTHER] = 2
    found[25, 5:25] = 255
    return found


@pytest.fixture
def target(truth):
    return targets_in("a.png", truth, (2,), most=1, least=0.01)[0]


def test_the_largest_things_of_the_classes_come_first(truth):
    assert [int(one.region.sum()) for one in targets_in("a", truth, (1, 2), 5, 0.01)] == [400, 64]
    assert len(targets_in("a", truth, (2,), 5, 0.1)) == 1
    assert not targets_in("a", truth, (1,), 5, 0.01)


def test_other_things_and_ignored_pixels_are_no_errors(target, truth):
    mask = np.where(truth == 255, np.uint8(2), np.uint8(0))
    mask[THING] = 2
    mask[0:2, 30:40] = 2  # of the class, but nowhere near the thing
    assert errors(target, mask)[0] == 1
    assert next_click(target, mask) == (1.0, None)


def test_the_next_click_is_deepest_in_the_largest_error(target):
    mask = np.zeros((40, 40), np.uint8)
    overlap, click = next_click(target, mask)
    assert overlap == 0
    assert click.is_thing
    assert abs(click.row - 14.5) < 1
    assert abs(click.column - 14.5) < 1
    mask[THING] = 2
    mask[5:25, 25:32] = 2
    overlap, click = next_click(target, mask)
    assert overlap == pytest.approx(400 / 540)
    assert not click.is_thing
    assert 25 <= click.column < 32


def test_clicks_are_counted_until_it_is_enough(target, truth):
    pixels = np.full((40, 40, 3), 40, np.uint8)
    pixels[truth == 2] = (200, 60, 60)
    empty, nobody = np.zeros((40, 40), np.uint8), np.zeros((40, 40), bool)
    found = overlaps(target, empty, ByColour(Scene(pixels, 2, empty, nobody)))
    assert found[0] == 0
    assert found[-1] > 0.9
    assert clicks_until(found, 0.9) == len(found) - 1
    assert clicks_until([0.1, 0.5], 0.9) == 20

    class Deaf:
        def clicked(self, click: Click) -> np.ndarray:
            return empty

    assert len(overlaps(target, empty, Deaf(), most=3)) == 4
