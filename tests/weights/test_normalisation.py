"""Normalisation: the arithmetic of each preset, sizes, JSON."""

from __future__ import annotations

import json

import numpy as np
import pytest

from napari_wsss.weights.normalisation import CAFFE, IMAGENET, TENSORFLOW, Normalisation

IMAGE = np.random.default_rng(0).integers(0, 256, (5, 7, 3), dtype=np.uint8)


@pytest.mark.parametrize(
    ("normalisation", "expected"),
    [
        (IMAGENET, (IMAGE / 255 - [0.485, 0.456, 0.406]) / [0.229, 0.224, 0.225]),
        (TENSORFLOW, IMAGE / 127.5 - 1),
        (CAFFE, IMAGE[..., ::-1] - np.array([104.008, 116.669, 122.675])),
    ],
)
def test_presets(normalisation: Normalisation, expected: np.ndarray) -> None:
    planes = normalisation.apply(IMAGE)

    assert planes.dtype == np.float32
    assert planes.flags.c_contiguous
    np.testing.assert_allclose(planes, np.moveaxis(expected, 2, 0), rtol=1e-5, atol=2e-5)


def test_the_image_is_left_alone_and_zero_is_the_mean_colour() -> None:
    grey = np.full((2, 2, 3), 51, np.uint8)
    planes = Normalisation(mean=(0.2, 0.2, 0.2), std=(0.5, 0.5, 0.5)).apply(grey)

    assert np.abs(planes).max() < 1e-6
    assert (grey == 51).all()


@pytest.mark.parametrize(
    ("size", "expected"), [(1, 33), (48, 33), (49, 65), (224, 225), (320, 321), (321, 321), (375, 385)]
)
def test_sizes_of_32k_plus_1(size: int, expected: int) -> None:
    assert TENSORFLOW.fit_size(size, 10 * size)[0] == expected
    assert IMAGENET.fit_size(size, size) == (size, size)


def test_nearest_size_is_nearest() -> None:
    allowed = np.arange(33, 2000, 32)
    for length in range(40, 1000):
        chosen = TENSORFLOW.fit_size(length, length)[1]
        assert chosen in allowed
        assert abs(chosen - length) == np.abs(allowed - length).min()


def test_json_round_trip() -> None:
    for normalisation in (IMAGENET, TENSORFLOW, CAFFE):
        assert Normalisation.from_dict(json.loads(json.dumps(normalisation.to_dict()))) == normalisation


def test_other_shapes_are_refused() -> None:
    with pytest.raises(ValueError, match="height, width, 3"):
        IMAGENET.apply(np.zeros((4, 4), np.uint8))
