from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from napari_wsss.core.cells import Cells
from napari_wsss.core.errors import StepError
from napari_wsss.core.maps import ActivationMaps, SaliencyMap

scores_of_3 = arrays(np.float32, (3, 4, 5), elements=st.floats(0, 1, width=32))


@given(scores_of_3, st.floats(0, 1, width=32))
def test_mask_is_the_strongest_class_above_the_background(scores: np.ndarray, threshold: float) -> None:
    maps = ActivationMaps(scores, (0, 4, 7))
    mask = maps.to_mask(threshold)
    for y, x in np.ndindex(4, 5):
        pixel = scores[:, y, x].tolist()
        best = max(pixel)
        assert mask[y, x] == ((1, 5, 8)[pixel.index(best)] if best > np.float32(threshold) else 0)


@given(scores_of_3)
def test_own_background_counts_when_no_threshold_is_given(scores: np.ndarray) -> None:
    flat = np.full((4, 5), 0.25, np.float32)
    maps = ActivationMaps(scores, (0, 1, 2))
    assert np.array_equal(maps.with_scores(scores, flat).to_mask(), maps.to_mask(0.25))


def test_image_without_labels_has_a_background_mask() -> None:
    maps = ActivationMaps.empty(4, 5)
    assert maps.size == (4, 5)
    assert not maps.to_mask(0.0).any()
    assert maps.strongest()[0].shape == (4, 5)


def test_only_drops_the_maps_of_removed_labels() -> None:
    maps = ActivationMaps(np.arange(3, dtype=np.float32).reshape(3, 1, 1), (1, 3, 6))
    left = maps.only((6, 1, 2))
    assert left.classes == (1, 6)
    assert left.scores.ravel().tolist() == [0, 2]


def test_wrong_shapes_are_refused_with_what_was_found() -> None:
    zeros = np.zeros((2, 4, 5), np.float32)
    with pytest.raises(StepError, match="3 classes"):
        ActivationMaps(zeros, (0, 1, 2))
    with pytest.raises(StepError, match="ascend"):
        ActivationMaps(zeros, (1, 0))
    with pytest.raises(StepError, match="resize"):
        ActivationMaps(zeros, (0, 1), np.zeros((4, 4), np.float32))
    with pytest.raises(StepError, match="background step") as raised:
        ActivationMaps(zeros, (0, 1)).to_mask()
    assert raised.value.missing == ("background",)
    with pytest.raises(StepError):
        SaliencyMap(np.zeros((1, 2, 3), np.float32))


def test_undecided_pixels_are_ignored_in_the_mask_and_survive_other_steps() -> None:
    undecided = np.array([[True, False]])
    maps = ActivationMaps(np.full((1, 1, 2), 0.9, np.float32), (4,), np.zeros((1, 2), np.float32), undecided)

    assert maps.to_mask().tolist() == [[255, 5]]
    assert maps.with_scores(maps.scores, maps.background).to_mask().tolist() == [[255, 5]]
    assert maps.only((4,)).undecided is undecided
    with pytest.raises(StepError, match="Undecided"):
        ActivationMaps(maps.scores, (4,), None, undecided.T)


def test_maps_of_cells_know_them_and_what_is_made_of_these_maps_does_not() -> None:
    planes = np.random.default_rng(0).random((3, 4, 5), np.float32)
    maps = ActivationMaps.of_cells(planes, (0, 2), (8, 10))

    assert maps.cells is planes
    assert maps.background is not None
    np.testing.assert_array_equal(Cells((8, 10), (4, 5)).enlarged(planes), [maps.background, *maps.scores])
    for other in (maps.only((2,)), maps.with_scores(maps.scores / 2, maps.background), replace(maps, undecided=None)):
        assert other.cells is None
    assert ActivationMaps.of_cells(planes, (0, 2), (4, 5)).cells is None  # the image's own pixels


def test_maps_of_cells_are_not_averaged_again_on_their_grid() -> None:
    planes = np.random.default_rng(0).random((3, 4, 5), np.float32)
    maps = ActivationMaps.of_cells(planes, (0, 2), (8, 10))
    cells = Cells((8, 10), (4, 5))

    assert maps.planes(cells) is planes
    assert maps.planes(Cells((8, 10), (2, 3))).shape == (3, 2, 3)
    blocks = planes.repeat(2, 1).repeat(2, 2)
    there = ActivationMaps(blocks[1:], (0, 2), blocks[0]).averaged(cells)
    assert there.background is not None
    np.testing.assert_allclose([there.background, *there.scores], planes, atol=1e-6)
    np.testing.assert_allclose(there.enlarged((8, 10)).scores, maps.scores, atol=1e-6)
