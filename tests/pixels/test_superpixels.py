"""Superpixels cover the image, follow its edges and do not grow in number with it."""

from __future__ import annotations

import numpy as np
import pytest

from napari_wsss.pixels.superpixels import MOST_PIXELS, PATCHES, find_superpixels


@pytest.fixture(scope="module")
def halves():
    image = np.random.default_rng(0).integers(0, 20, (301, 403, 3), dtype=np.uint8)
    image[:, 200:] += 180
    return image


def test_patches_follow_an_edge(halves):
    found = find_superpixels(halves)
    assert found.stride == 2
    assert found.numbers.size <= MOST_PIXELS
    assert np.array_equal(np.unique(found.numbers), np.arange(len(found.colours)))
    assert len(found.colours) < 2 * PATCHES
    left, right = np.unique(found.numbers[:, :99]), np.unique(found.numbers[:, 101:])
    assert not np.intersect1d(left, right).size


def test_cells_and_pixels_fit(halves):
    found = find_superpixels(halves)
    assert found.enlarged(found.numbers.astype(np.uint8)).shape == halves.shape[:2]
    plane = np.arange(301 * 403, dtype=np.float32).reshape(1, 301, 403)
    small = found.shrunk(plane)
    assert small.shape[1:] == found.numbers.shape
    assert small[0, 0, 0] == plane[0, :2, :2].mean()
    assert small[0, -1, -1] == plane[0, 300, 402]


@pytest.mark.parametrize("size", [(1, 1), (3, 50), (40, 40)])
def test_small_images_have_patches_too(size):
    found = find_superpixels(np.full((*size, 3), 7, np.uint8))
    assert found.numbers.shape == size
    assert len(found.colours) >= 1
