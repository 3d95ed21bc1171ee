"""What a click means in a mask, and what colours and maps answer."""

from __future__ import annotations

import numpy as np
import pytest

from napari_wsss.core.maps import ActivationMaps
from napari_wsss.pixels.clicks.pointing import Scene, answer_by_colour, is_near, pointed_at, region_meant, written
from napari_wsss.pixels.clicks.prompts import Click, Prompt, PromptBox
from napari_wsss.pixels.superpixels import find_superpixels

SIZE = 60, 80
LEFT, RIGHT = np.s_[10:40, 8:30], np.s_[15:35, 50:72]


@pytest.fixture(scope="module")
def pixels():
    found = np.random.default_rng(0).integers(20, 40, (*SIZE, 3), dtype=np.uint8)
    found[LEFT] += np.uint8(150)
    found[RIGHT] += np.array([180, 90, 0], np.uint8)
    return found


@pytest.fixture(scope="module")
def patches(pixels):
    return find_superpixels(pixels)


def mask(left=0, right=0):
    found = np.zeros(SIZE, np.uint8)
    found[LEFT], found[RIGHT] = left, right
    return found


def maps(background=None):
    scores = np.full((2, *SIZE), 0.05, np.float32)
    scores[0][LEFT], scores[1][RIGHT] = 0.9, 0.9
    return ActivationMaps(scores, (0, 4), background)


def scene(pixels, value=1, before=None, **more):
    return Scene(pixels, value, mask() if before is None else before, np.zeros(SIZE, bool), **more)


def test_a_click_means_the_region_under_it_or_near_it(pixels):
    before = mask(1, 1)
    assert region_meant(before, 1, Click(20, 15)).sum() == (before[LEFT] > 0).sum()
    near = region_meant(before, 1, Click(20, 47))
    assert near[RIGHT].all()
    assert not near[LEFT].any()
    assert region_meant(before, 1, Click(58, 2)) is None
    assert region_meant(before, 2, Click(20, 15)) is None
    assert not is_near(np.zeros(SIZE, bool), Click(0, 0))


def test_a_thing_gives_up_what_it_lost_and_a_person_keeps_theirs(pixels):
    drawn = scene(pixels, before=mask(1), maps=maps())
    drawn.person[12, 10] = drawn.person[0, 0] = True
    region = np.zeros(SIZE, bool)
    region[RIGHT] = region[0, 0] = True
    found = written(drawn, region, drawn.before == 1)
    assert (found[RIGHT] == 1).all()
    assert found[12, 10] == 1
    assert found[0, 0] == 0
    assert found[LEFT].sum() == 1


def test_what_is_not_the_class_is_what_the_maps_expect_else(pixels):
    asked = scene(pixels, 1, mask(1, 1), maps=maps())
    rest = asked.otherwise()
    assert (rest[RIGHT] == 5).all()
    assert (rest[LEFT] == 0).all()
    assert (scene(pixels, 5, mask(1, 1)).otherwise() == mask(1, 1)).all()


def test_the_share_follows_the_maps_own_background(pixels):
    assert scene(pixels).share() is None
    assert scene(pixels, 3, maps=maps()).share() is None
    plain = scene(pixels, maps=maps()).share()
    doubted = scene(pixels, maps=maps(np.full(SIZE, 0.9, np.float32))).share()
    assert plain[LEFT].min() > 0.8
    assert np.allclose(doubted[LEFT], 0.9 / 1.85)
    assert scene(pixels, maps=maps()).coarse_share().shape == SIZE


@pytest.mark.parametrize("known", [None, maps()], ids=["colours", "maps"])
def test_one_click_takes_the_thing_and_leaves_the_rest(pixels, patches, known):
    found = answer_by_colour(scene(pixels, maps=known), Prompt((Click(25, 18),)), patches)
    assert (found[LEFT] == 1).mean() > 0.95
    assert not found[RIGHT].any()


def test_clicks_beside_the_thing_take_away(pixels, patches):
    before = mask(1, 1)
    before[42:55, 10:60] = 1  # leaked
    asked = scene(pixels, before=before, maps=maps())
    found = answer_by_colour(asked, Prompt((Click(48, 30, is_thing=False),)), patches)
    assert (found[42:55, 14:56] == 1).mean() < 0.1
    assert (found[RIGHT] == 1).mean() > 0.9


def test_a_box_changes_nothing_outside(pixels, patches):
    box = PromptBox(12, 45, 38, 76)
    found = answer_by_colour(scene(pixels, 5, mask(1), maps=maps()), Prompt(box=box), patches)
    assert (found[RIGHT] == 5).mean() > 0.95
    assert (found[~box.inside(SIZE)] == mask(1)[~box.inside(SIZE)]).all()
    assert pointed_at(found, 5, Prompt(box=box))[RIGHT].mean() > 0.95
    assert not pointed_at(found, 1, Prompt(box=box)).any()
