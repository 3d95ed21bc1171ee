"""The pixels of a band are answered by their neighbours; all others stay."""

from __future__ import annotations

import numpy as np

from napari_wsss.pixels.pixel_walk import band, walked


def halves(at=20):
    mask = np.zeros((30, 40), np.uint8)
    mask[:, at:] = 3
    return mask


def test_a_band_lies_on_both_sides():
    np.testing.assert_array_equal(np.flatnonzero(band(halves(), 3)[0]), np.arange(17, 23))
    assert not band(np.ones((5, 5), np.uint8), 3).any()


def test_the_border_goes_to_the_edge_and_no_further():
    image = np.random.default_rng(0).integers(0, 10, (30, 40, 3), dtype=np.uint8)
    image[:, 23:] += 100
    mask = halves()
    free = band(mask, 6)
    found = walked(image, mask, free)
    np.testing.assert_array_equal(found, halves(23))
    kept = walked(image, mask, band(mask, 2))
    np.testing.assert_array_equal(kept[:, :18], 0)
    np.testing.assert_array_equal(kept[:, 22:], 3)


def test_thin_parts_do_not_vanish():
    image = np.full((30, 40, 3), 50, np.uint8)
    mask = np.zeros((30, 40), np.uint8)
    mask[14:17] = 1
    image[14:17] = 200
    np.testing.assert_array_equal(walked(image, mask, band(mask, 8)), mask)


def test_without_a_choice_nothing_changes():
    image = np.zeros((30, 40, 3), np.uint8)
    for mask in (np.zeros((30, 40), np.uint8), halves()):
        np.testing.assert_array_equal(walked(image, mask, np.zeros(mask.shape, bool)), mask)
    alone = np.full((1, 1), 5, np.uint8)
    assert walked(image[:1, :1], alone, alone > 0)[0, 0] == 5
