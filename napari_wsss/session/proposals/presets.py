"""Ready sets of parameters for the whole chain of refiners: soft, balanced and crisp.

``balanced`` is every step's own default. ``soft`` takes more pixels for objects and smooths over larger distances;
``crisp`` asks for surer pixels and keeps to edges. A set speaks of the parameters listed here and leaves others alone.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from napari_wsss.core.plan import Plan, Step
from napari_wsss.session.proposals import planning
from napari_wsss.session.results.scopes import parameters_class

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


def values_of(preset: str, method: str) -> dict[str, Any]:
    """Return the parameters that a preset sets for a refiner; none for a refiner it does not speak of."""
    listed = _VALUES.get(method, {})
    if preset == "balanced":
        defaults = parameters_class("refine", method)() if listed else None
        return {name: getattr(defaults, name) for name in listed}
    return {name: pair[NAMES[::2].index(preset)] for name, pair in listed.items()}


def with_preset(plan: Plan, preset: str, scope: str) -> Plan:
    """Return the plan with a preset set for ``project`` or another scope, for all of the plan's refiners."""
    for step in plan.refiners:
        values = values_of(preset, step.method)
        if values:
            plan = planning.with_parameters(plan, "refine", step.method, values, scope)
    return plan


def preset_of(steps: Sequence[Step]) -> str:
    """Return the preset whose values a chain has, ``modified`` when it has those of none."""
    for preset in NAMES:
        if all(_has(step, values_of(preset, step.method)) for step in steps):
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
