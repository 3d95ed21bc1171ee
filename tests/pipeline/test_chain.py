"""Which refiners run on an image (every chain of two is tried in `tests/contracts/test_one_chain.py`)."""

from __future__ import annotations

import pytest

from napari_wsss.core.errors import StepError
from napari_wsss.core.plan import Plan, Step
from napari_wsss.pipeline.chain import applied_source, build_refiner, chain_of, refiner_for


def test_a_segmenter_goes_before_the_localizer_and_brings_the_background() -> None:
    plan = Plan(localizer_checkpoint="a", segmenter_checkpoint="b", refiners=(Step("power_background"),))

    assert applied_source(plan) == "segment"
    assert chain_of(plan, "segment", "x", frozenset()) == ()
    wanted = plan.with_override("image:x", "power_background", {"background_power": 9.0})
    assert chain_of(wanted, "segment", "x", frozenset())[0].parameters == {"background_power": 9.0}
    assert chain_of(wanted, "segment", "y", frozenset()) == ()
    assert len(chain_of(plan, "localize", "x", frozenset())) == 1


def test_a_step_that_is_not_installed_stays_in_the_chain_and_says_what_is_missing() -> None:
    plan = Plan(
        refiners=(Step("no_such_step"), Step("power_background")), segmenter_checkpoint="training/s.safetensors"
    )
    assert chain_of(plan, "segment", "a.png", frozenset()) == (Step("no_such_step"),)
    with pytest.raises(StepError, match="no_such_step"):
        build_refiner(Step("no_such_step"))


def test_a_step_that_is_about_other_classes_changes_nothing() -> None:
    gain = Step("class_gain", {"gains": {"3": 2.0}})
    assert refiner_for(gain, (0, 1)) is None
    assert refiner_for(gain, (2,)) is not None
