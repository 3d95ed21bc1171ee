"""The background score of OAA and MCIS."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from napari_wsss.core.errors import StepError
from napari_wsss.core.maps import ActivationMaps, SaliencyMap
from napari_wsss.refine.saliency_background import SaliencyBackground, stretched
from tests.evidence import Given


def refined(scores: list[list[float]], saliency: list[float], **parameters: Any) -> ActivationMaps:
    """Return the refined maps of pixels in a row; one row of scores per class."""
    maps = ActivationMaps(np.array(scores, np.float32)[:, None], tuple(range(len(scores))))
    given = Given(known_saliency=SaliencyMap(np.array(saliency, np.float32)[None]))
    step = SaliencyBackground(SaliencyBackground.Parameters(**parameters))
    return step.refine(np.zeros((1, len(saliency), 3), np.uint8), maps, given)


def test_what_is_not_salient_is_background() -> None:
    found = refined([[0.5, 0.5, 0.5]], [0.0, 0.5, 1.0])

    assert found.background is not None
    np.testing.assert_allclose(found.background, [[1, 0.5, 0]])
    assert found.to_mask().tolist() == [[0, 0, 1]]
    np.testing.assert_allclose(found.scores[:, 0], [[0.5, 0.5, 0.5]])


def test_power_and_strength() -> None:
    found = refined([[0.0] * 3], [0.0, 0.5, 1.0], background_power=2.0, strength=0.8)

    np.testing.assert_allclose(found.background, [[0.8, 0.2, 0]], rtol=1e-6)


def test_scores_below_the_lowest_count_as_none_for_classes_and_background() -> None:
    found = refined([[0.29, 0.29, 0.1], [0.0, 0.31, 0.0]], [0.8, 0.8, 0.0], lowest_score=0.3)

    # Nothing is left of either: background. The second class alone is left. Surely background.
    assert found.to_mask().tolist() == [[0, 2, 0]]
    np.testing.assert_allclose(found.background, [[0, 0, 1]])


def test_maps_are_stretched_where_asked_for() -> None:
    found = refined([[0.2, 0.4, 0.6], [0.3, 0.3, 0.3]], [1.0, 1.0, 1.0], stretched=True)

    np.testing.assert_allclose(found.scores[:, 0], [[0, 0.5, 1], [0, 0, 0]], atol=1e-6)
    assert stretched(np.zeros((0, 2, 3), np.float32)).shape == (0, 2, 3)


def test_conflicts_and_salient_pixels_without_a_class_are_left_undecided() -> None:
    scores = [[1.0, 0.5, 1.0, 0.0, 0.0], [1.0, 0.0, 0.0, 0.0, 0.2]]
    saliency = [0.5, 1.0, 0.0, 32 / 255, 31 / 255]

    found = refined(scores, saliency, doubtful=True, lowest_score=0.3)

    # Two classes; a class; a class against background; salient background; background.
    assert found.to_mask().tolist() == [[255, 1, 255, 255, 0]]
    assert found.to_mask(0.3).tolist() == [[1, 1, 1, 0, 0]]
    assert refined(scores, saliency, lowest_score=0.3).undecided is None


def test_an_image_with_hardly_a_class_is_left_whole() -> None:
    found = refined([[0.5] + [0.0] * 9], [1.0] + [0.0] * 9, doubtful=True, least_share=0.2)

    assert found.to_mask().tolist() == [[255] * 10]


def test_a_saliency_map_of_another_size_is_refused() -> None:
    given = Given(known_saliency=SaliencyMap(np.zeros((3, 4), np.float32)))
    with pytest.raises(StepError, match="saliency map has"):
        SaliencyBackground().refine(np.zeros((4, 3, 3), np.uint8), ActivationMaps.empty(4, 3), given)


def test_without_saliency_it_says_so() -> None:
    with pytest.raises(StepError, match="saliency") as caught:
        SaliencyBackground().refine(np.zeros((4, 3, 3), np.uint8), ActivationMaps.empty(4, 3))

    assert caught.value.missing == ("saliency",)
