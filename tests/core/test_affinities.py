"""Affinities check their own shape."""

from __future__ import annotations

import numpy as np
import pytest

from napari_wsss.core.affinities import Affinities
from napari_wsss.core.errors import StepError

OFFSETS = np.array([(0, 1), (1, 0)])


def test_grid_is_that_of_the_values() -> None:
    assert Affinities(np.ones((2, 3, 5), np.float32), OFFSETS).grid == (3, 5)


@pytest.mark.parametrize(
    ("values", "boundary"), [(np.ones((3, 4, 4)), None), (np.ones((4, 4)), None), (np.ones((2, 4, 4)), np.ones((4, 5)))]
)
def test_what_does_not_fit_is_refused(values: np.ndarray, boundary: np.ndarray | None) -> None:
    with pytest.raises(StepError, match="shape"):
        Affinities(values, OFFSETS, boundary)
