"""Changing the plan: parameters checked and set for a scope, or forgotten there."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from importlib.util import find_spec
from typing import Any

from napari_wsss.core.errors import ParameterError, StepError
from napari_wsss.core.parameters import from_dict
from napari_wsss.core.plan import Plan, Step
from napari_wsss.core.registry import Shelf, load_method
from napari_wsss.pipeline.chain import CLASS_GAIN
from napari_wsss.session.results.scopes import PROJECT, parameters_class


def check_refiners(steps: Sequence[Step]) -> None:
    """Raise `StepError` for a refiner that does not exist, `ParameterError` for parameters it cannot have."""
    for step in steps:
        from_dict(parameters_class("refine", step.method), step.parameters)


def missing_for(method: str) -> StepError | None:
    """Return what a refiner needs that is not installed, None when all is there; nothing of it is loaded."""
    cls = load_method("refine", method)
    if all(find_spec(module.partition(".")[0]) for module in cls.requires):
        return None
    try:
        cls.check_installed()
    except StepError as missing:
        return missing
    return None


def with_instead(steps: Sequence[Step], method: str, instead: str) -> tuple[Step, ...]:
    """Return a chain with `instead` for `method`: in its place, or in front where it needs no background."""
    rest = tuple(step for step in steps if step.method != instead)
    if "background" not in load_method("refine", instead).needs:
        return (Step(instead), *(step for step in rest if step.method != method))
    return tuple(Step(instead) if step.method == method else step for step in rest)


def asks_for(steps: Sequence[Step], what: str) -> bool:
    """Return True when one of the refiners needs `what` (``saliency``, ``features``); unknown ones do not count."""
    try:
        return any(what in load_method("refine", step.method).needs for step in steps)
    except StepError:
        return False


def checked(shelf: Shelf, method: str, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return `values` when each is a parameter of the method, of its type and within its bounds.

    Raises
    ------
    ParameterError
        Naming the field, what was found and what is expected.
    """
    cls = parameters_class(shelf, method)
    made = from_dict(cls, values)
    return {name: getattr(made, name) for name in values}


def changed_with(step: Step, values: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the parameters of a refiner to set so that a person's `values` count (a preset left for its numbers)."""
    cls = load_method("refine", step.method)
    found: Mapping[str, Any] = cls(from_dict(cls.Parameters, step.parameters)).changed_with(values)
    return found


def with_parameters(plan: Plan, shelf: Shelf, method: str, values: Mapping[str, Any], scope: str) -> Plan:
    """Return the plan with `values` set for ``project`` or for ``image:<id>``, ``cluster:<name>``, ``class:<name>``.

    Raises
    ------
    ParameterError
        When the method is not part of the plan or the scope is unknown.
    """
    if scope != PROJECT:
        if shelf != "refine" or scope.partition(":")[0] not in ("image", "cluster", "class"):
            raise ParameterError(f"{shelf} parameters cannot be set for {scope!r}; set them for the project.")
        return (with_class_gain(plan) if method == CLASS_GAIN else plan).with_override(scope, method, values)
    if shelf == "refine" and method == CLASS_GAIN:
        plan = with_class_gain(plan)
    if shelf == "refine":
        steps = tuple(step.with_parameters(values) if step.method == method else step for step in plan.refiners)
        if steps == plan.refiners and method not in {step.method for step in steps}:
            raise ParameterError(f"{method} is not among the refiners of this project; add it first.", name=method)
        return replace(plan, refiners=steps)
    if shelf == "localize":
        return replace(plan, localizer=_laid_over(plan.localizer, method, values))
    if shelf == "segment":
        return replace(plan, segmenter=_laid_over(plan.segmenter, method, values))
    raise ParameterError(f"The plan holds no {shelf} step yet.", name=method)


def with_class_gain(plan: Plan) -> Plan:
    """Return the plan with the step of class gains, put first where it was not among the refiners.

    Images whose classes all count once are computed as without it.
    """
    if any(step.method == CLASS_GAIN for step in plan.refiners):
        return plan
    return replace(plan, refiners=(Step(CLASS_GAIN), *plan.refiners))


def _laid_over(step: Step | None, method: str, values: Mapping[str, Any]) -> Step:
    return step.with_parameters(values) if step is not None and step.method == method else Step(method, dict(values))


def without_override(plan: Plan, scope: str, method: str = "") -> Plan:
    """Return the plan in which `scope` no longer overrides `method` (or anything, without a method)."""
    overrides = {key: {m: dict(v) for m, v in inner.items()} for key, inner in plan.overrides.items()}
    inner = overrides.get(scope, {})
    for name in [method] if method else list(inner):
        inner.pop(name, None)
    if not inner:
        overrides.pop(scope, None)
    return replace(plan, overrides=overrides)


def without_value(plan: Plan, method: str, name: str, scope: str, entry: str = "") -> Plan:
    """Return the plan in which `scope` (also ``project``) no longer says anything about one parameter of a refiner.

    Parameters
    ----------
    entry : str
        Of a parameter that is a mapping, the only entry to forget.
    """
    if scope == PROJECT:
        steps = (Step(one.method, _forgetting(one.parameters, name, entry)) for one in plan.refiners)
        kept = (new if old.method == method else old for old, new in zip(plan.refiners, steps, strict=True))
        return replace(plan, refiners=tuple(kept))
    values = _forgetting(plan.overrides.get(scope, {}).get(method, {}), name, entry)
    plan = without_override(plan, scope, method)
    return plan.with_override(scope, method, values) if values else plan


def _forgetting(values: Mapping[str, Any], name: str, entry: str) -> dict[str, Any]:
    kept = dict(values)
    value = kept.pop(name, None)
    if entry and isinstance(value, Mapping):
        kept[name] = {key: one for key, one in value.items() if key != entry}
    return {key: one for key, one in kept.items() if one != {}}
