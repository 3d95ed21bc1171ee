"""The power background and its equivalent threshold draw the same mask."""

from __future__ import annotations

import numpy as np
import pytest

from napari_wsss.core.background import equivalent_alpha, equivalent_threshold


@pytest.mark.parametrize(
    ("alpha", "threshold"),
    [(1, 0.5), (2, 0.382), (4, 0.2755), (6, 0.222), (8, 0.188), (16, 0.123), (24, 0.094), (32, 0.077)],
)
def test_thresholds_are_the_published_ones(alpha: float, threshold: float) -> None:
    assert equivalent_threshold(alpha) == pytest.approx(threshold, abs=6e-4)


@pytest.mark.parametrize("alpha", [0.05, 0.5, 1, 3, 10, 100, 1000])
def test_both_directions_are_inverse(alpha: float) -> None:
    assert equivalent_alpha(equivalent_threshold(alpha)) == pytest.approx(alpha, rel=1e-6)


@pytest.mark.parametrize("alpha", [0.3, 2, 7.5, 40])
def test_power_and_threshold_draw_the_same_mask(alpha: float) -> None:
    strongest = np.linspace(0, 1, 1001)  # no value lies on the threshold

    by_power = strongest > (1 - strongest) ** alpha
    by_threshold = strongest > equivalent_threshold(alpha)

    np.testing.assert_array_equal(by_power, by_threshold)


def test_what_has_no_equivalent_is_refused_or_kept_in_range() -> None:
    with pytest.raises(ValueError, match="above 0"):
        equivalent_threshold(0)
    assert np.isfinite([equivalent_alpha(0.0), equivalent_alpha(1.0)]).all()
