"""Scribbles are kept exactly, reach what is alike and near, and no class is more equal than another."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_wsss.core.maps import ActivationMaps
from napari_wsss.pixels.propagate import around_scribbles, blended, prior_of, prior_of_mask, propagate
from napari_wsss.pixels.superpixels import find_superpixels

SIZE = (96, 128)


def two_things(seed=0):
    """Return a picture of a red and a green square on noise, and its exact mask."""
    image = np.random.default_rng(seed).integers(60, 100, (*SIZE, 3), dtype=np.uint8)
    mask = np.zeros(SIZE, np.uint8)
    mask[20:70, 15:55], mask[30:80, 75:115] = 1, 2
    image[mask == 1, 0] += 120
    image[mask == 2, 1] += 120
    return image, mask


@pytest.fixture(scope="module")
def things():
    image, mask = two_things()
    return image, mask, find_superpixels(image)


def scribbled(*strokes):
    seeds, seeded = np.zeros(SIZE, np.uint8), np.zeros(SIZE, bool)
    for value, rows, columns in strokes:
        seeds[rows, columns], seeded[rows, columns] = value, True
    return seeds, seeded


ONE = (1, slice(40, 42), slice(25, 45))
TWO = (2, slice(50, 52), slice(85, 105))
NONE = (0, slice(5, 7), slice(10, 120))


def share_right(found, mask):
    return np.mean(found == mask)


def test_a_stroke_on_each_thing_is_enough(things):
    image, mask, patches = things
    assert share_right(propagate(image, patches, *scribbled(ONE, TWO, NONE)), mask) > 0.99
    assert share_right(propagate(image, patches, *scribbled(ONE, TWO)), mask) > 0.98  # none on background


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_seeds_are_kept_in_every_pixel_and_nothing_else_appears(things, seed):
    image, _, patches = things
    random = np.random.default_rng(seed)
    seeds = random.choice(np.array([0, 1, 2, 255], np.uint8), SIZE)
    seeded = random.random(SIZE) < random.choice([0.001, 0.05, 0.5])
    found = propagate(image, patches, seeds, seeded)
    np.testing.assert_array_equal(found[seeded], seeds[seeded])
    assert set(np.unique(found)) <= {0, *np.unique(seeds[seeded])}


def test_exchanging_classes_exchanges_the_result(things):
    image, _, patches = things
    maps = ActivationMaps(np.random.default_rng(1).random((2, *SIZE), dtype=np.float32), (0, 1))
    turned = ActivationMaps(maps.scores[::-1].copy(), (0, 1))
    there = propagate(image, patches, *scribbled(ONE, TWO), prior_of(maps, 0.3))
    other = [(3 - value, rows, columns) for value, rows, columns in (ONE, TWO)]
    back = propagate(image, patches, *scribbled(*other), prior_of(turned, 0.3))
    np.testing.assert_array_equal(np.array([0, 2, 1], np.uint8)[there], back)


def test_on_one_colour_the_nearer_scribble_wins():
    image = np.full((*SIZE, 3), 120, np.uint8)
    left, right = (1, slice(20, 76), slice(20, 22)), (2, slice(20, 76), slice(106, 108))
    found = propagate(image, find_superpixels(image), *scribbled(left, right))
    assert (found[30:66, :60] == 1).all()
    assert (found[30:66, 70:] == 2).all()


def test_more_scribbles_never_lose_their_own_pixels(things):
    image, _, patches = things
    seeds, seeded = scribbled(ONE, TWO, NONE)
    for value, row in ((2, 40), (1, 60), (255, 10)):
        seeds[row, 10:120], seeded[row, 10:120] = value, True
        found = propagate(image, patches, seeds, seeded)
        np.testing.assert_array_equal(found[seeded], seeds[seeded])


def test_maps_name_what_nobody_scribbled(things):
    image, mask, patches = things
    maps = ActivationMaps(np.stack([mask == 1, mask == 2]).astype(np.float32) * np.float32(0.8), (0, 1))
    believed = propagate(image, patches, *scribbled(ONE), prior_of(maps, 0.4), strength=1.0)
    assert share_right(believed, mask) > 0.98
    alone = propagate(image, patches, *scribbled(ONE, NONE), prior_of(maps, 0.4), strength=0.0)
    assert np.mean(alone[mask == 2] == 2) < 0.5
    corrected = propagate(image, patches, *scribbled((1, *TWO[1:])), prior_of(maps, 0.4))
    assert np.mean(corrected[mask == 2] == 1) > 0.95  # the maps have the wrong class
    outside = propagate(image, patches, *scribbled((3, *TWO[1:])), prior_of(maps, 0.4, extra=(3,)))
    assert np.mean(outside[mask == 2] == 3) > 0.95  # a class without a label, said by hand


def test_priors_are_shares():
    maps = ActivationMaps(np.full((1, 4, 4), 0.5, np.float32), (2,))
    prior = prior_of(maps, 0.5, extra=(7,))
    assert prior.values == (0, 3, 7)
    np.testing.assert_allclose(prior.scores[:, 0, 0], [0.25, 0.25, 0.125])
    mask = np.zeros((4, 4), np.uint8)
    mask[0] = 5
    both = blended(prior, prior_of_mask(mask))
    assert both.values == (0, 3, 5, 7)
    np.testing.assert_allclose(both.scores.sum(0), 1, rtol=1e-5)
    assert both.scores[2, 0, 0] == 0.5


def test_only_what_hangs_together_with_a_scribble_is_taken():
    before = np.zeros((20, 20), np.uint8)
    before[12:18, 2:8] = 2
    before[12:18, 12:18] = 2
    found = np.zeros((20, 20), np.uint8)
    found[2:8, 2:8] = found[2:8, 12:18] = 1
    touched = np.zeros((20, 20), bool)
    touched[4, 4] = True  # of 1, in the left one
    touched[14, 4] = True  # of background, in the left 2
    result = around_scribbles(found, before, touched)
    assert (result[2:8, 2:8] == 1).all()
    assert (result[2:8, 12:18] == 0).all()
    assert (result[12:18, 2:8] == 0).all()
    assert (result[12:18, 12:18] == 2).all()
    before[2:8, 2:10] = before[0:2, 15:18] = 1  # too wide, and another one of the class
    result = around_scribbles(found, before, touched)
    assert (result[2:8, 8:10] == 0).all()
    assert (result[0:2, 15:18] == 1).all()


def test_a_large_picture_is_answered_at_its_size():
    image = np.zeros((700, 900, 3), np.uint8)
    image[:, 450:] = 200
    seeds, seeded = np.zeros(image.shape[:2], np.uint8), np.zeros(image.shape[:2], bool)
    seeds[300, 100], seeds[300, 700] = 1, 2
    seeded[300, (100, 700)] = True
    found = propagate(image, find_superpixels(image), seeds, seeded)
    np.testing.assert_array_equal(found, np.where(image[..., 0] > 0, 2, 1))
