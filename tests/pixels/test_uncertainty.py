"""The margin between the two strongest scores, whoever has them, and how many pixels are close calls."""

from __future__ import annotations

import numpy as np
import pytest

from napari_wsss.core.maps import ActivationMaps
from napari_wsss.pixels.uncertainty import share_unsure, uncertainty


def maps(scores, background=None):
    scores = np.asarray(scores, np.float32)
    return ActivationMaps(scores, tuple(range(len(scores))), background)


def test_the_border_between_two_classes_is_most_unsure():
    found = uncertainty(maps([[[0.9, 0.6, 0.2]], [[0.1, 0.6, 0.95]]]), 0.3)
    assert found[0, 1] == pytest.approx(1)
    assert found[0, 0] < 0.3
    assert found[0, 2] < 0.3


@pytest.mark.parametrize("threshold", [0.05, 0.3, 0.7])
def test_the_border_of_the_proposal_is_where_it_is_one(threshold):
    scores = np.linspace(0, 1, 401, dtype=np.float32)[None, None]
    found = uncertainty(maps(scores), threshold)
    assert scores[0, 0, found.argmax()] == pytest.approx(threshold, abs=0.005)
    assert found[0, 0] == found[0, -1] == pytest.approx(0, abs=1e-6)  # plain background and plain object are sure


def test_maps_that_have_a_background_use_it():
    own = np.array([[0.9, 0.5]], np.float32)
    found = uncertainty(maps([[[0.1, 0.5]]], own))
    np.testing.assert_allclose(found, [[0.2, 1.0]], atol=1e-6)
    assert not uncertainty(maps([[[0.1, 0.5]]])).any()


def test_it_equals_sorting_all_scores():
    rng = np.random.default_rng(0)
    scores, own = rng.random((4, 6, 7), np.float32), rng.random((6, 7), np.float32)
    ordered = np.sort(np.concatenate([scores, own[None]]), axis=0)
    np.testing.assert_allclose(uncertainty(maps(scores, own)), 1 - (ordered[-1] - ordered[-2]), atol=1e-6)


def test_an_image_without_labels_is_sure():
    assert not uncertainty(ActivationMaps.empty(3, 4), 0.3).any()


@pytest.mark.parametrize(
    ("scores", "threshold", "expected"),
    [
        ([[0.9, 0.1]], 0.5, 0.0),
        ([[0.55, 0.1]], 0.5, 0.5),
        ([[0.9, 0.1], [0.85, 0.0]], 0.5, 0.5),
        ([[0.3, 0.1], [0.25, 0.05]], 0.7, 0.0),
    ],
)
def test_the_share_is_that_of_close_calls(scores: list[list[float]], threshold: float, expected: float) -> None:
    found = np.asarray(scores, np.float32)[:, None, :]
    assert share_unsure(ActivationMaps(found, tuple(range(len(scores)))), threshold) == pytest.approx(expected)


def test_the_share_in_an_image_without_labels_is_zero() -> None:
    assert share_unsure(ActivationMaps.empty(4, 5), 0.3) == 0.0


def test_the_share_uses_the_maps_own_background() -> None:
    maps = ActivationMaps(np.full((1, 1, 2), 0.5, np.float32), (0,), np.array([[0.45, 0.1]], np.float32))
    assert share_unsure(maps, 0.0) == pytest.approx(0.5)
