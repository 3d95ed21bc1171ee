"""What the machine computes: maps and proposals of the shown image and of the whole queue, in the background."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from napari_wsss.core.errors import ProjectError, StepError
from napari_wsss.core.maps import ActivationMaps
from napari_wsss.core.plan import Plan, Step
from napari_wsss.core.plural import counted
from napari_wsss.pipeline.lineage import has_model
from napari_wsss.project.states import UNDECIDED
from napari_wsss.session.jobs import Job, Jobs
from napari_wsss.session.results import stages
from napari_wsss.session.results.machine import Machine, read_machine
from napari_wsss.session.results.preview import Preview, Subject
from napari_wsss.session.results.shown import Shown
from napari_wsss.session.results.wanted import LeftOut, Wanted, propose_wanted
from napari_wsss.session.settings import Settings
from napari_wsss.session.signals import Signals, reported
from napari_wsss.session.table.hooks import Hook
from napari_wsss.session.table.navigation import Navigation
from napari_wsss.session.table.opened import Opened
from napari_wsss.session.table.table import Table

INFERENCE = "inference"


class Inference:
    """Maps and proposals, and the jobs that make them.

    Parameters
    ----------
    opened : Opened
    navigation : Navigation
        Gives the order to compute in.
    jobs : Jobs
    signals : Signals
    settings : Settings
        Which device computes.

    Attributes
    ----------
    shown : Hook
        What the machine has for the shown image was replaced.
    holds_back : bool
        True while the shown image keeps its proposal although the models in use have another one.
    finished : Hook
        Images (their ids) have maps and proposals now.
    idle : Hook
        Nothing more is wanted.
    """

    def __init__(
        self, opened: Opened, navigation: Navigation, jobs: Jobs, signals: Signals, settings: Settings
    ) -> None:
        self._opened, self._navigation, self._jobs = opened, navigation, jobs
        self.signals, self._settings = signals, settings
        self.shown: Hook[[]] = Hook()
        self.finished: Hook[Sequence[str]] = Hook()
        self.idle: Hook[[]] = Hook()
        self._wanted = Wanted()
        self._preview = Preview(jobs, self._previewed, signals.drawing_changed.emit, self._preview_failed)
        self._subject: tuple[object, Subject] | None = None
        self._storing: set[str] = set()  # images whose results are shown already and only have to be stored
        self._last_failure = ""
        self.holds_back = False

    # -- the shown image --------------------------------------------------------------------------------------

    def begin(self, image_id: str = "") -> None:
        """Stop drawing the image that was shown before; compute this one next, if it waits for anything."""
        self.forget_preview()
        self._storing.clear()
        self.holds_back = False
        self._wanted.hurry(image_id)

    def end(self) -> None:
        """Want nothing any more: the project closes."""
        self._wanted.clear()
        self.begin()

    def ask_where_missing(self, image_id: str) -> None:
        """Have the shown image's proposal computed where there is none."""
        table = self._opened.table
        if table.proposal is None and not table.shown.awaits_labels:
            self._ask_for(table, image_id)

    @property
    def is_drawing(self) -> bool:
        """True while the shown proposal is being drawn anew in the background after a change of parameters."""
        return self._preview.is_busy

    @property
    def is_working(self) -> bool:
        """True while maps and proposals are made in the background, of this image or of others."""
        running = self._jobs.find(INFERENCE)
        return self.is_drawing or (running is not None and not running.is_over)

    def redraw(self, ask: bool = True) -> None:
        """Bring what the machine shows to the current plan and labels.

        What is not computed yet is asked for; until it is whole, the old maps and proposal stay.
        """
        table = self._opened.table
        if not table.image_id:
            return
        self._storing.clear()
        self.holds_back = False
        shown = table.shown.under(table.plan)
        machine = read_machine(table.project, shown, _base_maps(table, shown), table.machine)
        is_whole = machine.proposal is not None
        self.show(machine if is_whole or shown.awaits_labels else _until_whole(table, shown, machine))
        if ask and not is_whole and not shown.awaits_labels:
            self._ask_for(table, table.image_id)

    def hold_back(self) -> None:
        """Let the shown image keep its proposal when other models come into use, until `show_held_back`."""
        self.holds_back = self._opened.table.proposal is not None

    def show_held_back(self) -> bool:
        """Show what the models in use propose for the shown image; return False when that is shown already."""
        if not self.holds_back:
            return False
        self._opened.table.refresh()
        self.redraw()
        return True

    def show(self, machine: Machine) -> None:
        """Show other results of the machine for the image on the table."""
        table = self._opened.table
        table.canvas.set_machine(machine)
        table.tell_maps(table.image_id)
        self.signals.proposal_changed.emit(table.image_id)
        self.shown()

    def _ask_for(self, table: Table, image_id: str) -> None:
        """Have missing results of an image computed before those of all others."""
        plan = table.plan
        if table.project.read_only or not has_model(plan):
            if table.maps is not None:
                self.draw(plan, is_last=True)
            return
        self._wanted.first(image_id)
        self._run(quiet=True)

    def store(self, image_id: str) -> None:
        """Have the results of an image stored whose proposal is shown, or being drawn, already."""
        table = self._opened.table
        if has_model(table.plan) and not table.project.read_only:
            self._storing.add(image_id)
            self._wanted.add([image_id])
            self._run(quiet=True)

    def draw(self, plan: Plan, is_last: bool) -> None:
        """Draw the shown proposal under a plan in the background, without storing; the latest request wins."""
        table = self._opened.table
        if table.maps is None:
            return
        steps = table.shown.under(plan).chain
        try:
            self._preview.request(self._subject_of(table, plan, steps), plan, steps, is_last)
        except StepError as reason:  # a step that does not exist here
            self._preview_failed(str(reason))

    def _subject_of(self, table: Table, plan: Plan, steps: Sequence[Step]) -> Subject:
        """Return what is refined, the same object while image, maps and the models that steps ask are the same."""
        maps = table.maps
        assert maps is not None
        asked = replace(plan, refiners=(), overrides={})
        known, methods = self._subject, {step.method for step in steps}
        if known is not None and known[1].maps is maps and known[0] == (table.image_id, asked, methods):
            return known[1]
        evidence = stages.evidence_for(table.project, table.image_id, steps)
        subject = Subject(table.image_id, table.image, maps, evidence)
        self._subject = ((table.image_id, asked, methods), subject)
        return subject

    def forget_preview(self) -> None:
        """Draw nothing more in the background."""
        self._subject = None
        self._preview.forget()

    def _preview_failed(self, message: str) -> None:
        self._tell_failure(message, message)

    def _previewed(self, image_id: str, proposal: NDArray[np.uint8], plan: Plan) -> None:
        table = self._opened.or_none
        if table is not None and table.image_id == image_id:
            table.canvas.set_machine(replace(table.machine, proposal=proposal, plan=plan))
            self.signals.proposal_changed.emit(image_id)

    def follow_labels(self, image_id: str) -> None:
        """Bring maps and proposal of an image after its labels."""
        table = self._opened.table
        table.prefetch.drop(image_id)
        if image_id == table.image_id:
            self.redraw()
        elif has_model(table.plan):
            self._wanted.first(image_id)
            self._run(quiet=True)

    # -- many images ------------------------------------------------------------------------------------------

    @reported
    def start(self, ids: Iterable[str] | None = None, *, quiet: bool = False) -> bool:
        """Compute missing maps and proposals: of `ids`, or of the whole queue with the shown image first.

        With `quiet` nothing is shown of it in the job bar.
        """
        table = self._opened.table
        project = table.project
        if project.read_only:
            raise ProjectError("This project is open read-only, so nothing is computed for it.")
        if not has_model(table.plan):
            raise StepError("No model is applied to this project yet. Train a classifier first (Train), then apply it.")
        if ids is None:
            excluded = set(project.catalog.ids(states=("excluded",)))
            ids = [image_id for image_id in self._navigation.queue.ids_from(table.image_id) if image_id not in excluded]
        self._wanted.add(ids)
        self._wanted.hurry(table.image_id)
        self._last_failure = ""
        self._run(quiet)
        return True

    def refine(self, ids: Iterable[str] | None = None) -> bool:
        """Draw the proposals of undecided images (or `ids`) anew with the current refiners; stored maps are reused."""
        return self.start(self.undecided() if ids is None else ids)

    def cancel(self) -> None:
        """Stop after the image that is being computed; finished ones are kept."""
        self._wanted.clear()
        self._jobs.cancel(INFERENCE)

    def undecided(self) -> list[str]:
        """Return the images without a decision, in catalog order."""
        return list(self._opened.table.project.catalog.ids(states=UNDECIDED))

    def _run(self, quiet: bool = False) -> None:
        """Start the job that empties the list of wanted images; a running one takes them too."""
        table, running = self._opened.table, self._jobs.find(INFERENCE)
        if running is not None and not running.is_over and running.state != "cancelling":
            self._jobs.show(running, shown=not (quiet and running.quiet))
            return
        project, wanted, device = table.project, self._wanted, self._settings.device

        def tell(finished: tuple[str, ...], failed: dict[str, str]) -> None:
            self._jobs.dispatch(lambda: self._arrived(table, finished, failed))

        job = Job("proposals", lambda: propose_wanted(project, wanted, device, tell), key=INFERENCE, quiet=quiet)
        job.ended.connect(lambda: self._ended(table, job))
        job.failed.connect(lambda message, _: self._failed(message))
        job.succeeded.connect(self._tell_left_out)
        self._jobs.submit(job)

    def _arrived(self, table: Table, finished: Sequence[str], failed: Mapping[str, str]) -> None:
        """Take new stored results, unless this answer is too late."""
        if not self._opened.holds(table):
            return
        self.take(finished)
        self.finished(finished)
        if table.image_id in failed:
            reason = failed[table.image_id]
            self._tell_failure(f"{table.image_id}: {reason}", reason)

    def take(self, finished: Sequence[str]) -> None:
        """Take new stored results: show those of the shown image, read those of the next ones again."""
        table = self._opened.table
        were_ahead = any(table.prefetch.holds(image_id) for image_id in finished if image_id != table.image_id)
        for image_id in finished:
            table.prefetch.drop(image_id)
            if image_id == table.image_id and image_id not in self._storing and not self.holds_back:
                table.refresh()
                self.redraw(ask=False)
            else:
                table.tell_maps(image_id)
        self._storing.difference_update(finished)
        if were_ahead:
            self._navigation.look_ahead()

    def _tell_left_out(self, found: LeftOut) -> None:
        if found.without_labels:
            self.signals.notice.emit(found.without_labels)
        self._tell_failures(found.failed)

    def _tell_failures(self, failed: Mapping[str, str]) -> None:
        if failed:
            name, reason = next(iter(failed.items()))
            self._tell_failure(f"{counted(len(failed), 'image')} could not be computed, first {name}: {reason}", reason)

    def _tell_failure(self, text: str, reason: str) -> None:
        """Tell a failure, but not the same one for every image."""
        if reason != self._last_failure:
            self.signals.failed.emit(text)
        self._last_failure = reason

    def _failed(self, message: str) -> None:
        self._wanted.clear()
        self._tell_failure(message, message)

    def _ended(self, table: Table, job: Job) -> None:
        if self._jobs.find(INFERENCE) is not job or not self._opened.holds(table):
            return  # a newer one works on, or nobody waits for it any more
        if job.state == "cancelled":
            self._wanted.clear()
        if self._navigation.queue.order == "uncertainty":
            self._navigation.refresh_queue()
        if len(self._wanted):  # something was wanted while the job was ending
            self._run(quiet=True)
        else:
            self.idle()


def _base_maps(table: Table, shown: Shown) -> ActivationMaps | None:
    """Return the stored maps of the shown image, the very ones that are shown where they are equal."""
    known, stored = table.maps, stages.base_maps(table.project, shown)
    return known if known is not None and stored is not None and _are_equal(known, stored) else stored


def _until_whole(table: Table, shown: Shown, found: Machine) -> Machine:
    """Return what is shown until the proposal is computed: what there was, without classes whose labels are gone."""
    before, kept = table.machine, shown.present
    if found.maps is None and before.maps is not None:
        maps = before.maps if set(before.maps.classes) <= set(kept) else before.maps.only(kept)
        found = read_machine(table.project, shown, maps, before)
    if found.proposal is not None or before.proposal is None:
        return found
    values = [0, *(k + 1 for k in kept)]
    proposal = np.where(np.isin(before.proposal, values), before.proposal, np.uint8(0))
    return replace(found, proposal=proposal, plan=before.plan, borrowed=None)


def _are_equal(one: ActivationMaps, other: ActivationMaps) -> bool:
    if one.classes != other.classes or one.size != other.size or (one.background is None) != (other.background is None):
        return False
    same = one.background is None or np.array_equal(one.background, np.asarray(other.background))
    return same and np.array_equal(one.scores, other.scores)
