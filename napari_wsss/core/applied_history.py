"""Which models a project has used one after the other, read from its journal, and how to use an earlier one again."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import PurePosixPath

from napari_wsss.core.catalog import UNDECIDED
from napari_wsss.core.lineage import Source, applied_source, is_asked
from napari_wsss.core.plan import Plan
from napari_wsss.core.project import Project

CHECKPOINTS: dict[str, Source] = {
    "localizer_checkpoint": "localize",
    "segmenter_checkpoint": "segment",
    "affinity_checkpoint": "affinity",
    "saliency_checkpoint": "saliency",
}
"""Where a plan holds its models -> their shelf."""
STEPS = ("localizer", "segmenter", "affinity", "saliency")


@dataclass(frozen=True)
class ModelChange:
    """A moment at which a project began to use another model.

    Parameters
    ----------
    number : int
        Of the journal's entry.
    time : float
        Seconds since 1970 (UTC).
    before, after : Plan
        As they were at that moment.
    """

    number: int
    time: float
    before: Plan
    after: Plan

    @property
    def fields(self) -> tuple[str, ...]:
        """Those of `CHECKPOINTS` that changed."""
        return tuple(name for name in CHECKPOINTS if getattr(self.before, name) != getattr(self.after, name))

    @property
    def moves_proposals(self) -> bool:
        """True when proposals depend on a model that changed."""
        return any(
            is_asked(plan, CHECKPOINTS[name])
            for name in self.fields
            for plan in (self.before, self.after)
            if name not in ("localizer_checkpoint", "segmenter_checkpoint") or name == base_field(plan)
        )


def base_field(plan: Plan) -> str:
    """Return the name of the plan's field that holds the model its base maps come from."""
    return "segmenter_checkpoint" if applied_source(plan) == "segment" else "localizer_checkpoint"


def model_name(checkpoint: str) -> str:
    """Return what a person calls a model: the name of its run's folder; "no model" for an empty path."""
    path = PurePosixPath(checkpoint)
    return (path.parent.name or path.stem) if checkpoint else "no model"


def base_name(plan: Plan) -> str:
    """Return the name of the model a plan's base maps come from."""
    return model_name(getattr(plan, base_field(plan)))


def model_changes(project: Project, limit: int = 20) -> list[ModelChange]:
    """Return the last changes of models, newest first."""
    entries = project.journal.differing("plan", tuple(CHECKPOINTS), limit)
    return [
        ModelChange(entry.number, entry.time, Plan.from_dict(entry.before), Plan.from_dict(entry.after))
        for entry in entries
    ]


def last_move(project: Project) -> ModelChange | None:
    """Return the last change that gave images new proposals; None while there was only one model."""
    found = next((change for change in model_changes(project) if change.moves_proposals), None)
    return found if found is not None and getattr(found.before, base_field(found.before)) else None


def with_models_of(plan: Plan, kept: Plan) -> Plan:
    """Return a plan with the models of another one; refiners and everything a person chose stay."""
    return replace(plan, **{name: getattr(kept, name) for name in (*STEPS, *CHECKPOINTS)})


def mark_outdated(project: Project) -> None:
    """Note that another model gives the proposals: those of undecided images are old, and none is compared with it."""
    project.catalog.mark_stale(UNDECIDED)
    project.catalog.forget_changes()
