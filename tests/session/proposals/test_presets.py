"""Presets set what they list, as one plan, and are recognised again."""

from __future__ import annotations

import pytest

from napari_wsss.core.background import AutomaticBackground
from napari_wsss.core.plan import Plan, Step
from napari_wsss.core.registry import method_names
from napari_wsss.session.proposals import planning, presets
from napari_wsss.session.results.live import threshold_in

CHAIN = tuple(
    Step(name) for name in ("random_walk", "pixel_correlation", "power_background", "dense_crf", "class_gain")
)


@pytest.mark.parametrize("scope", ["project", "class:cat", "image:a"])
def test_each_preset_is_recognised(scope: str) -> None:
    for preset in presets.NAMES:
        plan = presets.with_preset(Plan(refiners=CHAIN), preset, scope)
        assert presets.preset_of(plan.refiners_for("a", frozenset({"cat"})), plan) == preset


def test_defaults_are_balanced_and_anything_else_is_modified() -> None:
    assert presets.preset_of(CHAIN, Plan()) == "balanced"
    louder = (Step("class_gain", {"gains": {"1": 2.0}}),)
    assert presets.preset_of((*CHAIN, *louder), Plan()) == "balanced"  # no preset speaks of it
    assert presets.preset_of((Step("power_background", {"background_power": 9.0}),), Plan()) == presets.MODIFIED


def test_all_values_are_possible() -> None:
    for method in method_names("refine"):
        for preset in presets.NAMES:
            values = presets.values_of(preset, method, Plan())
            assert planning.checked("refine", method, values) == values


def test_presets_lie_beside_what_is_automatic() -> None:
    plan = Plan(refiners=CHAIN, automatic=AutomaticBackground(0.7))
    assert presets.preset_of(plan.steps, plan) == "balanced"
    thresholds = []
    for preset in presets.NAMES:
        changed = presets.with_preset(plan, preset, "project")
        assert presets.preset_of(changed.steps, changed) == preset
        thresholds.append(threshold_in(changed.steps))
    assert thresholds == sorted(thresholds)
    assert thresholds[1] == pytest.approx(0.7, abs=1e-5)


def test_balanced_lets_the_project_s_background_be_automatic_again() -> None:
    plan = Plan(refiners=(Step("power_background", {"background_power": 9.0}),), automatic=AutomaticBackground(0.7))
    assert presets.with_preset(plan, "balanced", "project").refiners == (Step("power_background"),)
