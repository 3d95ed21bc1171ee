"""Distances to the nearest zero pixel."""

from __future__ import annotations

import numpy as np
import pytest

from napari_wsss.pixels.chamfer import chamfer_distance


def test_one_zero_pixel_shows_the_steps() -> None:
    inside = np.ones((5, 5), bool)
    inside[2, 2] = False

    found = chamfer_distance(inside)

    assert found[2, 2] == 0
    assert found[2, 3] == found[1, 2] == 1
    assert found[1, 1] == pytest.approx(1.4, abs=1e-4)
    assert found[0, 1] == found[3, 4] == pytest.approx(2.1969, abs=1e-4)
    assert found[0, 0] == pytest.approx(2.8, abs=1e-4)


def test_it_is_euclidean_within_two_percent() -> None:
    inside = np.ones((61, 97), bool)
    rows, columns = [5, 40, 60], [90, 11, 50]
    inside[rows, columns] = False
    y, x = np.mgrid[:61, :97]
    exact = np.min([np.hypot(y - a, x - b) for a, b in zip(rows, columns, strict=True)], axis=0)

    found = chamfer_distance(inside)

    np.testing.assert_allclose(found, exact, rtol=0.03)


def test_a_turned_picture_has_turned_distances() -> None:
    inside = np.random.default_rng(0).random((40, 30)) < 0.97

    found = chamfer_distance(inside)

    for turned in (lambda a: a[::-1], lambda a: a[:, ::-1], lambda a: a.T):
        np.testing.assert_array_equal(chamfer_distance(turned(inside)), turned(found))


def test_nothing_to_be_near_to_is_infinitely_far() -> None:
    assert np.isinf(chamfer_distance(np.ones((3, 4), bool))).all()
    assert not chamfer_distance(np.zeros((3, 4), bool)).any()
