"""Which trained model is used: applying a run's, going back to one used before, and telling who must follow."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from napari_wsss.core.errors import StepError
from napari_wsss.core.plan import Plan
from napari_wsss.pipeline.applied_history import CHECKPOINTS, mark_outdated, model_changes, model_name, with_models_of
from napari_wsss.pipeline.lineage import SHELF_OF_STAGE, Source, has_model, is_asked, method_of, with_model
from napari_wsss.session.proposals.parameters import Tuning
from napari_wsss.session.runs.folders import RunInfo
from napari_wsss.session.signals import reported


@dataclass(frozen=True)
class AppliedModel:
    """One entry of the history of applied models.

    Parameters
    ----------
    time : float
        When it was applied, seconds since 1970 (UTC); 0 for what a project began with.
    shelf : str
        What kind of model changed.
    method : str
    name : str
        Its run's folder.
    plan : Plan
        The plan from then on; going back takes its models, not its refiners.
    missing : str
        Path of a model of that plan that is no longer there, "" when all are.
    """

    time: float
    shelf: Source
    method: str
    name: str
    plan: Plan
    missing: str


class Models(Tuning):
    """The applied models and their history.

    Attributes
    ----------
    device_found : str
        What the device ``auto`` is here, as the computing program said; "" until it was asked.
    """

    device_found: str = ""

    @reported
    def apply_model(self, run: RunInfo) -> bool:
        """Use a run's best checkpoint from now on and propose anew for undecided images; accepted masks stay."""
        project = self.project
        if project is None:
            return False
        checkpoint = run.checkpoint
        if checkpoint is None:
            raise StepError(f"The run {run.folder.name} has no checkpoint yet; wait for its first epoch.")
        shelf = SHELF_OF_STAGE.get(run.stage)
        if shelf is None:
            known = ", ".join(SHELF_OF_STAGE)
            raise StepError(f"A {run.stage} run gives no model to apply; choose one of {known}.")
        relative = Path(os.path.relpath(checkpoint, project.folder)).as_posix()
        plan = with_model(self.plan, shelf, str(run.config.get("method", method_of(self.plan, shelf))), relative)
        return self._use_models(plan, is_asked(plan, shelf))

    @reported
    def use_models_of(self, earlier: AppliedModel) -> bool:
        """Go back to the models of an entry of `applied_models`; what they proposed comes back from what is stored."""
        if self.project is None:
            return False
        if earlier.missing:
            raise StepError(f"The model {earlier.missing} is no longer there; train it again, or choose another.")
        plan = with_models_of(self.plan, earlier.plan)
        if not has_model(plan):
            raise StepError("No model was applied before this one, so there is none to go back to.")
        return plan == self.plan or self._use_models(plan, is_moved=True)

    def _use_models(self, plan: Plan, is_moved: bool) -> bool:
        """Take the models of a plan; undecided images wait for their new proposals if these depend on them."""
        project = self.project
        assert project is not None
        self.cancel_inference()
        if is_moved:
            mark_outdated(project)
        if not self._change_plan(plan):  # the same file, trained further
            self._forget_drawn()
        undecided = set(self._undecided())
        in_order = [image_id for image_id in (self.queue.ids() if self.queue else []) if image_id in undecided]
        started = self.start_inference([*in_order, *(undecided - set(in_order))])
        if is_moved:
            self.model_applied.emit()
        return started

    def applied_models(self, limit: int = 20) -> list[AppliedModel]:
        """Return the models used one after the other, the present one first, at last what the project began with."""
        if self.project is None:
            return []
        changes = model_changes(self.project, limit)
        found = [self._applied(change.time, change.after, change.fields) for change in changes]
        if changes and len(changes) < limit and has_model(changes[-1].before):
            found.append(self._applied(0.0, changes[-1].before, changes[-1].fields))
        return found

    def _applied(self, time: float, plan: Plan, fields: tuple[str, ...]) -> AppliedModel:
        assert self.project is not None
        # A localizer that takes the place of a segmenter empties the segmenter's field: name what came, not what went.
        field = next((name for name in fields if getattr(plan, name)), fields[0])
        used = [path for name in CHECKPOINTS if (path := getattr(plan, name))]
        missing = next((path for path in used if not (self.project.folder / path).is_file()), "")
        name = model_name(getattr(plan, field))
        return AppliedModel(time, CHECKPOINTS[field], method_of(plan, CHECKPOINTS[field]), name, plan, missing)
