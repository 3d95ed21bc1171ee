"""Sliders: what a person tries on the shown image, seen at once and written into the plan when it is kept.

Everything tried is one plan beside the project's (`_tried`): it decides what is drawn, and keeping it is one change of
the plan, which can be taken back as one. Threshold and gains are drawn at once where nothing slower follows them in the
chain; everything else is refined in the background (see `preview`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from napari_wsss.core.background import equivalent_alpha
from napari_wsss.core.gains import HIGHEST, LOWEST, NEUTRAL
from napari_wsss.core.plan import Plan, Step, laid_over
from napari_wsss.pipeline.lineage import chain_for, steps_for
from napari_wsss.session.proposals import planning
from napari_wsss.session.proposals.inference import Computing
from napari_wsss.session.results.live import (
    CLASS_GAIN,
    SLIDER,
    background_step,
    follows_slider,
    gains_in,
    parameters_at,
)
from napari_wsss.session.signals import reported
from napari_wsss.session.table.canvas import Machine, read_machine, threshold_in

FOLLOWS_ITS_OWN = "This image still follows a value of its own, or one of a narrower scope; ↺ beside it forgets that."


class Trying(Computing):
    """The plan, and what is tried of it on the shown image."""

    _tried: Plan | None = None

    @property
    def plan(self) -> Plan:
        """The project's plan (the default plan without a project)."""
        return self.project.plan if self.project else Plan()

    @property
    def steps(self) -> tuple[Step, ...]:
        """The refiners of the shown image, every scope's parameters laid over, those being tried too."""
        plan = self._tried or self.plan
        if self.project is None or self._canvas is None:
            return plan.refiners
        return steps_for(self.project, self._canvas.image_id, plan)

    @property
    def is_trying(self) -> bool:
        """True while something is tried that the plan does not say."""
        return self._tried is not None

    # -- threshold and gains ----------------------------------------------------------------------------------

    @property
    def threshold(self) -> float:
        """Background threshold of the shown proposal, in [0, 1]; equivalent to `background_power`."""
        return self._canvas.machine.threshold if self._canvas else 0.0

    @property
    def background_power(self) -> float:
        """The power (alpha) of ``(1 - max)^alpha`` that draws the same proposal as `threshold`."""
        return equivalent_alpha(self.threshold)

    def set_threshold(self, value: float, scope: str = "image") -> None:
        """Draw the proposal at a background threshold in [0, 1]; kept for a scope at the next `flush`.

        Where the plan goes on after the background step (dense CRF), the proposal shown stays until the new one has
        been computed in the background.
        """
        if self._canvas is None or self._canvas.machine.live is None:
            return
        value = min(max(float(value), SLIDER[0]), SLIDER[1])
        step = background_step(self.steps)
        if step is None:  # maps without any background can be looked at, with nothing to keep
            live = self._canvas.machine.live
            assert live is not None
            self._canvas.set_machine(replace(self._canvas.machine, threshold=value))
            self._drawn(live.at(value), self.plan)
        elif self._try(step.method, parameters_at(step.method, value), self._full(scope)):
            self._draw_tried(value)

    @property
    def gains(self) -> dict[str, float]:
        """The gain of each labelled class of the shown image, 1 by default."""
        record, classes = self.record, self.classes
        if record is None or classes is None:
            return {}
        present = classes.indices(record.labels)
        found = gains_in(self.steps, present)
        return {classes.names[k]: found.get(k, NEUTRAL) for k in present}

    def set_gain(self, name: str, gain: float, scope: str = "image") -> None:
        """Draw the proposal with the map of a class times `gain` (0.25 to 4); see `set_threshold` and `keep_tried`."""
        classes = self.classes
        if classes is not None and name in classes.names:
            gain = round(min(max(float(gain), LOWEST), HIGHEST), 4)
            self.try_parameters(CLASS_GAIN, {"gains": {str(classes.mask_value(name)): gain}}, scope)

    def prepare_gain(self, name: str) -> None:
        """Get ready for the gain of a class to change (its slider was taken)."""
        live = self._canvas.machine.live if self._canvas else None
        if live is not None and self.classes is not None and name in self.classes.names:
            live.prepare(self.classes.index(name))

    # -- trying and keeping -----------------------------------------------------------------------------------

    @reported
    def try_parameters(self, method: str, values: Mapping[str, Any], scope: str = "image") -> bool:
        """Draw the shown proposal with other parameters of a refiner; `keep_tried` writes them into the plan.

        Parameters
        ----------
        method : str
        values : mapping
            Parameters of the refiner.
        scope : str
            Where they are to count: ``image`` (the shown one), ``class:<name>``, ``cluster:<name>`` or ``project``. A
            more specific scope that says otherwise for this image still decides.
        """
        if self._canvas is None:
            return False
        checked: Mapping[str, Any] = planning.checked("refine", method, values)
        used = next((step for step in self.steps if step.method == method), None)
        if used is not None:
            checked = planning.changed_with(used, checked)
        if self._try(method, checked, self._full(scope)):
            self._draw_tried()
        return True

    def _full(self, scope: str) -> str:
        return f"image:{self.current_id}" if scope == "image" else scope

    def _try(self, method: str, values: Mapping[str, Any], scope: str) -> bool:
        """Note what is tried; return False, and say so, when a more specific scope still decides for this image."""
        self._tried = planning.with_parameters(self._tried or self.plan, "refine", method, values, scope)
        used = next((step.parameters for step in self.steps if step.method == method), {})
        if laid_over(used, values) == used:
            return True
        self.notice.emit(FOLLOWS_ITS_OWN)
        return False

    @reported
    def keep_tried(self) -> bool:
        """Write what was tried into the plan, as one change; return False when there was nothing to keep."""
        tried, self._tried = self._tried, None
        if tried is None or self.project is None or self.project.read_only:
            return False
        return self._change_plan(tried)

    def drop_tried(self) -> None:
        """Forget what was tried, and draw what the plan says."""
        if self._tried is not None:
            self._tried = None
            self._redraw()

    def flush(self) -> bool:
        """Write mask and parameters of the shown image; return False when work is only in memory."""
        self.keep_tried()
        return super().flush()

    # -- drawing ----------------------------------------------------------------------------------------------

    def _draw_tried(self, threshold: float | None = None) -> None:
        """Draw what is tried: at once where sliders are the whole work, else in the background."""
        project, canvas, plan = self.project, self._canvas, self._tried
        if project is None or canvas is None or plan is None or canvas.machine.maps is None:
            return
        chain = chain_for(project, canvas.image_id, plan)
        if threshold is None:
            threshold = threshold_in(self.steps)
        canvas.set_machine(replace(canvas.machine, threshold=threshold))
        if not self._draw_live(chain, plan):
            self._draw(plan, is_last=False)

    def _draw_live(self, chain: Sequence[Step], plan: Plan) -> bool:
        """Draw the proposal from the strongest classes; return False where that is not the whole work."""
        assert self._canvas is not None
        machine = self._canvas.machine
        if machine.live is None or machine.maps is None or not follows_slider(chain):
            return False
        machine.live.set_gains(gains_in(chain, machine.maps.classes))
        self._forget_preview()
        self._drawn(machine.live.at(threshold_in(chain)), plan)
        return True

    def _drawn(self, proposal: Any, plan: Plan) -> None:
        assert self._canvas is not None
        self._canvas.set_machine(replace(self._canvas.machine, proposal=proposal, plan=plan))
        self.proposal_changed.emit(self._canvas.image_id)

    def _arrived(self, image_id: str) -> None:
        self._tried = None
        super()._arrived(image_id)

    def _show(self, machine: Machine) -> None:
        super()._show(machine)
        if self._tried is not None:  # a slider is ahead of what was stored
            self._draw_tried()

    # -- changing the plan ------------------------------------------------------------------------------------

    def _change_plan(self, plan: Plan) -> bool:
        project = self.project
        before = self.plan
        if project is None or plan == before:
            return False
        project.set_plan(plan)
        self._tried = None
        self.plan_changed.emit()
        if replace(plan, refiners=before.refiners, overrides=before.overrides) == before:
            self._parameters_changed(before)
        else:
            self._forget_drawn()
        return True

    def _parameters_changed(self, before: Plan) -> None:
        """Draw the shown image anew after a change of refiners only: its maps are still those."""
        project, canvas = self.project, self._canvas
        assert project is not None
        self._forget_ahead(before)
        if canvas is None or canvas.machine.maps is None:
            return
        image_id = canvas.image_id
        if chain_for(project, image_id, before) == chain_for(project, image_id):
            return
        if canvas.machine.plan != project.plan or self._preview.is_busy:  # else it was drawn while it was tried
            machine = read_machine(project, image_id, canvas.machine.maps, canvas.machine)
            if machine.proposal is not None:
                self._forget_preview()
                self._show(machine)
            else:
                canvas.set_machine(replace(machine, proposal=canvas.machine.proposal, plan=canvas.machine.plan))
                self._draw(project.plan, is_last=True)
        self._store(image_id)

    def _forget_ahead(self, before: Plan) -> None:
        """Drop what was read ahead of the images that a change of the plan concerns."""
        if self._prefetch is None:
            return
        after = self.plan
        scopes = {**before.overrides, **after.overrides}
        changed = [scope for scope in scopes if before.overrides.get(scope) != after.overrides.get(scope)]
        if _gain_apart(before) != _gain_apart(after) or not all(scope.startswith("image:") for scope in changed):
            self._prefetch.clear()
            return
        for scope in changed:
            self._prefetch.drop(scope.removeprefix("image:"))

    def _forget_drawn(self) -> None:
        if self._prefetch is not None:
            self._prefetch.clear()
        self._redraw()


def _gain_apart(plan: Plan) -> tuple[Step, ...]:
    """Return the project's refiners without a step of gains that gives none."""
    return tuple(step for step in plan.refiners if step != Step(CLASS_GAIN))
