"""The power background against its formula, pixel by pixel, and against its equivalent threshold."""

from __future__ import annotations

import numpy as np
import pytest

from napari_wsss.core.maps import ActivationMaps
from napari_wsss.refine.power_background import PowerBackground

IMAGE = np.zeros((10, 12, 3), np.uint8)


@pytest.fixture
def maps() -> ActivationMaps:
    return ActivationMaps(np.random.default_rng(0).random((3, 10, 12), dtype=np.float32), (0, 2, 5))


@pytest.mark.parametrize("alpha", [0.5, 1, 4, 24])
def test_it_is_one_minus_the_strongest_to_the_power(maps: ActivationMaps, alpha: float) -> None:
    found = PowerBackground(PowerBackground.Parameters(alpha)).refine(IMAGE, maps)

    assert found.background is not None
    for y in range(10):
        for x in range(12):
            expected = (1 - max(maps.scores[k, y, x] for k in range(3))) ** alpha
            assert found.background[y, x] == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("alpha", [1, 2, 4, 8, 32])
def test_its_threshold_draws_the_same_mask(maps: ActivationMaps, alpha: float) -> None:
    step = PowerBackground(PowerBackground.Parameters(alpha))

    np.testing.assert_array_equal(step.refine(IMAGE, maps).to_mask(), maps.to_mask(step.threshold))


def test_an_image_without_classes_is_all_background() -> None:
    found = PowerBackground().refine(IMAGE, ActivationMaps.empty(10, 12))

    assert found.background is not None
    assert (found.background == 1).all()
    assert not found.to_mask().any()


def test_an_earlier_background_is_replaced(maps: ActivationMaps) -> None:
    before = maps.with_scores(maps.scores, np.full((10, 12), 0.9, np.float32))

    found = PowerBackground().refine(IMAGE, before)

    np.testing.assert_array_equal(found.background, PowerBackground().refine(IMAGE, maps).background)
