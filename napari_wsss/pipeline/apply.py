"""*Apply*: a project uses another model from now on; those it used before, read from its journal, and going back."""

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Any

from napari_wsss.core.background import AutomaticBackground
from napari_wsss.core.errors import ProjectError, StepError
from napari_wsss.core.inside import is_below
from napari_wsss.core.plan import Plan, Step
from napari_wsss.pipeline.background import declared_background
from napari_wsss.pipeline.chain import applied_source
from napari_wsss.pipeline.lineage import ModelShelf, has_model, is_asked, with_model
from napari_wsss.project.journal import Entry
from napari_wsss.project.project import Project
from napari_wsss.project.states import UNDECIDED

CHECKPOINTS: dict[str, ModelShelf] = {
    "localizer_checkpoint": "localize",
    "segmenter_checkpoint": "segment",
    "affinity_checkpoint": "affinity",
    "saliency_checkpoint": "saliency",
}
"""Where a plan holds its models -> their shelf."""
LEARNER = "learner"
"""The folder of training that holds a learner's states (see `pipeline.learner_states`)."""
SCOPED = ("overrides", "companions")
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
        As they were at that moment. The journal keeps only what changed of scopes and companions, so
        these are complete only in `last_move`.
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


def apply(
    project: Project,
    shelf: ModelShelf,
    method: str,
    checkpoint: Path,
    refiners: Sequence[Step] | None = None,
    automatic: AutomaticBackground | None = None,
) -> bool:
    """Let a project use a trained model; return True when its proposals depend on it.

    Accepted masks stay. Where proposals depend on the model, those of undecided images are noted as old.

    Parameters
    ----------
    project : Project
    shelf : str
        The model's.
    method : str
    checkpoint : Path
        Its file. That of the model in use means that it was trained further.
    refiners : sequence of Step, optional
        The chain from now on, as part of the same change; the plan's stays without it.
    automatic : AutomaticBackground, optional
        In place of the background strength that a localizer declares.

    Raises
    ------
    ProjectError
        When the project is open read-only, or the file lies outside the project.
    """
    plan = with_applied(project, shelf, method, checkpoint)
    if refiners is not None:
        plan = replace(plan, refiners=tuple(refiners))
    if automatic is not None:
        plan = replace(plan, automatic=automatic)
    project.set_plan(plan)
    is_moved = is_asked(plan, shelf)
    if is_moved:
        _mark_outdated(project)
    return is_moved


def with_applied(project: Project, shelf: ModelShelf, method: str, checkpoint: Path) -> Plan:
    """Return the plan a project has once a model is applied; parameters and errors as `apply` has them."""
    if not is_below(project.folder, checkpoint):
        raise ProjectError(
            f"{checkpoint} lies outside the project {project.folder}, which would lose it when either moves. Take it "
            f"into the project with: python -P -m training.run adopt --project {project.folder} --weights {checkpoint}"
        )
    relative = Path(os.path.relpath(checkpoint, project.folder)).as_posix()
    plan = with_model(project.plan, shelf, method, relative)
    if shelf == "localize" and plan != project.plan:
        plan = replace(plan, automatic=declared_background(method))
    return plan


def rival_of(project: Project, candidate: Plan) -> Plan:
    """Return the plan that a candidate is held against: the project's, or, if that is it, the one before.

    Raises
    ------
    StepError
        When no model is applied, or the candidate is what has always been used.
    """
    if not has_model(project.plan):
        raise StepError("No model is applied to this project yet, so there is nothing to compare with. Apply one.")
    if candidate != project.plan:
        return project.plan
    move = last_move(project)
    if move is None:
        raise StepError(
            "The project uses this, and has used no other model before it. Choose another run, or another chain."
        )
    return with_models_of(project.plan, move.before)


def apply_earlier(project: Project, earlier: Plan) -> None:
    """Let a project use the models of an earlier plan again; see `apply`."""
    project.set_plan(with_models_of(project.plan, earlier))
    _mark_outdated(project)


def base_field(plan: Plan) -> str:
    """Return the name of the plan's field that holds the model its base maps come from."""
    return "segmenter_checkpoint" if applied_source(plan) == "segment" else "localizer_checkpoint"


def model_name(checkpoint: str) -> str:
    """Return what a person calls a model: its run's folder, ``learner 0007`` for a learner's, "no model" for none."""
    path = PurePosixPath(checkpoint)
    if path.parent.name == LEARNER:
        return f"{LEARNER} {path.stem}"
    return (path.parent.name or path.stem) if checkpoint else "no model"


def base_name(plan: Plan) -> str:
    """Return the name of the model a plan's base maps come from."""
    return model_name(getattr(plan, base_field(plan)))


def model_changes(project: Project, limit: int = 20) -> list[ModelChange]:
    """Return the last changes of models, newest first."""
    entries = project.journal.differing("plan", tuple(CHECKPOINTS), limit)
    return [change for entry in entries if (change := _read(entry)) is not None]


def _read(entry: Entry) -> ModelChange | None:
    """Return the change that an entry holds, None where it is damaged."""
    try:
        return ModelChange(entry.number, entry.time, Plan.from_dict(entry.before), Plan.from_dict(entry.after))
    except (KeyError, TypeError, ValueError, AttributeError):
        return None


def last_move(project: Project) -> ModelChange | None:
    """Return the last change that gave images new proposals, `before` as it was; None while there was one model."""
    found = next((change for change in model_changes(project) if change.moves_proposals), None)
    if found is None or not getattr(found.before, base_field(found.before)):
        return None
    return replace(found, before=replace(found.before, **_scopes_before(project, found.number)))


def _scopes_before(project: Project, number: int) -> dict[str, Any]:
    """Return overrides and companions as they were before an entry, by taking back every entry since."""
    plan = project.plan.to_dict()
    entries, last = list[Entry](), number - 1
    while page := project.journal.entries(last, kinds=("plan",)):
        entries += page
        last = page[-1].number
    scopes: dict[str, dict[str, Any]] = {part: dict(plan[part]) for part in SCOPED}
    for entry in reversed(entries):
        for part, values in scopes.items():
            for key in entry.after.get(part, {}):
                values.pop(key, None)
            values.update(entry.before.get(part, {}))
    kept = Plan.from_dict(scopes)
    return {part: getattr(kept, part) for part in SCOPED}


def with_models_of(plan: Plan, kept: Plan) -> Plan:
    """Return a plan with the models of another one; refiners and everything a person chose stay."""
    return replace(plan, **{name: getattr(kept, name) for name in (*STEPS, *CHECKPOINTS, "automatic")})


def _mark_outdated(project: Project) -> None:
    """Note that another model gives the proposals: those of undecided images are old, and none is compared with it."""
    project.catalog.mark_stale(UNDECIDED)
    project.catalog.forget_changes()
