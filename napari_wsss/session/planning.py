"""Changing the plan and explaining it: which scope decides each parameter of a refiner."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

from napari_wsss.core.errors import ParameterError, StepError
from napari_wsss.core.inference import Inference, SegmentInference
from napari_wsss.core.parameters import from_dict
from napari_wsss.core.plan import Plan, Step
from napari_wsss.core.registry import Shelf, load_method

PROJECT = "project"
_INFERENCE: Mapping[str, type[Any]] = {"localize": Inference, "segment": SegmentInference}


@dataclass(frozen=True)
class Reason:
    """Why a parameter has its value.

    Parameters
    ----------
    name : str
        The parameter.
    value : object
        What is used.
    scope : str
        Who decides: ``image:<id>``, ``cluster:<name>``, ``class:<name>``, ``project`` or ``default``.
    """

    name: str
    value: Any
    scope: str

    def text(self) -> str:
        """Return one line for a tooltip."""
        return f"{self.name} = {self.value} (from {self.scope})"


def parameters_class(shelf: Shelf, method: str) -> type[Any]:
    """Return the class of the parameters that the plan holds for a method; none of these needs torch.

    Of localizers and segmenters the plan holds how they are run (their own parameters belong to training).
    """
    if shelf in _INFERENCE:
        return _INFERENCE[shelf]
    cls: type[Any] = load_method(shelf, method).Parameters
    return cls


def check_refiners(steps: Sequence[Step]) -> None:
    """Raise `StepError` for a refiner that does not exist, `ParameterError` for parameters it cannot have."""
    for step in steps:
        from_dict(parameters_class("refine", step.method), step.parameters)


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
        return plan.with_override(scope, method, values)
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


def reasons(plan: Plan, method: str, image_id: str, labels: frozenset[str], cluster: str = "") -> tuple[Reason, ...]:
    """Return value and deciding scope of every parameter of a refiner for one image."""
    scopes = [f"image:{image_id}", f"cluster:{cluster}", *(f"class:{name}" for name in sorted(labels, reverse=True))]
    project = next((step.parameters for step in plan.refiners if step.method == method), {})
    layers = [(scope, plan.overrides.get(scope, {}).get(method, {})) for scope in scopes] + [(PROJECT, project)]
    defaults = parameters_class("refine", method)()
    return tuple(_reason(field.name, layers, getattr(defaults, field.name)) for field in fields(defaults))


def _reason(name: str, layers: Sequence[tuple[str, Mapping[str, Any]]], default: Any) -> Reason:
    found = next(((scope, values[name]) for scope, values in layers if name in values), ("default", default))
    return Reason(name, found[1], found[0])


def summary(found: Sequence[Reason]) -> str:
    """Return a tooltip: one line per parameter."""
    return "\n".join(reason.text() for reason in found)
