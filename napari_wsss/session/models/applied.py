"""Which trained model is used: applying a run's, going back to one used before, and telling who must follow."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from napari_wsss.core.errors import StepError
from napari_wsss.core.inside import has_file
from napari_wsss.core.plan import Plan
from napari_wsss.pipeline.apply import (
    CHECKPOINTS,
    apply,
    apply_earlier,
    base_field,
    model_changes,
    model_name,
    with_models_of,
)
from napari_wsss.pipeline.learner_states import plan_with
from napari_wsss.pipeline.lineage import SHELF_OF_STAGE, ModelShelf, has_model, method_of
from napari_wsss.pipeline.map_imports import apply_kept
from napari_wsss.pipeline.recommended import Offer, is_wanted, take
from napari_wsss.project.project import Project
from napari_wsss.session.proposals.inference import Inference
from napari_wsss.session.proposals.sliders import Sliders
from napari_wsss.session.runs.folders import RunInfo
from napari_wsss.session.signals import Signals, reported
from napari_wsss.session.table.navigation import Navigation
from napari_wsss.session.table.opened import Opened
from napari_wsss.session.table.table import Table


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
    shelf: ModelShelf
    method: str
    name: str
    plan: Plan
    missing: str


class AppliedModels:
    """The applied models and their history.

    Parameters
    ----------
    opened : Opened
    navigation : Navigation
        Gives the order to compute in.
    inference : Inference
    sliders : Sliders
        Change the plan.
    signals : Signals
    """

    def __init__(
        self, opened: Opened, navigation: Navigation, inference: Inference, sliders: Sliders, signals: Signals
    ) -> None:
        self._opened, self._navigation = opened, navigation
        self._inference, self._sliders, self.signals = inference, sliders, signals

    def uses(self, run: RunInfo) -> bool:
        """Return whether the plan holds a run's checkpoint, not trained further since: applying it changes nothing."""
        table, checkpoint = self._opened.or_none, run.checkpoint
        if table is None or checkpoint is None:
            return False
        hidden = {"localizer_checkpoint", "segmenter_checkpoint"} - {base_field(table.plan)}  # gives no proposal now
        fields = [one for one in CHECKPOINTS if one not in hidden and getattr(table.plan, one)]
        field = next((one for one in fields if table.project.folder / getattr(table.plan, one) == checkpoint), "")
        since = next((change.time for change in model_changes(table.project) if field in change.fields), 0.0)
        return bool(field) and checkpoint.stat().st_mtime <= since

    @reported
    def apply(self, run: RunInfo) -> bool:
        """Use a run's best checkpoint from now on and propose anew for undecided images; accepted masks stay."""
        table = self._opened.table
        checkpoint = run.checkpoint
        if checkpoint is None:
            raise StepError(f"The run of {run.clock} has no checkpoint yet; wait for its first epoch.")
        shelf = SHELF_OF_STAGE.get(run.stage)
        if shelf is None:
            known = ", ".join(SHELF_OF_STAGE)
            raise StepError(f"A {run.stage} run gives no model to apply; choose one of {known}.")
        self._inference.cancel()
        before = table.plan
        is_moved = apply(table.project, shelf, str(run.config.get("method", method_of(before, shelf))), checkpoint)
        return self._follow(table, before, is_moved)

    @reported
    def apply_learned(self, method: str, checkpoint: Path, *, is_last: bool) -> bool:
        """Use what a learner beside the window learned; the shown image keeps its proposal until it is asked for.

        Parameters
        ----------
        method : str
            The learner's, of the ``segment`` shelf.
        checkpoint : Path
            Of its new state.
        is_last : bool
            False when a better one follows soon; then nobody is told yet to look at what the model changed.
        """
        table = self._opened.table
        self._inference.cancel()
        self._inference.hold_back()
        before, chain = table.plan, plan_with(table.project, checkpoint).refiners
        is_moved = apply(table.project, "segment", method, checkpoint, chain)
        started = self._follow(table, before, is_moved, is_last, quiet=True)
        self._navigation.look_ahead()
        return started

    def propose_again(self, ids: Sequence[str]) -> None:
        """Compute what is missing of images, quietly."""
        self._inference.start(ids, quiet=True)

    @reported
    def apply_kept(self, checkpoint: Path) -> bool:
        """Use maps that were made elsewhere (the list of `pipeline.map_imports`) in place of a localizer."""
        table = self._opened.table
        self._inference.cancel()
        before = table.plan
        return self._follow(table, before, apply_kept(table.project, checkpoint))

    @reported
    def take(self, offer: Offer) -> bool:
        """Use a model that a recommended start offers, with the chain that suits it; False when it is not wanted."""
        table = self._opened.table
        if not is_wanted(table.project, offer):
            return False
        self._inference.cancel()
        before = table.plan
        return self._follow(table, before, take(table.project, offer))

    @reported
    def go_back_to(self, earlier: AppliedModel) -> bool:
        """Go back to the models of an entry of `history`; what they proposed comes back from what is stored."""
        table = self._opened.table
        before = table.plan
        if earlier.missing:
            raise StepError(f"The model {earlier.missing} is no longer there; train it again, or choose another.")
        plan = with_models_of(before, earlier.plan)
        if not has_model(plan):
            raise StepError("No model was applied before this one, so there is none to go back to.")
        if plan == before:
            return True
        self._inference.cancel()
        apply_earlier(table.project, earlier.plan)
        return self._follow(table, before, is_moved=True)

    def _follow(self, table: Table, before: Plan, is_moved: bool, tells: bool = True, *, quiet: bool = False) -> bool:
        """Show what the project's new models say; undecided images get new proposals if these depend on them."""
        if is_moved:
            table.refresh()
        if table.plan != before:
            self._sliders.follow_plan(before)
        else:  # the same file, trained further
            self._sliders.forget_drawn()
        undecided = set(self._inference.undecided())
        in_order = [image_id for image_id in self._navigation.queue.ids_from(table.image_id) if image_id in undecided]
        started = self._inference.start([*in_order, *(undecided - set(in_order))], quiet=quiet)
        if is_moved and tells:
            self.signals.model_applied.emit()
        return started

    def history(self, limit: int = 20) -> list[AppliedModel]:
        """Return the models used one after the other, the present one first, at last what the project began with."""
        project = self._opened.table.project
        changes = model_changes(project, limit)
        found = [_applied(project, change.time, change.after, change.fields) for change in changes]
        if changes and len(changes) < limit and has_model(changes[-1].before):
            found.append(_applied(project, 0.0, changes[-1].before, changes[-1].fields))
        return found


def _applied(project: Project, time: float, plan: Plan, fields: tuple[str, ...]) -> AppliedModel:
    # A localizer that takes the place of a segmenter empties the segmenter's field: name what came, not what went.
    field = next((name for name in fields if getattr(plan, name)), fields[0])
    used = [path for name in CHECKPOINTS if (path := getattr(plan, name))]
    missing = next((path for path in used if not has_file(project.folder, path)), "")
    name = model_name(getattr(plan, field))
    return AppliedModel(time, CHECKPOINTS[field], method_of(plan, CHECKPOINTS[field]), name, plan, missing)
