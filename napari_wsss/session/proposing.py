"""What the machine proposes: the live threshold, the plan and its scopes, inference over the queue, new models."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from napari_wsss.core.catalog import UNDECIDED
from napari_wsss.core.errors import StepError
from napari_wsss.core.maps import ActivationMaps
from napari_wsss.core.plan import Plan, Step
from napari_wsss.core.progress import Progress, Steps
from napari_wsss.core.registry import Shelf
from napari_wsss.session import planning, stages
from napari_wsss.session.canvas import read_machine
from napari_wsss.session.inference import propose_wanted
from napari_wsss.session.jobs import Job
from napari_wsss.session.live import (
    HIGHEST,
    LOWEST,
    background_step,
    follows_slider,
    parameters_at,
    power_of_threshold,
)
from napari_wsss.session.reviewing import Reviewing
from napari_wsss.session.runs import RunInfo
from napari_wsss.session.signals import reported

INFERENCE, PREVIEW = "inference", "preview"


class Proposing(Reviewing):
    """Maps, proposals and the plan behind them."""

    device: str = "auto"
    _unkept_threshold: float | None = None

    # -- the slider -------------------------------------------------------------------------------------------

    @property
    def threshold(self) -> float:
        """Background threshold of the shown proposal, in [0, 1]; equivalent to `background_power`."""
        return self._canvas.machine.threshold if self._canvas else 0.0

    @property
    def background_power(self) -> float:
        """The power (alpha) of ``(1 - max)^alpha`` that draws the same proposal as `threshold`."""
        return power_of_threshold(self.threshold)

    def set_threshold(self, value: float) -> None:
        """Draw the proposal at a background threshold in [0, 1]; kept for this image at the next `flush`.

        Where the plan goes on after the background step (dense CRF), the proposal shown stays until the new one has
        been computed in the background.
        """
        if self._canvas is None or self._canvas.machine.live is None:
            return
        value = min(max(float(value), LOWEST), HIGHEST)
        self._unkept_threshold = value
        machine = replace(self._canvas.machine, threshold=value)
        steps = self.steps
        if not steps or follows_slider(steps) or background_step(steps) is None:
            assert machine.live is not None
            self._canvas.set_machine(replace(machine, proposal=machine.live.at(value)))
            self.proposal_changed.emit(self._canvas.image_id)
        else:
            self._canvas.set_machine(machine)
            self._preview(_with_threshold(steps, value))

    @reported
    def keep_threshold(self, scope: str = "image") -> bool:
        """Write the slider's threshold into the plan for a scope (see `set_parameters`)."""
        value, self._unkept_threshold = self._unkept_threshold, None
        step = background_step(self.steps)
        if value is None or step is None or self.project is None or self.project.read_only:
            return False
        return self.set_parameters("refine", step.method, parameters_at(step.method, value), scope)

    def flush(self) -> bool:
        """Write mask and threshold of the shown image; return False when work is only in memory."""
        if self._unkept_threshold is not None:
            self.keep_threshold()
        return super().flush()

    # -- the plan ---------------------------------------------------------------------------------------------

    @property
    def plan(self) -> Plan:
        """The project's plan (the default plan without a project)."""
        return self.project.plan if self.project else Plan()

    @property
    def steps(self) -> tuple[Step, ...]:
        """The refiners of the shown image, every scope's parameters laid over."""
        if self.project is None or self._canvas is None:
            return self.plan.refiners
        return stages.steps_for(self.project, self._canvas.image_id)

    @reported
    def set_parameters(self, shelf: Shelf, method: str, values: Mapping[str, Any], scope: str = "image") -> bool:
        """Set parameters for ``image`` (the shown one), ``class:<name>``, ``cluster:<name>`` or ``project``."""
        full = f"image:{self.current_id}" if scope == "image" else scope
        checked = planning.checked(shelf, method, values)
        return self._change_plan(planning.with_parameters(self.plan, shelf, method, checked, full))

    @reported
    def reset_parameters(self, scope: str = "image", method: str = "") -> bool:
        """Forget what a scope overrides, so that the next wider scope decides again."""
        full = f"image:{self.current_id}" if scope == "image" else scope
        return self._change_plan(planning.without_override(self.plan, full, method))

    @reported
    def set_refiners(self, steps: Sequence[Step]) -> bool:
        """Choose the refiners and their order for the project."""
        return self._change_plan(replace(self.plan, refiners=tuple(steps)))

    def why(self, method: str) -> tuple[planning.Reason, ...]:
        """Return, for each parameter of a refiner, its value on the shown image and which scope decided it."""
        record = self.record
        if record is None:
            return ()
        return planning.reasons(self.plan, method, record.id, record.labels)

    def _change_plan(self, plan: Plan) -> bool:
        if self.project is None or plan == self.plan:
            return False
        self.project.set_plan(plan)
        self._unkept_threshold = None
        if self._prefetch is not None:
            self._prefetch.clear()
        self.plan_changed.emit()
        self._redraw()
        return True

    # -- the shown image's machine results --------------------------------------------------------------------

    def _redraw(self) -> None:
        """Bring maps and proposal of the shown image to the current plan and labels."""
        if self.project is None or self._canvas is None:
            return
        image_id, before = self._canvas.image_id, self._canvas.machine
        machine = read_machine(self.project, image_id, stages.base_maps(self.project, image_id))
        missing = machine.maps is None or machine.proposal is None
        if machine.proposal is None and machine.maps is not None:
            machine = replace(machine, proposal=before.proposal)  # the old one stays until the new one is whole
        self._canvas.set_machine(machine)
        self.maps_ready.emit(image_id)
        self.proposal_changed.emit(image_id)
        if missing:
            self._ask_for(image_id)

    def _arrived(self, image_id: str) -> None:
        super()._arrived(image_id)
        self._unkept_threshold = None
        if self._canvas is not None and self._canvas.machine.proposal is None:
            self._ask_for(image_id)

    def _ask_for(self, image_id: str) -> None:
        """Have missing results of an image computed before those of all others."""
        if self.project is None or self._canvas is None:
            return
        if self.project.read_only or not stages.has_model(self.project):
            if self._canvas.machine.maps is not None:
                self._preview(self.steps)
            return
        self._wanted.first(image_id)
        self._run_inference()

    def _preview(self, steps: Sequence[Step]) -> None:
        """Refine the shown image's maps in the background, without storing; the latest request wins."""
        canvas = self._canvas
        if canvas is None or canvas.machine.maps is None:
            return
        image_id, pixels, maps = canvas.image_id, canvas.picture.pixels, canvas.machine.maps

        def run() -> Steps[ActivationMaps]:
            yield Progress("refine", 0, 1, image_id)
            return stages.refined(pixels, maps, steps)

        job = Job("refine", run, key=PREVIEW, lane=PREVIEW, quiet=True)
        job.succeeded.connect(lambda refined: self._previewed(image_id, refined))
        job.failed.connect(lambda message, _: self.failed.emit(message))
        self.jobs.submit(job)

    @reported
    def _previewed(self, image_id: str, refined: ActivationMaps) -> bool:
        if self._canvas is None or self._canvas.image_id != image_id or refined.background is None:
            return False
        self._canvas.set_machine(replace(self._canvas.machine, proposal=refined.to_mask()))
        self.proposal_changed.emit(image_id)
        return True

    def _labels_moved(self, image_id: str) -> None:
        if self._prefetch is not None:
            self._prefetch.drop(image_id)
        if image_id == self.current_id:
            self._drop_removed_classes()
            self._redraw()
        elif self.project is not None and stages.has_model(self.project):
            self._wanted.first(image_id)
            self._run_inference()

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
            proposal = (proposal * _is_one_of(proposal, values)).astype("uint8")
        canvas.set_machine(replace(machine, proposal=proposal))

    # -- many images ------------------------------------------------------------------------------------------

    @reported
    def start_inference(self, ids: Iterable[str] | None = None) -> bool:
        """Compute missing maps and proposals: of `ids`, or of the whole queue with the shown image first."""
        project = self.project
        if project is None or self.queue is None:
            return False
        if not stages.has_model(project):
            raise StepError("No model is applied to this project yet. Train a classifier first (Train), then apply it.")
        self._wanted.add(self.queue.ids() if ids is None else ids)
        if ids is None and self.current_id is not None:
            self._wanted.first(self.current_id)
        self._run_inference()
        return True

    def start_refine(self, ids: Iterable[str] | None = None) -> bool:
        """Draw the proposals of undecided images (or `ids`) anew with the current refiners; stored maps are reused."""
        return self.start_inference(self._undecided() if ids is None else ids)

    def cancel_inference(self) -> None:
        """Stop after the image that is being computed; finished ones are kept."""
        self._wanted.clear()
        self.jobs.cancel(INFERENCE)

    def _run_inference(self) -> None:
        """Start the job that empties the list of wanted images, unless it is running."""
        running, project, wanted, device = self.jobs.find(INFERENCE), self.project, self._wanted, self.device
        if project is None or (running is not None and not running.is_over and running.state != "cancelling"):
            return

        def tell(finished: tuple[str, ...], failed: dict[str, str]) -> None:
            self.jobs.dispatch(lambda: self._computed(finished, failed))

        job = Job("maps and proposals", lambda: propose_wanted(project, wanted, device, tell), key=INFERENCE)
        job.ended.connect(self._inference_ended)
        job.failed.connect(lambda message, _: self._inference_failed(message))
        job.succeeded.connect(self._tell_failures)
        self.jobs.submit(job)

    def _computed(self, finished: Sequence[str], failed: Mapping[str, str]) -> None:
        """New results are stored: show those of the shown image, forget older copies of the others."""
        if self._prefetch is None:
            return
        for image_id in finished:
            self._prefetch.drop(image_id)
            if image_id == self.current_id:
                self._redraw_stored()
            else:
                self.maps_ready.emit(image_id)
        shown = self.current_id
        if shown is not None and shown in failed:
            self.failed.emit(f"{shown}: {failed[shown]}")

    def _redraw_stored(self) -> None:
        """Show the stored results of the shown image without asking for missing ones again."""
        project, canvas = self.project, self._canvas
        if project is None or canvas is None:
            return
        machine = read_machine(project, canvas.image_id, stages.base_maps(project, canvas.image_id))
        canvas.set_machine(machine)
        self.maps_ready.emit(canvas.image_id)
        self.proposal_changed.emit(canvas.image_id)

    def _inference_failed(self, message: str) -> None:
        self._wanted.clear()
        self.failed.emit(message)

    def _tell_failures(self, failed: Mapping[str, str]) -> None:
        if failed:
            name, reason = next(iter(failed.items()))
            self.failed.emit(f"{len(failed)} images could not be computed, first {name}: {reason}")

    def _inference_ended(self) -> None:
        if self.queue is not None and self.queue.order == "uncertainty":
            self.refresh_queue()
        if len(self._wanted):  # something was wanted while the job was ending
            self._run_inference()

    def _undecided(self) -> list[str]:
        return list(self.project.catalog.ids(states=UNDECIDED)) if self.project else []

    @reported
    def apply_model(self, run: RunInfo) -> bool:
        """Use a run's best checkpoint from now on and propose anew for undecided images; accepted masks stay."""
        project = self.project
        if project is None:
            return False
        checkpoint = run.checkpoint
        if checkpoint is None:
            raise StepError(f"The run {run.folder.name} has no checkpoint yet; wait for its first epoch.")
        plan = _with_checkpoint(self.plan, run, os.path.relpath(checkpoint, project.folder))
        project.catalog.mark_stale(UNDECIDED)
        self.cancel_inference()
        self._change_plan(plan)
        undecided = set(self._undecided())
        in_order = [image_id for image_id in (self.queue.ids() if self.queue else []) if image_id in undecided]
        return self.start_inference([*in_order, *(undecided - set(in_order))])


def _with_threshold(steps: Sequence[Step], threshold: float) -> tuple[Step, ...]:
    """Return the chain with its background step at another threshold."""
    chosen = background_step(steps)
    return tuple(
        step.with_parameters(parameters_at(step.method, threshold)) if step is chosen else step for step in steps
    )


def _with_checkpoint(plan: Plan, run: RunInfo, relative: str) -> Plan:
    """Return the plan that uses a run's model; a new classifier takes the place of an applied segmenter."""
    path = Path(relative).as_posix()
    if run.stage == "segmentation":
        method = str(run.config.get("method", "deeplab_v3"))
        kept = plan.segmenter if plan.segmenter is not None and plan.segmenter.method == method else Step(method)
        return replace(plan, segmenter=kept, segmenter_checkpoint=path)
    method = str(run.config.get("method", plan.localizer.method))
    localizer = plan.localizer if plan.localizer.method == method else Step(method)
    return replace(plan, localizer=localizer, localizer_checkpoint=path, segmenter_checkpoint="")


def _is_one_of(values: Any, wanted: Sequence[int]) -> Any:
    import numpy as np

    return np.isin(values, wanted)
