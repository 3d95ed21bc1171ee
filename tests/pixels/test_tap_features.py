from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from napari_wsss.core.errors import StepError
from napari_wsss.pixels.tap_features import LEVELS, TapFeatures

PLANES = arrays(np.float32, (3, 4, 5), elements=st.floats(-100, 100, width=32))


@given(PLANES)
def test_each_value_is_kept_within_half_a_level_of_its_channels_range(tap: np.ndarray) -> None:
    kept = TapFeatures.of((40, 50), [tap]).values()[0]

    reach = (tap.max((1, 2)) - tap.min((1, 2)))[:, None, None]
    assert (np.abs(kept - tap) <= reach / LEVELS / 2 + 1e-4).all()


def test_the_finest_grid_comes_first_and_a_value_takes_one_byte() -> None:
    random = np.random.default_rng(0)
    deep, fine = (random.standard_normal(shape).astype(np.float32) for shape in ((7, 3, 4), (2, 6, 8)))

    found = TapFeatures.of((48, 64), [deep, fine])

    assert found.grid == (6, 8)
    assert found.channels == 9
    assert found.nbytes == deep.size + fine.size
    assert [values.shape for values in found.values()] == [(2, 6, 8), (7, 3, 4)]


def test_a_channel_without_differences_is_kept_exactly() -> None:
    assert (TapFeatures.of((8, 8), [np.full((1, 2, 2), 3.7, np.float32)]).values()[0] == np.float32(3.7)).all()


def test_taps_that_do_not_belong_together_are_refused() -> None:
    with pytest.raises(StepError, match="1 taps have 0 lows"):
        TapFeatures((8, 8), (np.zeros((1, 2, 2), np.uint8),), (), ())
