"""A quicker stable sort."""

from __future__ import annotations

import numpy as np
import pytest

from napari_wsss.project.ordering.sorting import order_of

RANDOM = np.random.default_rng(0)


@pytest.mark.parametrize(
    "values",
    [
        RANDOM.integers(0, 2, 5000).astype(bool),
        RANDOM.integers(0, 7, 5000).astype(np.uint8),
        RANDOM.integers(-9, 9, 5000).astype(np.int32),
        RANDOM.integers(0, 2**63, 5000, dtype=np.uint64),
        RANDOM.random(5000),
        np.round(RANDOM.random(5000), 2) - 0.5,
        np.where(RANDOM.random(5000) < 0.5, -np.inf, RANDOM.random(5000)),
        np.full(5000, np.inf),
        np.array([0.0, -0.0, 0.0, -1.0]),
        np.zeros(1),
        np.zeros(0),
    ],
    ids=str,
)
def test_it_is_a_stable_sort(values: np.ndarray) -> None:
    np.testing.assert_array_equal(order_of(values), np.argsort(values, kind="stable"))
