"""The constant background draws exactly the thresholded mask."""

from __future__ import annotations

import numpy as np
import pytest

from napari_wsss.core.maps import ActivationMaps
from napari_wsss.refine.constant_background import ConstantBackground


@pytest.mark.parametrize("threshold", [0.0, 0.3, 1.0])
def test_it_draws_the_thresholded_mask(threshold: float) -> None:
    scores = np.random.default_rng(0).random((2, 12, 10), dtype=np.float32)
    maps = ActivationMaps(scores, (1, 4))

    step = ConstantBackground(ConstantBackground.Parameters(threshold))
    found = step.refine(np.zeros((12, 10, 3), np.uint8), maps)

    np.testing.assert_array_equal(found.to_mask(), maps.to_mask(threshold))
    np.testing.assert_array_equal(found.scores, scores)
