"""Boxes lie in the image, hold what they were made for, and come strongest first."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_wsss.pixels.regions import Box, peak_region, strongest_regions


def field(shape, *spots):
    values = np.zeros(shape, np.float32)
    for rows, columns, value in spots:
        values[rows, columns] = value
    return values


def test_the_largest_sum_comes_first():
    values = field((120, 160), (np.s_[10:20], np.s_[10:30], 1.0), (np.s_[90:96], np.s_[130:140], 1.0))
    first, second = strongest_regions(values)
    assert first.holds(15, 20)
    assert second.holds(93, 135)
    assert first.mass > second.mass


def test_a_ring_is_looked_at_piece_by_piece():
    rows, columns = np.ogrid[:300, :300]
    away = np.hypot(rows - 150, columns - 150)
    boxes = strongest_regions(np.where(abs(away - 120) < 6, np.float32(1), np.float32(0)))
    assert len(boxes) >= 4
    assert all(max(box.size) <= 102 for box in boxes)


def test_nothing_unsure_is_no_region():
    assert strongest_regions(np.zeros((40, 50), np.float32)) == ()
    assert strongest_regions(np.zeros((0, 0), np.float32)) == ()
    assert peak_region(np.zeros((40, 50), np.float32)) is None


def test_the_peak_is_the_part_with_the_maximum():
    values = field((100, 100), (np.s_[20:40], np.s_[20:40], 0.6), (np.s_[70:80], np.s_[60:90], 1.0))
    box = peak_region(values)
    assert box.holds(75, 75)
    assert not box.holds(30, 30)


@pytest.mark.parametrize("shape", [(1, 1), (3, 400), (700, 900)])
def test_any_size_of_image_has_its_box(shape):
    box = peak_region(np.ones(shape, np.float32))
    assert (box.top, box.left, box.bottom, box.right) == (0, 0, *shape)


@given(st.integers(1, 60), st.integers(1, 60), st.integers(0, 10_000))
@settings(max_examples=40, deadline=None)
def test_boxes_stay_in_the_image(height, width, seed):
    values = np.random.default_rng(seed).random((height, width), np.float32) ** 4
    for box in strongest_regions(values):
        assert 0 <= box.top < box.bottom <= height
        assert 0 <= box.left < box.right <= width


def test_a_box_knows_its_middle():
    box = Box(2, 4, 6, 10)
    assert box.size == (4, 6)
    assert box.centre == (3.5, 6.5)
    assert not box.holds(6, 5)
