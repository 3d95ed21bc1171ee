"""Deep samples are scaled with one range and a sentence; whole files of every format are in `test_images`."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from napari_wsss.pixels.decoding.deep_images import WHOLE, is_deep, scale_to_uint8, split_alpha


@pytest.mark.parametrize(("dtype", "deep"), [(np.uint8, False), (np.uint16, True), (np.float32, True)])
def test_deep_pictures_are_told_from_8_bit_ones(tmp_path, dtype, deep):
    Image.fromarray(np.zeros((2, 3), dtype)).save(tmp_path / "a.tif")
    with Image.open(tmp_path / "a.tif") as image:
        assert is_deep(image) is deep


def test_scaling_keeps_order_and_uses_the_whole_range():
    samples = np.array([[300, 500], [1300, 800]], np.uint16)
    scaled, words = scale_to_uint8(samples, WHOLE)
    assert (scaled.min(), scaled.max()) == (0, 255)
    assert np.argsort(scaled.ravel()).tolist() == np.argsort(samples.ravel()).tolist()
    assert words == "16-bit 300..1300 -> 0..255 (min..max)"


def test_what_is_not_finite_is_counted():
    scaled, words = scale_to_uint8(np.array([[0.0, 2.0, np.nan, np.inf]], np.float32))
    np.testing.assert_array_equal(scaled, [[0, 255, 0, 0]])
    assert words.endswith("2 not finite -> 0")


def test_percentiles_are_said_and_clip():
    samples = np.arange(10_000, dtype=np.uint16).reshape(100, 100)
    scaled, words = scale_to_uint8(samples, (10, 90))
    assert words == "16-bit 1000..8999 -> 0..255 (10..90 %)"
    assert (scaled.ravel()[:1000] == 0).all()
    assert (scaled.ravel()[9000:] == 255).all()


def test_few_bright_spots_on_black_are_seen():
    samples = np.zeros((100, 100), np.uint16)
    samples[3, 4:9] = 500
    scaled, words = scale_to_uint8(samples)
    assert scaled.max() == 255
    assert "min..max" in words


def test_alpha_is_split_from_colour():
    samples = np.dstack([np.full((2, 2), value, np.uint16) for value in (10, 20, 30, 65535)])
    colour, alpha, note = split_alpha(samples)
    assert colour.shape == (2, 2, 3)
    assert (alpha == 255).all()
    assert note == ""


def test_channels_left_out_are_named():
    colour, alpha, note = split_alpha(np.zeros((2, 2, 6), np.uint16))
    assert colour.shape == (2, 2, 3)
    assert alpha is None
    assert note == "first 3 of 6 channels"


def test_of_a_large_picture_a_part_says_the_same(monkeypatch):
    samples = np.random.default_rng(4).integers(0, 4000, (90, 110, 3)).astype(np.uint16)
    samples[50, 50] = 65535
    whole, _ = scale_to_uint8(samples)
    monkeypatch.setattr("napari_wsss.pixels.decoding.deep_images._ENOUGH", 1000)
    part, _ = scale_to_uint8(samples)
    assert np.abs(whole.astype(int) - part).max() < 6
