"""The plan with its scopes: parameters set, forgotten, taken back and used for more images; presets; refiners."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from napari_wsss.core.gains import NEUTRAL
from napari_wsss.core.plan import Step
from napari_wsss.core.registry import Shelf
from napari_wsss.pipeline.lineage import clusters_of, has_model, steps_for
from napari_wsss.pipeline.plan_history import last_change, mark_taken_back
from napari_wsss.project.records import UNDECIDED
from napari_wsss.session.proposals import planning, presets
from napari_wsss.session.proposals.sliders import FOLLOWS_ITS_OWN, Trying
from napari_wsss.session.results.live import CLASS_GAIN, background_step
from napari_wsss.session.signals import reported


class Tuning(Trying):
    """Changes of the plan by a person."""

    @property
    def scopes(self) -> dict[str, str]:
        """Where a change may count, most specific first: scope -> what a person reads."""
        found = {"image": "this image"}
        record, project = self.record, self.project
        if record is not None and project is not None:
            clusters = [one.cluster for one in project.catalog.clusters.of(record.id)]
            found |= {f"cluster:{name}": f"cluster {name}" for name in clusters}
            found |= {f"class:{name}": f"class {name}" for name in sorted(record.labels)}
        return {**found, planning.PROJECT: "the project"}

    # -- parameters -------------------------------------------------------------------------------------------

    @reported
    def set_parameters(self, shelf: Shelf, method: str, values: Mapping[str, Any], scope: str = "image") -> bool:
        """Set parameters for ``image`` (the shown one), ``class:<name>``, ``cluster:<name>`` or ``project``."""
        self.keep_tried()
        checked = planning.checked(shelf, method, values)
        return self._change_plan(planning.with_parameters(self.plan, shelf, method, checked, self._full(scope)))

    @reported
    def keep_threshold(self, scope: str = "image") -> bool:
        """Write the slider's threshold into the plan for a scope (see `set_parameters`)."""
        if scope == "image":
            return self.keep_tried()
        step = background_step(self.steps)
        tried, self._tried = self._tried, None
        if tried is None or step is None:
            return False
        return self.set_parameters("refine", step.method, dict(step.parameters), scope)

    @reported
    def reset_parameters(self, scope: str = "image", method: str = "") -> bool:
        """Forget what a scope overrides, so that the next wider scope decides again."""
        self.keep_tried()
        return self._change_plan(planning.without_override(self.plan, self._full(scope), method))

    @reported
    def forget_parameter(self, method: str, name: str, entry: str = "") -> bool:
        """Forget a parameter in the scope that decides it for the shown image; the next wider one decides then.

        Parameters
        ----------
        method, name : str
            The refiner and its parameter.
        entry : str
            Of the gains, the mask value of the class to forget.
        """
        self.keep_tried()
        if entry:
            reason = planning.entry_reason(self._layers(method), name, entry, None)
        else:
            reason = next(one for one in self.why(method) if one.name == name)
        if reason.scope == "default":
            return False
        return self._change_plan(planning.without_value(self.plan, method, name, reason.scope, entry))

    @reported
    def apply_preset(self, preset: str, scope: str = "image") -> bool:
        """Set the parameters of a preset (`presets.NAMES`) for all refiners, as one change of the plan."""
        self.keep_tried()
        changed = self._change_plan(presets.with_preset(self.plan, preset, self._full(scope)))
        if self.preset != preset and self.record is not None:
            self.notice.emit(FOLLOWS_ITS_OWN)
        return changed

    @property
    def preset(self) -> str:
        """The preset whose values the shown image has; ``modified`` when it has those of none."""
        return presets.preset_of(self.steps)

    @reported
    def use_for(self, scope: str) -> bool:
        """Let what was set for the shown image count for a wider scope, and draw its undecided images anew.

        What this image was given of its own is forgotten where the wider scope then says the same.
        """
        project, image_id = self.project, self.current_id
        self.keep_tried()
        if project is None or image_id is None or scope == "image":
            return False
        own, plan = self._full("image"), self.plan
        for method, values in self.plan.overrides.get(own, {}).items():
            plan = planning.with_parameters(plan, "refine", method, values, scope)
        freed = planning.without_override(plan, own)
        if steps_for(project, image_id, freed) == steps_for(project, image_id, plan):
            plan = freed
        self._change_plan(plan)
        return self.start_refine(self._undecided_of(scope)) if has_model(project.plan) else True

    def _undecided_of(self, scope: str) -> list[str]:
        assert self.project is not None
        catalog, (kind, _, name) = self.project.catalog, scope.partition(":")
        if kind == "class":
            return list(catalog.ids(states=UNDECIDED, label=name))
        undecided = self._undecided()
        if kind != "cluster":
            return undecided
        return [image_id for image_id in catalog.clusters.members(name) if image_id in set(undecided)]

    # -- taking back ------------------------------------------------------------------------------------------

    @property
    def last_parameter_change(self) -> str:
        """The change that `undo_parameters` takes back, in one line; "" when there is none."""
        if self.is_trying:
            return "what was tried last"
        change = last_change(self.project) if self.project is not None else None
        return change.text() if change is not None else ""

    @reported
    def undo_parameters(self) -> bool:
        """Take back the last change of parameters or refiners, also one made for another image."""
        if self.is_trying:
            self.drop_tried()
            self.plan_changed.emit()
            return True
        change = last_change(self.project) if self.project is not None else None
        if self.project is None or change is None or not self._change_plan(change.taken_back(self.plan)):
            return False
        mark_taken_back(self.project, change)
        self.plan_changed.emit()  # what could be taken back next is another one
        self.notice.emit(f"Taken back: {change.text()}.")
        return True

    # -- explaining -------------------------------------------------------------------------------------------

    def why(self, method: str) -> tuple[planning.Reason, ...]:
        """Return, for each parameter of a refiner, its value on the shown image and which scope decided it."""
        record = self.record
        if record is None:
            return ()
        return planning.reasons(self._tried or self.plan, method, record.id, record.labels, self._clusters())

    def why_gain(self, name: str) -> planning.Reason:
        """Return the gain of a class on the shown image and which scope decided it."""
        assert self.classes is not None
        value = str(self.classes.mask_value(name))
        return planning.entry_reason(self._layers(CLASS_GAIN), "gains", value, NEUTRAL)

    def _layers(self, method: str) -> list[tuple[str, Mapping[str, Any]]]:
        record = self.record
        assert record is not None
        return planning.layers_of(self._tried or self.plan, method, record.id, record.labels, self._clusters())

    def _clusters(self) -> tuple[str, ...]:
        if self.project is None or self.current_id is None:
            return ()
        return clusters_of(self.project, self._tried or self.plan, self.current_id)

    # -- the chain --------------------------------------------------------------------------------------------

    @reported
    def set_refiners(self, steps: Sequence[Step]) -> bool:
        """Choose the refiners and their order for the project; refused when one does not exist or cannot have these
        parameters.
        """
        planning.check_refiners(steps)
        self.keep_tried()
        return self._change_plan(replace(self.plan, refiners=tuple(steps)))

    @reported
    def set_saliency_folder(self, folder: Path) -> bool:
        """Take saliency maps from a folder of grey pictures named like the images, for the project's steps."""
        if self.project is None:
            return False
        self.keep_tried()
        root = self.project.folder.resolve()
        inside = folder.resolve().is_relative_to(root)
        kept = folder.resolve().relative_to(root) if inside else folder.resolve()
        return self._change_plan(replace(self.plan, saliency_folder=kept.as_posix()))
