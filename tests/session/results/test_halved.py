"""At half size everything keeps its place and its mean, and what comes back has the image's size."""

from __future__ import annotations

import numpy as np
import pytest

from napari_wsss.core.maps import ActivationMaps, SaliencyMap
from napari_wsss.session.results.halved import HalvedEvidence, doubled_mask, halved_image, halved_maps
from tests.evidence import Given


@pytest.mark.parametrize(("height", "width"), [(40, 60), (41, 63)])
def test_maps_keep_their_means_and_come_back(height: int, width: int) -> None:
    scores = np.zeros((2, height, width), np.float32)
    scores[0, :20, :30], scores[1, 20:] = 0.8, 0.6
    maps = ActivationMaps(scores, (0, 4), np.full((height, width), 0.5, np.float32), scores[0] > 0)
    half = halved_maps(maps)
    assert half.size == ((height + 1) // 2, (width + 1) // 2)
    assert half.classes == maps.classes
    assert half.scores[0, 3, 4] == pytest.approx(0.8)
    np.testing.assert_array_equal(doubled_mask(half.to_mask(), maps.size), maps.to_mask())


def test_maps_without_classes() -> None:
    assert halved_maps(ActivationMaps.empty(5, 7)).size == (3, 4)


def test_image_and_saliency_have_the_same_half_size() -> None:
    image = np.zeros((41, 63, 3), np.uint8)
    saliency = SaliencyMap(np.full((41, 63), 0.5, np.float32))
    features = np.zeros((4, 5, 7), np.float32)
    evidence = HalvedEvidence(Given(features, saliency))
    assert halved_image(image).shape == (21, 32, 3)
    assert evidence.saliency().values.shape == (21, 32)
    assert evidence.features() is features
