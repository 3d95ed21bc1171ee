"""How the machine proposes: the live threshold, and the plan with its scopes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from napari_wsss.core.background import equivalent_alpha
from napari_wsss.core.plan import Plan, Step
from napari_wsss.core.registry import Shelf
from napari_wsss.session import planning, stages
from napari_wsss.session.canvas import Machine
from napari_wsss.session.computing import Computing
from napari_wsss.session.live import SLIDER, background_step, follows_slider, parameters_at
from napari_wsss.session.signals import reported


class Tuning(Computing):
    """The plan and the slider."""

    _unkept_threshold: float | None = None

    # -- the slider -------------------------------------------------------------------------------------------

    @property
    def threshold(self) -> float:
        """Background threshold of the shown proposal, in [0, 1]; equivalent to `background_power`."""
        return self._canvas.machine.threshold if self._canvas else 0.0

    @property
    def background_power(self) -> float:
        """The power (alpha) of ``(1 - max)^alpha`` that draws the same proposal as `threshold`."""
        return equivalent_alpha(self.threshold)

    def set_threshold(self, value: float) -> None:
        """Draw the proposal at a background threshold in [0, 1]; kept for this image at the next `flush`.

        Where the plan goes on after the background step (dense CRF), the proposal shown stays until the new one has
        been computed in the background.
        """
        if self._canvas is None or self._canvas.machine.live is None:
            return
        value = min(max(float(value), SLIDER[0]), SLIDER[1])
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
        step, project = background_step(self.steps), self.project
        if value is None or step is None or project is None or project.read_only or self._canvas is None:
            return False
        values, image_id = parameters_at(step.method, value), self._canvas.image_id
        if scope != "image":
            return self.set_parameters("refine", step.method, values, scope)
        project.set_plan(self.plan.with_override(f"image:{image_id}", step.method, values))
        if self._prefetch is not None:
            self._prefetch.drop(image_id)  # what is shown is drawn already; the others are not concerned
        self.plan_changed.emit()
        if stages.has_model(project):
            self._wanted.add([image_id])
            self._run_inference(quiet=True)
        return True

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
        """Choose the refiners and their order for the project; refused when one does not exist or cannot have these
        parameters.
        """
        planning.check_refiners(steps)
        return self._change_plan(replace(self.plan, refiners=tuple(steps)))

    @reported
    def set_saliency_folder(self, folder: Path) -> bool:
        """Take saliency maps from a folder of grey pictures named like the images, for the project's steps."""
        if self.project is None:
            return False
        root = self.project.folder.resolve()
        inside = folder.resolve().is_relative_to(root)
        kept = folder.resolve().relative_to(root) if inside else folder.resolve()
        return self._change_plan(replace(self.plan, saliency_folder=kept.as_posix()))

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
        self.plan_changed.emit()
        self._forget_drawn()
        return True

    def _forget_drawn(self) -> None:
        if self._prefetch is not None:
            self._prefetch.clear()
        self._redraw()

    def _arrived(self, image_id: str) -> None:
        self._unkept_threshold = None
        super()._arrived(image_id)

    def _show(self, machine: Machine) -> None:
        super()._show(machine)
        if self._unkept_threshold is not None:  # the slider is ahead of what was stored
            self.set_threshold(self._unkept_threshold)


def _with_threshold(steps: Sequence[Step], threshold: float) -> tuple[Step, ...]:
    """Return the chain with its background step at another threshold."""
    chosen = background_step(steps)
    return tuple(
        step.with_parameters(parameters_at(step.method, threshold)) if step is chosen else step for step in steps
    )
