"""What the machine computes: maps and proposals of the shown image and of the whole queue, in the background."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from napari_wsss.core.errors import ProjectError, StepError
from napari_wsss.core.maps import ActivationMaps
from napari_wsss.core.plan import Plan, Step
from napari_wsss.pipeline.lineage import chain_for, has_model
from napari_wsss.project.records import UNDECIDED
from napari_wsss.session.jobs import Dispatch, Job, directly
from napari_wsss.session.results import stages
from napari_wsss.session.results.preview import Preview, Subject
from napari_wsss.session.results.wanted import propose_wanted
from napari_wsss.session.review.labels import Labelling
from napari_wsss.session.signals import reported
from napari_wsss.session.table.canvas import Machine, read_machine

INFERENCE = "inference"


class Computing(Labelling):
    """Maps and proposals, and the jobs that make them."""

    device: str = "auto"
    _last_failure: str = ""

    def __init__(self, dispatch: Dispatch = directly) -> None:
        super().__init__(dispatch)
        self._preview = Preview(self.jobs, self._previewed, self.drawing_changed.emit, self._preview_failed)
        self._subject: tuple[object, Subject] | None = None
        self._storing: set[str] = set()  # images whose results are shown already and only have to be stored

    # -- the shown image --------------------------------------------------------------------------------------

    def _arrived(self, image_id: str) -> None:
        self._forget_preview()
        self._storing.clear()
        super()._arrived(image_id)
        if self._canvas is not None and self._canvas.machine.proposal is None:
            self._ask_for(image_id)

    @property
    def is_drawing(self) -> bool:
        """True while the shown proposal is being drawn anew in the background after a change of parameters."""
        return self._preview.is_busy

    def _redraw(self, ask: bool = True) -> None:
        """Bring what the machine shows to the current plan and labels.

        What is not computed yet is asked for; until it is whole, the old maps and proposal stay.
        """
        project, canvas = self.project, self._canvas
        if project is None or canvas is None:
            return
        self._storing.clear()
        machine = read_machine(project, canvas.image_id, self._base_maps(), canvas.machine)
        is_whole = machine.proposal is not None
        if machine.maps is None:
            machine = canvas.machine
        elif not is_whole:
            machine = replace(machine, proposal=canvas.machine.proposal, plan=canvas.machine.plan)
        self._show(machine)
        if ask and not is_whole:
            self._ask_for(canvas.image_id)

    def _base_maps(self) -> ActivationMaps | None:
        """Return the stored maps of the shown image, the very ones that are shown where they are equal."""
        assert self.project is not None
        assert self._canvas is not None
        shown, stored = self._canvas.machine.maps, stages.stored_maps(self.project, self._canvas.image_id)
        return shown if shown is not None and stored is not None and _are_equal(shown, stored) else stored

    def _show(self, machine: Machine) -> None:
        assert self._canvas is not None
        self._canvas.set_machine(machine)
        self.maps_ready.emit(self._canvas.image_id)
        self.proposal_changed.emit(self._canvas.image_id)

    def _ask_for(self, image_id: str) -> None:
        """Have missing results of an image computed before those of all others."""
        if self.project is None or self._canvas is None:
            return
        if self.project.read_only or not has_model(self.project.plan):
            self._draw(self.project.plan, is_last=True)
            return
        self._wanted.first(image_id)
        self._run_inference(quiet=True)

    def _store(self, image_id: str) -> None:
        """Have the results of an image stored whose proposal is shown, or being drawn, already."""
        if self.project is not None and has_model(self.project.plan) and not self.project.read_only:
            self._storing.add(image_id)
            self._wanted.add([image_id])
            self._run_inference(quiet=True)

    def _draw(self, plan: Plan, is_last: bool) -> None:
        """Draw the shown proposal under a plan in the background, without storing; the latest request wins."""
        project, canvas = self.project, self._canvas
        if project is None or canvas is None or canvas.machine.maps is None:
            return
        steps = chain_for(project, canvas.image_id, plan)
        try:
            self._preview.request(self._subject_of(plan, steps), plan, steps, is_last)
        except StepError as reason:  # a step that does not exist here
            self._preview_failed(str(reason))

    def _subject_of(self, plan: Plan, steps: Sequence[Step]) -> Subject:
        """Return what is refined, the same object while image, maps and the models that steps ask are the same."""
        project, canvas = self.project, self._canvas
        assert project is not None
        assert canvas is not None
        maps = canvas.machine.maps
        assert maps is not None
        asked = replace(plan, refiners=(), overrides={})
        known, methods = self._subject, {step.method for step in steps}
        if known is not None and known[1].maps is maps and known[0] == (canvas.image_id, asked, methods):
            return known[1]
        evidence = stages.evidence_for(project, canvas.image_id, steps)
        subject = Subject(canvas.image_id, canvas.picture.pixels, maps, evidence)
        self._subject = ((canvas.image_id, asked, methods), subject)
        return subject

    def _forget_preview(self) -> None:
        self._subject = None
        self._preview.forget()

    def _preview_failed(self, message: str) -> None:
        self._tell_failure(message, message)

    def _previewed(self, image_id: str, proposal: NDArray[np.uint8], plan: Plan) -> None:
        if self._canvas is not None and self._canvas.image_id == image_id:
            self._canvas.set_machine(replace(self._canvas.machine, proposal=proposal, plan=plan))
            self.proposal_changed.emit(image_id)

    def _labels_moved(self, image_id: str) -> None:
        if self._prefetch is not None:
            self._prefetch.drop(image_id)
        if image_id == self.current_id:
            self._drop_removed_classes()
            self._redraw()
        elif self.project is not None and has_model(self.project.plan):
            self._wanted.first(image_id)
            self._run_inference(quiet=True)

    def _drop_removed_classes(self) -> None:
        """Take removed classes out of what is shown at once, also while the new maps are being computed."""
        canvas, project = self._canvas, self.project
        if canvas is None or project is None or canvas.machine.maps is None:
            return
        kept = project.classes.indices(project.catalog.get(canvas.image_id).labels)
        machine = read_machine(project, canvas.image_id, canvas.machine.maps.only(kept))
        proposal = machine.proposal if machine.proposal is not None else canvas.machine.proposal
        if proposal is not None:
            values = [k + 1 for k in kept]
            proposal = np.where(np.isin(proposal, values), proposal, np.uint8(0))
        canvas.set_machine(replace(machine, proposal=proposal))

    # -- many images ------------------------------------------------------------------------------------------

    @reported
    def start_inference(self, ids: Iterable[str] | None = None) -> bool:
        """Compute missing maps and proposals: of `ids`, or of the whole queue with the shown image first."""
        project = self.project
        if project is None or self.queue is None:
            return False
        if project.read_only:
            raise ProjectError("This project is open read-only, so nothing is computed for it.")
        if not has_model(project.plan):
            raise StepError("No model is applied to this project yet. Train a classifier first (Train), then apply it.")
        if ids is None:
            excluded = set(project.catalog.ids(states=("excluded",)))
            ids = [image_id for image_id in self.queue.ids() if image_id not in excluded]
        self._wanted.add(ids)
        if self.current_id is not None:
            self._wanted.hurry(self.current_id)
        self._last_failure = ""
        self._run_inference()
        return True

    def start_refine(self, ids: Iterable[str] | None = None) -> bool:
        """Draw the proposals of undecided images (or `ids`) anew with the current refiners; stored maps are reused."""
        return self.start_inference(self._undecided() if ids is None else ids)

    def cancel_inference(self) -> None:
        """Stop after the image that is being computed; finished ones are kept."""
        self._wanted.clear()
        self.jobs.cancel(INFERENCE)

    def _run_inference(self, quiet: bool = False) -> None:
        """Start the job that empties the list of wanted images; a running one takes them too."""
        running, project, wanted, device = self.jobs.find(INFERENCE), self.project, self._wanted, self.device
        if project is None:
            return
        if running is not None and not running.is_over and running.state != "cancelling":
            self.jobs.show(running, shown=not (quiet and running.quiet))
            return

        def tell(finished: tuple[str, ...], failed: dict[str, str]) -> None:
            self.jobs.dispatch(lambda: self._computed(finished, failed))

        job = Job(
            "maps and proposals", lambda: propose_wanted(project, wanted, device, tell), key=INFERENCE, quiet=quiet
        )
        job.ended.connect(lambda: self._inference_ended(job))
        job.failed.connect(lambda message, _: self._inference_failed(message))
        job.succeeded.connect(self._tell_failures)
        self.jobs.submit(job)

    def _computed(self, finished: Sequence[str], failed: Mapping[str, str]) -> None:
        """New results are stored: show those of the shown image, read those of the next ones again."""
        if self._prefetch is None:
            return
        shown = self.current_id
        were_ahead = any(self._prefetch.holds(image_id) for image_id in finished if image_id != shown)
        for image_id in finished:
            self._prefetch.drop(image_id)
            if image_id == shown and image_id not in self._storing:
                self._redraw(ask=False)
            else:
                self.maps_ready.emit(image_id)
        self._storing.difference_update(finished)
        if were_ahead:
            self._look_ahead()
        if shown is not None and shown in failed:
            self._tell_failure(f"{shown}: {failed[shown]}", failed[shown])

    def _tell_failures(self, failed: Mapping[str, str]) -> None:
        if failed:
            name, reason = next(iter(failed.items()))
            self._tell_failure(f"{len(failed)} images could not be computed, first {name}: {reason}", reason)

    def _tell_failure(self, text: str, reason: str) -> None:
        """Tell a failure, but not the same one for every image."""
        if reason != self._last_failure:
            self.failed.emit(text)
        self._last_failure = reason

    def _inference_failed(self, message: str) -> None:
        self._wanted.clear()
        self._tell_failure(message, message)

    def _inference_ended(self, job: Job) -> None:
        if self.jobs.find(INFERENCE) is not job:
            return  # a newer one works on
        if job.state == "cancelled":
            self._wanted.clear()
        if self.queue is not None and self.queue.order == "uncertainty":
            self.refresh_queue()
        if len(self._wanted):  # something was wanted while the job was ending
            self._run_inference(quiet=True)

    def _undecided(self) -> list[str]:
        return list(self.project.catalog.ids(states=UNDECIDED)) if self.project else []


def _are_equal(one: ActivationMaps, other: ActivationMaps) -> bool:
    if one.classes != other.classes or one.size != other.size or (one.background is None) != (other.background is None):
        return False
    same = one.background is None or np.array_equal(one.background, np.asarray(other.background))
    return same and np.array_equal(one.scores, other.scores)
