"""Which scope decides a parameter."""

from __future__ import annotations

from napari_wsss.core.plan import Plan, Step
from napari_wsss.session.proposals import planning
from napari_wsss.session.results.scopes import layers_of, reasons

POWER = "power_background"


def test_the_most_specific_scope_decides_and_is_named() -> None:
    labels = frozenset({"cat", "dog"})
    changed = Plan(refiners=(Step(POWER, {"background_power": 8.0}),))
    found = []
    for scope, value in [
        ("project", 8.0),
        ("class:cat", 5.0),
        ("class:dog", 6.0),
        ("cluster:3", 3.0),
        ("image:a", 2.0),
    ]:
        changed = planning.with_parameters(changed, "refine", POWER, {"background_power": float(value)}, scope)
        (reason,) = reasons(layers_of(changed, POWER, "a", labels, ("3",)), POWER)
        (step,) = changed.refiners_for("a", labels, ("3",))
        assert step.parameters["background_power"] == reason.value
        found.append(reason.scope)
    assert found == ["project", "class:cat", "class:dog", "cluster:3", "image:a"]


def test_a_default_is_called_a_default() -> None:
    (reason,) = reasons(layers_of(Plan(), POWER, "a", frozenset()), POWER)
    assert (reason.name, reason.value, reason.scope) == ("background_power", 2.0, "default")
    assert reason.place == "default"
