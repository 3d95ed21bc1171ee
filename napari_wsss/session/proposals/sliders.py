"""Sliders: what a person tries on the shown image, seen at once and written into the plan when it is kept.

Everything tried is one plan beside the project's: the plan of the snapshot on the table. It decides what is drawn, and
keeping it is one change of the plan, which can be taken back as one. Threshold and gains are drawn at once where
nothing slower follows them in the chain; everything else is refined in the background (see `results.preview`). A move
of a slider asks the database nothing.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_wsss.core.background import equivalent_alpha, parameters_at
from napari_wsss.core.gains import HIGHEST, LOWEST
from napari_wsss.core.plan import Plan, Step, laid_over
from napari_wsss.pipeline.chain import CLASS_GAIN
from napari_wsss.session.proposals import planning
from napari_wsss.session.proposals.inference import Inference
from napari_wsss.session.results.live import (
    SLIDER,
    background_step,
    gains_in,
    slider_threshold,
)
from napari_wsss.session.results.machine import read_machine
from napari_wsss.session.signals import Signals, reported
from napari_wsss.session.table.hooks import Hook
from napari_wsss.session.table.opened import Opened
from napari_wsss.session.table.table import Table

_OF_DRAWING = ("refiners", "overrides", "automatic")
"""What of a plan leaves base maps as they are."""
FOLLOWS_ITS_OWN = "This image still follows a value of its own, or one of a narrower scope; ↺ beside it forgets that."


class Sliders:
    """What is tried of the plan on the shown image, and changing the plan.

    Parameters
    ----------
    opened : Opened
    inference : Inference
        Draws what is not drawn at once.
    signals : Signals

    Attributes
    ----------
    plan_changed : Hook
        The project's plan was changed; called with the plan before.
    """

    def __init__(self, opened: Opened, inference: Inference, signals: Signals) -> None:
        self._opened, self._inference, self.signals = opened, inference, signals
        self.plan_changed: Hook[Plan] = Hook()
        self._tried: Plan | None = None

    @property
    def is_trying(self) -> bool:
        """True while something is tried that the plan does not say."""
        return self._tried is not None

    # -- threshold and gains ----------------------------------------------------------------------------------

    @property
    def threshold(self) -> float:
        """Background threshold of the shown proposal, in [0, 1]; equivalent to `background_power`."""
        return self._opened.table.machine.threshold

    @property
    def background_power(self) -> float:
        """The power (alpha) of ``(1 - max)^alpha`` that draws the same proposal as `threshold`."""
        return equivalent_alpha(self.threshold)

    def set_threshold(self, value: float, scope: str = "image") -> None:
        """Draw the proposal at a background threshold in [0, 1]; kept for a scope at the next `Table.flush`.

        Where the plan goes on after the background step (dense CRF), the proposal shown stays until the new one has
        been computed in the background.
        """
        table = self._opened.table
        live = table.machine.live
        if live is None or table.plan.every_pixel:
            return
        value = min(max(float(value), SLIDER[0]), SLIDER[1])
        step = background_step(table.shown.steps)
        if step is None:  # maps without any background can be looked at, with nothing to keep
            table.canvas.set_machine(replace(table.machine, threshold=value))
            self._drawn(table, live.at(value), table.plan)
        elif self._try(table, step.method, parameters_at(step.method, value), scope):
            self._draw_tried(table, value)

    @property
    def gains(self) -> dict[str, float]:
        """The gain of each labelled class of the shown image, 1 by default."""
        return self._opened.table.shown.gains

    def set_gain(self, name: str, gain: float, scope: str = "image") -> None:
        """Draw the proposal with the map of a class times `gain` (0.25 to 4); see `set_threshold` and `keep`."""
        classes = self._opened.table.classes
        if name in classes.names:
            gain = round(min(max(float(gain), LOWEST), HIGHEST), 4)
            self.try_parameters(CLASS_GAIN, {"gains": {str(classes.mask_value(name)): gain}}, scope)

    def prepare_gain(self, name: str) -> None:
        """Get ready for the gain of a class to change (its slider was taken)."""
        table = self._opened.table
        if table.machine.live is not None and name in table.classes.names:
            table.machine.live.prepare(table.classes.index(name))

    # -- trying and keeping -----------------------------------------------------------------------------------

    @reported
    def try_parameters(self, method: str, values: Mapping[str, Any], scope: str = "image") -> bool:
        """Draw the shown proposal with other parameters of a refiner; `keep` writes them into the plan.

        Parameters
        ----------
        method : str
        values : mapping
            Parameters of the refiner.
        scope : str
            Where they are to count: ``image`` (the shown one), ``class:<name>``, ``cluster:<name>`` or ``project``. A
            more specific scope that says otherwise for this image still decides.
        """
        table = self._opened.table
        if not table.image_id:
            return False
        checked: Mapping[str, Any] = planning.checked("refine", method, values)
        used = next((step for step in table.shown.steps if step.method == method), None)
        if used is not None:
            checked = planning.changed_with(used, checked)
        if self._try(table, method, checked, scope):
            self._draw_tried(table)
        return True

    def full_scope(self, scope: str) -> str:
        """Return a scope as the plan writes it: ``image`` is the shown one."""
        return f"image:{self._opened.table.image_id}" if scope == "image" else scope

    def _try(self, table: Table, method: str, values: Mapping[str, Any], scope: str) -> bool:
        """Note what is tried; return False, and say so, when a more specific scope still decides for this image."""
        self._inference.show_held_back()  # what is tried is tried on what the models in use say
        plan = planning.with_parameters(table.shown.plan, "refine", method, values, self.full_scope(scope))
        self._tried, table.shown = plan, table.shown.under(plan)
        used = next((step.parameters for step in table.shown.steps if step.method == method), {})
        if laid_over(used, values) == used:
            return True
        self.signals.notice.emit(FOLLOWS_ITS_OWN)
        return False

    @reported
    def keep(self) -> bool:
        """Write what was tried into the plan, as one change; return False when there was nothing to keep."""
        table, tried = self._opened.table, self._tried
        if tried is None:
            return False
        self._forget(table)
        return not table.project.read_only and self.change_plan(tried)

    def save(self) -> bool:
        """Keep what was tried before another image comes; what cannot be kept is reported and does not hold up."""
        if self._tried is not None:
            self.keep()
        return True

    def drop(self) -> None:
        """Forget what was tried, and draw what the plan says."""
        if self._tried is not None:
            self._forget(self._opened.table)
            self._inference.redraw()

    def begin(self, _image_id: str = "") -> None:
        """Try nothing yet on another image."""
        self._tried = None

    def _forget(self, table: Table) -> None:
        self._tried = None
        table.shown = table.shown.under(table.plan)

    # -- drawing ----------------------------------------------------------------------------------------------

    def _draw_tried(self, table: Table, threshold: float | None = None) -> None:
        """Draw what is tried: at once where sliders are the whole work, else in the background."""
        if table.maps is None:
            return
        at = table.shown.threshold if threshold is None else threshold
        table.canvas.set_machine(replace(table.machine, threshold=at))
        if not self._draw_live(table):
            self._inference.draw(table.shown.plan, is_last=False)

    def _draw_live(self, table: Table) -> bool:
        """Draw the proposal from the strongest classes; return False where that is not the whole work."""
        live, maps, chain = table.machine.live, table.machine.maps, table.shown.chain
        threshold = slider_threshold(chain)
        if live is None or maps is None or threshold is None:
            return False
        live.set_gains(gains_in(chain, maps.classes))
        self._inference.forget_preview()
        self._drawn(table, live.at(threshold), table.shown.plan)
        return True

    def _drawn(self, table: Table, proposal: NDArray[np.uint8], plan: Plan) -> None:
        table.canvas.set_machine(replace(table.machine, proposal=proposal, plan=plan))
        self.signals.proposal_changed.emit(table.image_id)

    def follow_results(self) -> None:
        """Draw what is tried again: a slider is ahead of what was stored."""
        if self._tried is not None:
            self._draw_tried(self._opened.table)

    # -- changing the plan ------------------------------------------------------------------------------------

    def change_plan(self, plan: Plan) -> bool:
        """Make `plan` the project's and bring what is shown after it; return False when it is that already."""
        table = self._opened.table
        before = table.plan
        if plan == before:
            return False
        table.project.set_plan(plan)
        self.follow_plan(before)
        return True

    def follow_plan(self, before: Plan) -> None:
        """Bring what is shown after the project's plan, which was `before`."""
        table = self._opened.table
        plan = table.plan
        self._forget(table)
        self.signals.plan_changed.emit()
        if replace(plan, **{name: getattr(before, name) for name in _OF_DRAWING}) == before:
            self._follow_refiners(table, before)
        else:
            self.forget_drawn()
        self.plan_changed(before)

    def _follow_refiners(self, table: Table, before: Plan) -> None:
        """Draw the shown image anew after a change of refiners only: its maps are still those."""
        _forget_ahead(table, before)
        shown, machine = table.shown, table.machine
        if machine.maps is None or shown.under(before).chain == shown.chain:
            return
        if machine.plan != shown.plan or self._inference.is_drawing:  # else it was drawn while it was tried
            found = read_machine(table.project, shown, machine.maps, machine)
            if found.proposal is not None:
                self._inference.forget_preview()
                self._inference.show(found)
            else:
                table.canvas.set_machine(replace(found, proposal=machine.proposal, plan=machine.plan))
                self._inference.draw(shown.plan, is_last=True)
        self._inference.store(table.image_id)

    def forget_drawn(self) -> None:
        """Read and draw everything anew: other models or clusters decide. What is held back stays so."""
        self._opened.table.prefetch.clear()
        if not self._inference.holds_back:
            self._inference.redraw()


def _forget_ahead(table: Table, before: Plan) -> None:
    """Drop what was read ahead of the images that a change of the plan concerns."""
    after = table.plan
    scopes = {**before.overrides, **after.overrides}
    changed = [scope for scope in scopes if before.overrides.get(scope) != after.overrides.get(scope)]
    if (
        before.automatic != after.automatic
        or _gain_apart(before) != _gain_apart(after)
        or not all(scope.startswith("image:") for scope in changed)
    ):
        table.prefetch.clear()
        return
    for scope in changed:
        table.prefetch.drop(scope.removeprefix("image:"))


def _gain_apart(plan: Plan) -> tuple[Step, ...]:
    """Return the project's refiners without a step of gains that gives none."""
    return tuple(step for step in plan.refiners if step != Step(CLASS_GAIN))
