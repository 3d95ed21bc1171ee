"""The wand reaches as far as the tolerance says, and never across a gap."""

from __future__ import annotations

import numpy as np

from napari_wsss.pixels.clicks.wand import alike, colour_distances


def test_more_tolerance_reaches_more_and_gaps_stop_it():
    pixels = np.zeros((10, 30, 3), np.uint8)
    pixels[:, 10:20] = 30
    pixels[:, 25:] = 10
    distances = colour_distances(pixels, 5, 5)
    assert np.allclose(distances[:, :10], 0)
    assert np.allclose(distances[:, 10:20], 30)
    few, more = alike(distances, 5, 5, 15), alike(distances, 5, 5, 35)
    assert few.sum() == 100
    assert more.all()
    assert alike(distances, 5, 12, 0).sum() == 1


def test_one_noisy_pixel_decides_nothing():
    pixels = np.full((9, 9, 3), 100, np.uint8)
    pixels[4, 4] = 145
    assert alike(colour_distances(pixels, 4, 4), 4, 4, 6).sum() == 81
