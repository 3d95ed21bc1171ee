"""Clean-up tools: what they change, and that they change nothing else."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_wsss.pixels.cleanup import CleanUp, changed_regions, clean, drop_small, fill_holes, smooth, snap

MASKS = st.integers(0, 2**32 - 1).map(
    lambda seed: np.random.default_rng(seed).choice(np.array([0, 0, 1, 2, 255], np.uint8), (13, 17))
)


def plain(shape=(20, 30)):
    return np.zeros(shape, np.uint8)


@pytest.fixture
def square():
    """Return a red square on grey, and a mask of it that is two pixels too small."""
    image = np.full((40, 40, 3), 90, np.uint8)
    image[10:30, 10:30] = (200, 40, 40)
    mask = plain((40, 40))
    mask[12:28, 12:28] = 1
    return image, mask


@settings(max_examples=25, deadline=None)
@given(MASKS, st.integers(1, 30))
def test_regions_and_holes_are_found_once_and_for_all(mask, size):
    for tool in (drop_small, fill_holes):
        for only in (None, 1):
            found = tool(mask, size, only)
            np.testing.assert_array_equal(tool(found, size, only), found)
            assert set(np.unique(found)) <= set(np.unique(mask))


@settings(max_examples=15, deadline=None)
@given(MASKS, st.integers(1, 3))
def test_no_tool_brings_a_new_value_or_leaves_the_class(mask, radius):
    image = np.random.default_rng(0).integers(0, 255, (*mask.shape, 3), dtype=np.uint8)
    steps = CleanUp(snap=radius, smooth=radius, hole=5 * radius, smallest=4 * radius)
    found = clean(image, mask, steps, only=2)
    assert set(np.unique(found)) <= set(np.unique(mask))
    changed = found != mask
    assert np.all((mask[changed] == 2) | (found[changed] == 2))


def test_small_regions_become_what_surrounds_them():
    mask = plain()
    mask[5:15, 5:15] = 1
    mask[8:10, 8:10] = 2  # inside 1
    mask[0, 25] = 2  # on background
    found = drop_small(mask, 5)
    assert set(np.unique(found)) == {0, 1}
    assert found[8, 8] == 1
    assert found[0, 25] == 0
    np.testing.assert_array_equal(drop_small(mask, 5, only=1), mask)


def test_holes_are_enclosed_background():
    mask = plain()
    mask[5:15, 5:15] = 1
    mask[7:9, 7:9] = 0  # a hole
    mask[5, 10] = 0  # a notch: open to the outside
    found = fill_holes(mask, 4)
    assert found[7, 7] == 1
    assert found[5, 10] == 0
    np.testing.assert_array_equal(fill_holes(mask, 3), mask)
    np.testing.assert_array_equal(fill_holes(mask, 4, only=2), mask)


def test_smoothing_levels_spurs_and_leaves_far_pixels():
    mask = plain((40, 40))
    mask[:, 20:] = 1
    mask[15, 14:20] = 1  # a spur
    found = smooth(mask, 4)
    assert found[15, 14] == 0
    np.testing.assert_array_equal(found[:, :10], 0)
    np.testing.assert_array_equal(found[:, 26:], 1)
    np.testing.assert_array_equal(found[30:, :], mask[30:, :])


def test_snapping_finds_the_edge_and_leaves_far_pixels(square):
    image, mask = square
    found = snap(image, mask, 5)
    np.testing.assert_array_equal(found, (image[..., 0] == 200).astype(np.uint8))
    np.testing.assert_array_equal(snap(image, found, 5), found)
    image[:, :] = 90  # no edge at all: the border stays near where it was
    assert np.count_nonzero(snap(image, mask, 3) != mask) < 40


def test_protected_pixels_stay(square):
    image, mask = square
    protected = np.zeros(mask.shape, bool)
    protected[:20] = True
    found = clean(image, mask, CleanUp(snap=5), protected=protected)
    np.testing.assert_array_equal(found[:20], mask[:20])
    assert np.any(found[20:] != mask[20:])


def test_changes_are_counted():
    before, after = plain(), plain()
    after[2:4, 2:4] = after[10, 10] = 1
    assert changed_regions(before, after) == (5, 2)
    assert changed_regions(before, before) == (0, 0)
    assert not CleanUp().does_anything
    np.testing.assert_array_equal(clean(np.zeros((20, 30, 3), np.uint8), after, CleanUp()), after)
