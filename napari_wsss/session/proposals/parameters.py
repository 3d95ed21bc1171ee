"""The plan with its scopes: parameters set, forgotten, taken back and used for more images; presets; refiners."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from napari_wsss.core.plan import Step
from napari_wsss.core.registry import Shelf
from napari_wsss.pipeline.lineage import has_model
from napari_wsss.pipeline.plan_history import last_change, mark_taken_back
from napari_wsss.project.states import UNDECIDED
from napari_wsss.session.proposals import planning, presets
from napari_wsss.session.proposals.inference import Inference
from napari_wsss.session.proposals.sliders import FOLLOWS_ITS_OWN, Sliders
from napari_wsss.session.results.scopes import Reason, entry_reason
from napari_wsss.session.signals import Signals, reported
from napari_wsss.session.table.opened import Opened
from napari_wsss.session.table.table import Table


class Parameters:
    """Changes of the plan by a person.

    Parameters
    ----------
    opened : Opened
    sliders : Sliders
        Hold what is being tried, and change the plan.
    inference : Inference
        Draws other images anew.
    signals : Signals
    """

    def __init__(self, opened: Opened, sliders: Sliders, inference: Inference, signals: Signals) -> None:
        self._opened, self._sliders, self._inference, self.signals = opened, sliders, inference, signals

    # -- parameters -------------------------------------------------------------------------------------------

    @reported
    def set(self, shelf: Shelf, method: str, values: Mapping[str, Any], scope: str = "image") -> bool:
        """Set parameters for ``image`` (the shown one), ``class:<name>``, ``cluster:<name>`` or ``project``."""
        table, full = self._kept(), self._sliders.full_scope(scope)
        checked = planning.checked(shelf, method, values)
        return self._sliders.change_plan(planning.with_parameters(table.plan, shelf, method, checked, full))

    def _kept(self) -> Table:
        """Return the table, once what was tried is part of the plan."""
        self._sliders.keep()
        return self._opened.table

    @reported
    def forget(self, method: str, name: str, entry: str = "") -> bool:
        """Forget a parameter in the scope that decides it for the shown image; the next wider one decides then.

        Parameters
        ----------
        method, name : str
            The refiner and its parameter.
        entry : str
            Of the gains, the mask value of the class to forget.
        """
        table = self._kept()
        if entry:
            reason = entry_reason(table.shown.layers(method), name, entry, None)
        else:
            reason = next(one for one in table.shown.why(method) if one.name == name)
        if not reason.is_chosen:
            return False
        return self._sliders.change_plan(planning.without_value(table.plan, method, name, reason.scope, entry))

    @reported
    def apply_preset(self, preset: str, scope: str = "image") -> bool:
        """Set the parameters of a preset (`presets.NAMES`) for all refiners, as one change of the plan."""
        table, full = self._kept(), self._sliders.full_scope(scope)
        changed = self._sliders.change_plan(presets.with_preset(table.plan, preset, full))
        if self.preset != preset and table.image_id:
            self.signals.notice.emit(FOLLOWS_ITS_OWN)
        return changed

    @property
    def preset(self) -> str:
        """The preset whose values the shown image has; ``modified`` when it has those of none."""
        table = self._opened.table
        return presets.preset_of(table.shown.steps, table.shown.plan)

    @reported
    def use_for(self, scope: str) -> bool:
        """Let what was set for the shown image count for a wider scope, and draw its undecided images anew.

        What this image was given of its own is forgotten where the wider scope then says the same.
        """
        table = self._kept()
        if not table.image_id or scope == "image":
            return False
        own, plan = self._sliders.full_scope("image"), table.plan
        for method, values in table.plan.overrides.get(own, {}).items():
            plan = planning.with_parameters(plan, "refine", method, values, scope)
        freed = planning.without_override(plan, own)
        if table.shown.under(freed).steps == table.shown.under(plan).steps:
            plan = freed
        self._sliders.change_plan(plan)
        return self._inference.refine(self._undecided_of(table, scope)) if has_model(plan) else True

    def _undecided_of(self, table: Table, scope: str) -> list[str]:
        catalog, (kind, _, name) = table.project.catalog, scope.partition(":")
        if kind == "class":
            return list(catalog.ids(states=UNDECIDED, label=name))
        undecided = self._inference.undecided()
        if kind != "cluster":
            return undecided
        return [image_id for image_id in catalog.clusters.members(name) if image_id in set(undecided)]

    # -- taking back ------------------------------------------------------------------------------------------

    @property
    def last_change(self) -> str:
        """The change that `undo` takes back, in one line; "" when there is none."""
        table = self._opened.or_none
        if table is None:
            return ""
        if self._sliders.is_trying:
            return "what was tried last"
        change = last_change(table.project)
        return change.text() if change is not None else ""

    @reported
    def undo(self) -> bool:
        """Take back the last change of parameters or refiners, also one made for another image."""
        table = self._opened.table
        if self._sliders.is_trying:
            self._sliders.drop()
            self.signals.plan_changed.emit()
            return True
        change = last_change(table.project)
        if change is None or not self._sliders.change_plan(change.taken_back(table.plan)):
            return False
        mark_taken_back(table.project, change)
        self.signals.plan_changed.emit()  # what could be taken back next is another one
        self.signals.notice.emit(f"Taken back: {change.text()}.")
        return True

    # -- explaining -------------------------------------------------------------------------------------------

    @property
    def scopes(self) -> dict[str, str]:
        """Where a change may count, most specific first: scope -> what a person reads."""
        return self._opened.table.shown.scopes

    def why(self, method: str) -> tuple[Reason, ...]:
        """Return, for each parameter of a refiner, its value on the shown image and which scope decided it."""
        return self._opened.table.shown.why(method)

    def why_gain(self, name: str) -> Reason:
        """Return the gain of a class on the shown image and which scope decided it."""
        return self._opened.table.shown.why_gain(name)

    # -- the chain --------------------------------------------------------------------------------------------

    @reported
    def set_refiners(self, steps: Sequence[Step]) -> bool:
        """Choose the refiners and their order for the project.

        Refused when one does not exist or cannot have these parameters.
        """
        planning.check_refiners(steps)
        return self._sliders.change_plan(replace(self._kept().plan, refiners=tuple(steps)))

    @reported
    def set_every_pixel(self, chosen: bool) -> bool:
        """Let every pixel belong to a labelled class, or no longer, and draw all undecided images anew."""
        table = self._kept()
        changed = self._sliders.change_plan(replace(table.plan, every_pixel=chosen))
        return self._inference.refine() if changed and has_model(table.plan) else changed

    @reported
    def set_saliency_folder(self, folder: Path) -> bool:
        """Take saliency maps from a folder of grey pictures named like the images, for the project's steps."""
        table = self._kept()
        root = table.project.folder.resolve()
        inside = folder.resolve().is_relative_to(root)
        kept = folder.resolve().relative_to(root) if inside else folder.resolve()
        return self._sliders.change_plan(replace(table.plan, saliency_folder=kept.as_posix()))
