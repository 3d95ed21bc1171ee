"""Maps come back from the arrays that are kept of them, as near as is promised."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from napari_wsss.core.maps import ActivationMaps
from napari_wsss.project.results.kept_maps import SCORE_ERROR, arrays_of, as_stored, is_sound, maps_of


def coarse_maps() -> ActivationMaps:
    planes = np.random.default_rng(0).random((3, 20, 30), np.float32)
    return ActivationMaps.of_cells(planes, (1, 4), (60, 90), np.arange(60 * 90).reshape(60, 90) % 7 == 0)


@given(arrays(np.float32, (2, 3, 4), elements=st.floats(0, 1, width=32)), st.booleans())
def test_round_trip_is_within_a_step(scores: np.ndarray, with_background: bool) -> None:
    maps = ActivationMaps(scores, (0, 9), scores[0] if with_background else None)
    found = maps_of(arrays_of(maps))
    assert found.classes == (0, 9)
    assert found.scores.dtype == np.float32
    assert np.abs(found.scores - scores).max() <= SCORE_ERROR
    assert (found.background is None) == (not with_background)
    assert np.array_equal(as_stored(maps).scores, found.scores)
    assert np.array_equal(as_stored(found).scores, found.scores), "kept again they stay as they are"


def test_scores_kept_in_half_precision_before_are_still_read() -> None:
    scores = np.random.default_rng(0).random((2, 9, 7)).astype(np.float16)
    found = maps_of({"scores": scores, "classes": np.asarray([1, 4])})
    assert np.array_equal(found.scores, scores.astype(np.float32))


@pytest.mark.parametrize("scores", [[1234.567, 1e-9], [-0.5, 0.25], [1.001, 0.3]])
def test_scores_beyond_0_and_1_are_kept_exactly(scores: list[float]) -> None:
    maps = ActivationMaps(np.array([[scores]], np.float32), (0,))
    assert np.array_equal(maps_of(arrays_of(maps)).scores, maps.scores)


def test_undecided_pixels_and_images_without_labels_are_kept() -> None:
    undecided = np.eye(4, 5, dtype=bool)
    found = maps_of(arrays_of(replace(ActivationMaps.empty(4, 5), undecided=undecided)))
    assert (found.size, found.classes) == ((4, 5), ())
    assert found.undecided is not None
    assert np.array_equal(found.undecided, undecided)


def test_of_a_coarser_grid_its_cells_are_kept() -> None:
    maps = coarse_maps()
    assert maps.background is not None
    kept = arrays_of(maps)
    assert "scores" not in kept
    found, expected = maps_of(kept), as_stored(maps)
    assert found.background is not None
    assert expected.background is not None
    np.testing.assert_array_equal(found.scores, expected.scores)
    np.testing.assert_array_equal(found.background, expected.background)
    np.testing.assert_array_equal(found.cells, expected.cells)
    np.testing.assert_array_equal(found.undecided, maps.undecided)
    assert np.abs(np.stack([found.background, *found.scores]) - [maps.background, *maps.scores]).max() <= SCORE_ERROR


@pytest.mark.parametrize("size", [(10**6, 10**6), (19, 90), (0, 0), (-60, -90), (60,)])
def test_a_size_that_cannot_be_is_no_reason_to_enlarge_to_it(size: tuple[int, ...]) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - numpy's words or ours
        maps_of(arrays_of(coarse_maps()) | {"size": np.asarray(size)})


def test_kept_values_that_are_no_numbers_are_not_believed() -> None:
    for name, shape in (("scores", (2, 3, 4)), ("background", (3, 4)), ("cells", (2, 3, 4))):
        sound = {"scores": np.zeros((2, 3, 4), np.float32), "classes": np.asarray([1, 4]), "size": np.asarray((3, 4))}
        values = np.zeros(shape, np.float32)
        if name == "cells":
            sound["classes"] = np.asarray([1])
        assert maps_of(sound | {name: values}).size == (3, 4)
        values.flat[5] = np.nan
        with pytest.raises(ValueError, match="no numbers"):
            maps_of(sound | {name: values})


@pytest.mark.parametrize("wrong", [np.nan, np.inf, -np.inf])
def test_one_value_that_is_no_number_is_seen(wrong: float) -> None:
    maps, coarse = ActivationMaps(np.zeros((1, 3, 4), np.float32), (0,), np.zeros((3, 4), np.float32)), coarse_maps()
    for checked, values in ((maps, maps.scores), (maps, maps.background), (coarse, coarse.cells)):
        assert values is not None
        assert is_sound(checked)
        values.flat[2] = wrong
        assert not is_sound(checked)
        values.flat[2] = 0
