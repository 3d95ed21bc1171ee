"""The plan's scopes: set, reset, explained; bounds are checked before anything changes."""

from __future__ import annotations

import sys
from typing import Any

import pytest

from napari_wsss.core.errors import ParameterError, StepError
from napari_wsss.core.plan import Plan, Step
from napari_wsss.session.proposals import planning

POWER = "power_background"


def plan() -> Plan:
    return Plan(refiners=(Step(POWER, {"background_power": 8.0}),))


@pytest.mark.parametrize("scope", ["image:a.png", "class:dog", "cluster:3"])
def test_scopes_override_the_project(scope: str) -> None:
    changed = planning.with_parameters(plan(), "refine", POWER, {"background_power": 2.0}, scope)
    assert changed.refiners == plan().refiners
    assert changed.overrides == {scope: {POWER: {"background_power": 2.0}}}
    assert planning.without_override(changed, scope) == plan()
    assert planning.without_override(changed, scope, POWER) == plan()
    assert planning.without_override(changed, scope, "dense_crf") == changed


def test_project_scope_changes_the_step() -> None:
    changed = planning.with_parameters(plan(), "refine", POWER, {"background_power": 2.0}, "project")
    assert changed.refiners == (Step(POWER, {"background_power": 2.0}),)


def test_inference_parameters_belong_to_the_project() -> None:
    changed = planning.with_parameters(plan(), "localize", "cam", {"preset": "single"}, "project")
    assert changed.localizer == Step("cam", {"preset": "single"})
    with pytest.raises(ParameterError, match="image:a"):
        planning.with_parameters(plan(), "localize", "cam", {"preset": "single"}, "image:a.png")


@pytest.mark.parametrize(("method", "scope"), [("dense_crf", "project"), (POWER, "everywhere")])
def test_what_the_plan_does_not_hold_is_refused(method: str, scope: str) -> None:
    with pytest.raises(ParameterError):
        planning.with_parameters(plan(), "refine", method, {}, scope)


@pytest.mark.parametrize("values", [{"background_power": -1.0}, {"background_power": "much"}, {"alpha": 1.0}])
def test_bounds_types_and_names_are_checked(values: dict[str, Any]) -> None:
    with pytest.raises(ParameterError):
        planning.checked("refine", POWER, values)


def test_unknown_methods_are_named() -> None:
    with pytest.raises(StepError, match="sharpen"):
        planning.checked("refine", "sharpen", {})


def test_inference_settings_are_checked_without_the_method() -> None:
    assert planning.checked("localize", "cam", {"preset": "single"}) == {"preset": "single"}


def test_steps_that_ask_for_saliency_are_found() -> None:
    assert planning.asks_for([Step(POWER), Step("saliency_fusion")], "saliency")
    assert not planning.asks_for([Step(POWER)], "saliency")
    assert not planning.asks_for([Step("no_such_step")], "saliency")


def test_numbers_of_a_preset_are_changed_by_leaving_it():
    found = planning.changed_with(Step("dense_crf", {"preset": "psa"}), {"weight": 7.5})
    assert (found["preset"], found["weight"]) == ("custom", 7.5)
    assert planning.changed_with(Step("power_background"), {"background_power": 3.0}) == {"background_power": 3.0}


def test_what_is_not_installed_is_named_without_loading_anything(monkeypatch: pytest.MonkeyPatch) -> None:
    assert planning.missing_for(POWER) is None
    for name in ("pydensecrf", "pydensecrf.densecrf"):
        monkeypatch.setitem(sys.modules, name, None)
    missing = planning.missing_for("dense_crf")
    assert missing is not None
    assert missing.instead == "pixel_correlation"


def test_what_comes_nearest_takes_a_place_where_it_can_run() -> None:
    chain = (Step(POWER), Step("dense_crf"))
    nearest = (Step("pixel_correlation"), Step(POWER))
    assert planning.with_instead(chain, "dense_crf", "pixel_correlation") == nearest
    assert planning.with_instead((*chain, nearest[0]), "dense_crf", "pixel_correlation") == nearest
    swapped = planning.with_instead(nearest, "pixel_correlation", "dense_crf")
    assert [step.method for step in swapped] == ["dense_crf", POWER]
