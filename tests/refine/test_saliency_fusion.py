"""The four cases of the fusion rule, and its corners."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from napari_wsss.core.errors import StepError
from napari_wsss.core.maps import ActivationMaps, SaliencyMap
from napari_wsss.refine.saliency_fusion import SaliencyFusion
from tests.evidence import Given


def fused(scores: list[list[float]], saliency: list[int], **parameters: Any) -> list[int]:
    """Return the mask values of pixels in a row: one row of scores per class (2 and 5), saliency in grey values."""
    maps = ActivationMaps(np.array(scores, np.float32)[:, None], (2, 5), np.full((1, len(saliency)), 0.5, np.float32))
    grey = np.array(saliency, np.float32)[None] / np.float32(255)
    step = SaliencyFusion(SaliencyFusion.Parameters(**parameters))
    image = np.zeros((1, len(saliency), 3), np.uint8)
    found = step.refine(image, maps, Given(known_saliency=SaliencyMap(grey)))
    return [int(value) for value in found.to_mask()[0]]


def test_saliency_decides_between_the_two_scores() -> None:
    scores = [[0.2, 0.2, 0.5, 0.5, 0.96, 0.96], [0.0, 0.0, 0.3, 0.3, 0.5, 0.5]]

    assert fused(scores, [255, 0, 255, 0, 255, 0]) == [0, 0, 3, 0, 3, 3]


def test_two_sure_classes_give_the_first() -> None:
    assert fused([[0.96, 0.96], [0.99, 0.99]], [0, 255]) == [3, 3]


def test_the_threshold_counts_in_grey_values() -> None:
    assert fused([[0.5, 0.5], [0, 0]], [20, 21]) == [0, 3]
    assert fused([[0.5, 0.5], [0, 0]], [127, 128], saliency_threshold=1.27) == [0, 3]


@pytest.mark.parametrize("grey", [0, 255])
def test_the_ends_of_the_scale(grey: int) -> None:
    assert fused([[0.0, 1.0], [0, 0]], [grey] * 2, lowest_score=0.0, sure_score=0.9) == [0, 3]
    assert fused([[1.0], [1.0]], [grey], sure_score=1.0) == [3 if grey else 0]


def test_a_saliency_map_of_another_size_is_refused() -> None:
    given = Given(known_saliency=SaliencyMap(np.zeros((3, 4), np.float32)))
    with pytest.raises(StepError, match="saliency map has"):
        SaliencyFusion().refine(np.zeros((4, 3, 3), np.uint8), ActivationMaps.empty(4, 3), given)


def test_without_saliency_it_says_so() -> None:
    with pytest.raises(StepError, match="saliency") as caught:
        SaliencyFusion().refine(np.zeros((4, 3, 3), np.uint8), ActivationMaps.empty(4, 3))

    assert caught.value.missing == ("saliency",)
