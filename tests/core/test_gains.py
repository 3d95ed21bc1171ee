"""The gain of a class is a factor that never leaves [0, 1], and 1 is no gain at all."""

from __future__ import annotations

import numpy as np

from napari_wsss.core.gains import gained, gains_of


def test_a_gain_is_a_factor_kept_to_one() -> None:
    scores = np.array([[0.0, 0.25, 0.5, 1.0]], np.float32)
    np.testing.assert_array_equal(gained(scores, 3.0), [[0, 0.75, 1, 1]])
    assert gained(scores, 3.0).dtype == np.float32
    assert gained(scores, 1.0) is scores


def test_gains_are_those_of_the_images_classes_that_are_not_one() -> None:
    assert gains_of((0, 2, 3), {"1": 1.5, "2": 2.0, "3": 1.0}) == {0: 1.5}
