"""The slider's pseudo mask equals the maps' own, at any threshold and for both background steps."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_wsss.core.background import BACKGROUND_STEPS, equivalent_alpha, parameters_at
from napari_wsss.core.maps import ActivationMaps
from napari_wsss.core.parameters import from_dict
from napari_wsss.core.plan import Step
from napari_wsss.core.registry import load_method
from napari_wsss.pipeline.chain import drawn
from napari_wsss.pixels.surest_regions import SurestRegions
from napari_wsss.session.results.live import (
    SLIDER,
    LiveMask,
    background_step,
    gains_in,
    slider_threshold,
    threshold_of,
)


def maps(seed: int, classes: int) -> ActivationMaps:
    scores = np.random.default_rng(seed).random((classes, 9, 11), dtype=np.float32)
    return ActivationMaps(scores, tuple(range(0, 2 * classes, 2)))


@given(st.integers(0, 100), st.integers(0, 4), st.floats(0, 1))
@settings(max_examples=60, deadline=None)
def test_live_mask_equals_to_mask(seed: int, classes: int, threshold: float) -> None:
    found = maps(seed, classes)
    kept = SurestRegions(found, may_cover=True).kept_in(found.to_mask(threshold))
    np.testing.assert_array_equal(LiveMask(found).at(threshold), kept.mask)


@given(st.integers(0, 100), st.integers(1, 4), st.lists(st.tuples(st.integers(0, 3), st.floats(0.25, 4)), max_size=6))
@settings(max_examples=60, deadline=None)
def test_gains_draw_what_the_step_draws(seed: int, classes: int, moves: list[tuple[int, float]]) -> None:
    cls = load_method("refine", "class_gain")
    found = maps(seed, classes)
    found = found.with_scores(np.round(found.scores, 1))  # many equal scores
    live, gains = LiveMask(found, {0: 2.0}), {0: 2.0}
    for row, gain in moves:
        gains[2 * (row % classes)] = gain
        live.set_gains(gains)
    step = cls(from_dict(cls.Parameters, {"gains": {str(k + 1): gain for k, gain in gains.items()}}))
    expected = step.refine(np.zeros((9, 11, 3), np.uint8), found)
    for threshold in (0.0, 0.3, 0.8):
        kept = SurestRegions(found, may_cover=True).kept_in(expected.to_mask(threshold))
        np.testing.assert_array_equal(live.at(threshold), kept.mask)
    chosen = Step("class_gain", {"gains": {str(k + 1): gain for k, gain in gains.items()}})
    started = LiveMask(found, gains_in([chosen], found.classes))
    np.testing.assert_array_equal(started.at(0.3), live.at(0.3))


def test_several_gains_at_once_and_back_to_none() -> None:
    found = maps(5, 3)
    live = LiveMask(found)
    live.set_gains({0: 3.0, 2: 0.5, 7: 2.0})
    assert not np.array_equal(live.at(0.2), found.to_mask(0.2))
    live.set_gains({})
    np.testing.assert_array_equal(live.at(0.2), found.to_mask(0.2))


def test_each_position_gives_a_new_array() -> None:
    live = LiveMask(maps(0, 2))
    low = live.at(0.2)
    kept = low.copy()
    live.at(0.9)
    np.testing.assert_array_equal(low, kept)


@pytest.mark.parametrize("method", sorted(BACKGROUND_STEPS))
@pytest.mark.parametrize("threshold", [SLIDER[0], 0.1, 0.3, 0.7, SLIDER[1]])
def test_slider_and_refiner_draw_the_same_mask(method: str, threshold: float) -> None:
    cls = load_method("refine", method)
    refiner = cls(from_dict(cls.Parameters, parameters_at(method, threshold)))
    found = maps(3, 3)
    refined = refiner.refine(np.zeros((9, 11, 3), np.uint8), found)
    np.testing.assert_array_equal(LiveMask(found).at(threshold), drawn(refined, found).mask)
    assert threshold_of(Step(method, parameters_at(method, threshold))) == pytest.approx(threshold, abs=1e-5)


@pytest.mark.parametrize("method", sorted(BACKGROUND_STEPS))
def test_the_table_knows_the_shelf(method: str) -> None:
    name, default = BACKGROUND_STEPS[method]
    assert getattr(load_method("refine", method).Parameters(), name) == default


def test_which_chains_follow_the_slider() -> None:
    power, crf = Step("power_background"), Step("dense_crf")
    assert slider_threshold([power]) == threshold_of(power)
    assert slider_threshold([power, crf]) is None
    assert slider_threshold([]) is None
    assert background_step([power, crf]) is power
    assert background_step([crf]) is None
    gain = Step("class_gain")
    constant = Step("constant_background", {"background_threshold": 0.3})
    assert slider_threshold([gain, power, constant]) == 0.3  # the last background counts
    assert slider_threshold([power, gain]) is None  # the power looks at the maximum before the gain
    assert slider_threshold([gain]) is None


def test_alpha_one_is_a_half() -> None:
    assert equivalent_alpha(0.5) == pytest.approx(1)
    assert threshold_of(Step("power_background", {"background_power": 1.0})) == pytest.approx(0.5)
