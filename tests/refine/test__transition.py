"""One step is a weighted mean, and many are a short polynomial."""

from __future__ import annotations

import numpy as np
import pytest

from napari_wsss.refine._transition import Transition, chebyshev_coefficients


@pytest.mark.parametrize("steps", [0, 1, 2, 5, 8, 256, 4096])
def test_coefficients_are_chances(steps: int) -> None:
    found = chebyshev_coefficients(steps)
    x = np.linspace(-1, 1, 101)

    assert (found >= 0).all()
    assert found.sum() == pytest.approx(1)
    assert np.abs(np.polynomial.chebyshev.chebval(x, found) - x**steps).max() < 1e-6
    assert len(found) <= min(steps, 6 * steps**0.5) + 1


def test_a_step_is_the_mean_of_a_cell_and_its_partners() -> None:
    values = np.zeros((2, 2, 3), np.float32)
    values[0, 0, 0] = 0.5  # (0, 0) and (0, 1)
    values[1, 0, 2] = 0.25  # (0, 2) and (1, 1)
    step = Transition(values, np.array([[0, 1], [1, -1]]), 2.0)
    planes = np.arange(1, 7, dtype=np.float32).reshape(1, 2, 3)

    found = step.unflat(step.mean(step.flat(planes)))[0]

    assert found[0, 0] == pytest.approx((1 + 0.25 * 2) / 1.25)
    assert found[0, 1] == pytest.approx((2 + 0.25 * 1) / 1.25)
    assert found[0, 2] == pytest.approx((3 + 0.0625 * 5) / 1.0625)
    assert found[1, 1] == pytest.approx((5 + 0.0625 * 3) / 1.0625)
    assert found[1].tolist()[::2] == [4, 6]


def test_rows_of_the_grid_are_kept_apart() -> None:
    planes = np.random.default_rng(0).random((2, 3, 4), dtype=np.float32)
    step = Transition(np.ones((1, 3, 4), np.float32), np.array([[0, 3]]), 1.0)

    np.testing.assert_array_equal(step.unflat(step.flat(planes)), planes)
    assert step.flat(planes).shape == (2, 3 * (4 + 3))
