"""Changes of refiners and their parameters, read from a project's journal so that the last one can be taken back.

Which models are used is part of the plan too, but not of this: a parameter is taken back without its model.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from napari_wsss.core.plan import Plan, Step
from napari_wsss.project.project import Project

_LOOKED_THROUGH = 100
"""Newest changes of the plan that are looked through for one of parameters."""


@dataclass(frozen=True)
class ParameterChange:
    """One change of refiners or their parameters.

    Parameters
    ----------
    number : int
        Of the journal's entry.
    before, after : mapping
        Written plans; of the overrides, the scopes that changed.
    """

    number: int
    before: Mapping[str, Any]
    after: Mapping[str, Any]

    def taken_back(self, plan: Plan) -> Plan:
        """Return the plan as it was before the change, which must be the last one of its kind."""
        overrides = {scope: inner for scope, inner in plan.overrides.items() if scope not in self.after["overrides"]}
        refiners = tuple(Step.from_dict(record) for record in self.before["refiners"])
        return replace(plan, refiners=refiners, overrides={**overrides, **self.before["overrides"]})

    def text(self) -> str:
        """Return what was changed in one line: ``dense_crf: weight 10 → 4 (image:cat.jpg)``."""
        found = list(_differences(self.before, self.after))
        more = f" and {len(found) - 1} more" if len(found) > 1 else ""
        return f"{found[0]}{more}" if found else "the refiners"


def last_change(project: Project) -> ParameterChange | None:
    """Return the newest change of parameters that was not taken back, None without one."""
    for entry in project.journal.recent(_LOOKED_THROUGH, ("plan",)):
        if entry.undone or not entry.before or not entry.after:
            continue
        differs = any(entry.before.get(part) != entry.after.get(part) for part in ("refiners", "overrides"))
        if differs and _is_plan(entry.before) and _is_plan(entry.after):
            return ParameterChange(entry.number, entry.before, entry.after)
    return None


def _is_plan(record: Mapping[str, Any]) -> bool:
    """Tell whether a record can be read as the parts of a plan that parameters are in."""
    try:
        Plan.from_dict(record)
    except (KeyError, TypeError, ValueError, AttributeError):
        return False
    return "refiners" in record and "overrides" in record


def mark_taken_back(project: Project, change: ParameterChange) -> None:
    """Note that the newest change of the plan took `change` back: neither is taken back again."""
    (newest,) = project.journal.recent(1, ("plan",))
    for number in (change.number, newest.number):
        project.journal.mark_undone(number)


def _differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[str]:
    first, second = _by_scope(before), _by_scope(after)
    for scope, method in dict.fromkeys((*first, *second)):
        one, other = first.get((scope, method), {}), second.get((scope, method), {})
        for name in dict.fromkeys((*one, *other)):
            if one.get(name) != other.get(name):
                old, new = (_shown(values.get(name)) for values in (one, other))
                yield f"{method}: {name} {old} → {new} ({scope})"


def _by_scope(plan: Mapping[str, Any]) -> dict[tuple[str, str], Mapping[str, Any]]:
    found = {("project", step["method"]): step["parameters"] for step in plan["refiners"]}
    for scope, inner in plan["overrides"].items():
        found |= {(scope, method): values for method, values in inner.items()}
    return found


def _shown(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.4g}"
    return "–" if value is None else str(value)
