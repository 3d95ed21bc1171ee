"""A class's gain decides against other classes and the background, and concerns no other image."""

from __future__ import annotations

import numpy as np
import pytest

from napari_wsss.core.errors import ParameterError
from napari_wsss.core.maps import ActivationMaps
from napari_wsss.core.parameters import from_dict
from napari_wsss.refine.class_gain import ClassGain

IMAGE = np.zeros((1, 2, 3), np.uint8)
MAPS = ActivationMaps(np.array([[[0.8, 0.2]], [[0.6, 0.1]]], np.float32), (0, 3))


def step(**gains: float) -> ClassGain:
    return ClassGain(from_dict(ClassGain.Parameters, {"gains": {name[1:]: gain for name, gain in gains.items()}}))


def test_a_louder_class_wins_and_the_background_stays() -> None:
    found = step(_4=1.5).refine(IMAGE, MAPS)
    np.testing.assert_allclose(found.scores, [[[0.8, 0.2]], [[0.9, 0.15]]], atol=1e-6)
    assert found.background is None
    np.testing.assert_array_equal(found.to_mask(0.3), [[4, 0]])
    assert step().refine(IMAGE, MAPS) is MAPS


def test_only_gains_of_the_images_classes_count() -> None:
    assert step(_1=2.0, _2=3.0).applied_to((1,)).settings.gains == {"2": 3.0}
    assert step(_1=2.0, _4=1.0).applied_to((3,)) is None


def test_gains_stay_in_their_bounds() -> None:
    with pytest.raises(ParameterError, match=r"0\.25 to 4\.0"):
        step(_1=5.0)
