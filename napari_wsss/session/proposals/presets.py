"""Ready sets of parameters for the whole chain of refiners: soft, balanced and crisp.

``balanced`` is every step's own default, or what is automatic. ``soft`` takes more pixels for objects and smooths over
larger distances; ``crisp`` asks for surer pixels and keeps to edges. A set speaks of the parameters listed here and
leaves others alone.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from napari_wsss.core.background import BACKGROUND_STEPS, parameters_at
from napari_wsss.core.plan import Plan, Step
from napari_wsss.session.proposals import planning
from napari_wsss.session.results.scopes import PROJECT, parameters_class

NAMES = ("soft", "balanced", "crisp")
MODIFIED = "modified"

# Method -> parameter -> (soft, crisp); what balanced takes is declared by the method.
_VALUES: Mapping[str, Mapping[str, tuple[Any, Any]]] = {
    "constant_background": {"background_threshold": (0.22, 0.4)},
    "power_background": {"background_power": (3.5, 1.4)},
    "random_walk": {"affinity_power": (8.0, 14.0), "log2_steps": (6, 4)},
    "pixel_correlation": {"affinity_power": (2.0, 5.0), "iterations": (3, 1)},
    "dense_crf": {
        "preset": ("custom", "custom"),
        "iterations": (5, 10),
        "smooth_sigma": (3.0, 1.0),
        "smooth_weight": (3.0, 3.0),
        "spatial_sigma": (80.0, 60.0),
        "colour_sigma": (20.0, 7.0),
        "weight": (5.0, 10.0),
    },
}


def values_of(preset: str, method: str, plan: Plan) -> dict[str, Any]:
    """Return the parameters that a preset sets for a refiner; none for a refiner it does not speak of.

    Where the background's strength is automatic under the plan, soft and crisp lie beside that.
    """
    listed = _VALUES.get(method, {})
    if plan.automatic and method in BACKGROUND_STEPS:
        t = plan.automatic.threshold
        return parameters_at(method, {"soft": 0.75 * t, "balanced": t, "crisp": 1 - 0.88 * (1 - t)}[preset])
    if preset == "balanced":
        defaults = parameters_class("refine", method)() if listed else None
        return {name: getattr(defaults, name) for name in listed}
    return {name: pair[NAMES[::2].index(preset)] for name, pair in listed.items()}


def with_preset(plan: Plan, preset: str, scope: str) -> Plan:
    """Return the plan with a preset set for ``project`` or another scope, for all of the plan's refiners."""
    for step in plan.refiners:
        values = values_of(preset, step.method, plan)
        if preset == "balanced" and scope == PROJECT and step.method in BACKGROUND_STEPS:
            plan = planning.without_value(plan, step.method, BACKGROUND_STEPS[step.method][0], scope)
        elif values:
            plan = planning.with_parameters(plan, "refine", step.method, values, scope)
    return plan


def preset_of(steps: Sequence[Step], plan: Plan) -> str:
    """Return the preset whose values a chain has under a plan, ``modified`` when it has those of none."""
    for preset in NAMES:
        if all(_has(step, values_of(preset, step.method, plan)) for step in steps):
            return preset
    return MODIFIED


def _has(step: Step, values: Mapping[str, Any]) -> bool:
    if not values:
        return True
    defaults = parameters_class("refine", step.method)()
    return all(_alike(step.parameters.get(name, getattr(defaults, name)), value) for name, value in values.items())


def _alike(one: Any, other: Any) -> bool:
    if isinstance(one, float) and isinstance(other, float):
        return math.isclose(one, other, rel_tol=1e-4)
    return bool(one == other)
