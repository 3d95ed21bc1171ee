"""The one snapshot of what decides the shown image: resolved once per change, read and compared by everyone.

It holds what the catalog says of the image and the plan that counts for it, with what a person is trying laid over.
Everything else is worked out from these without asking the database again.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

from napari_wsss.core.background import LOWEST
from napari_wsss.core.classes import ClassList
from napari_wsss.core.gains import NEUTRAL
from napari_wsss.core.plan import Plan, Step
from napari_wsss.pipeline.chain import CLASS_GAIN, applied_source, running
from napari_wsss.pipeline.lineage import answered_classes, awaits_labels
from napari_wsss.project.project import Project
from napari_wsss.project.records import ImageRecord
from napari_wsss.session.results.live import gains_in, threshold_in
from napari_wsss.session.results.scopes import PROJECT, Layers, Reason, entry_reason, layers_of, reasons


@dataclass(frozen=True)
class Shown:
    """What decides everything that is shown of one image; make one with `resolve`.

    Parameters
    ----------
    record : ImageRecord
        Labels, state, note and facts of the image as the catalog has them.
    classes : ClassList
    plan : Plan
        The project's, or what is being tried on the image.
    """

    record: ImageRecord
    classes: ClassList
    plan: Plan

    def under(self, plan: Plan) -> Shown:
        """Return the snapshot under another plan; no question is asked for it."""
        return self if plan is self.plan else replace(self, plan=plan)

    @cached_property
    def steps(self) -> tuple[Step, ...]:
        """The image's refiners, every scope's parameters laid over."""
        return self.plan.refiners_for(self.record.id, self.record.labels, self.record.clusters)

    @cached_property
    def chain(self) -> tuple[Step, ...]:
        """Those of `steps` that run (the one rule is `pipeline.chain.running`)."""
        return running(self.plan, applied_source(self.plan), self.record.id, self.steps)

    @cached_property
    def present(self) -> tuple[int, ...]:
        """0-based indices of the labelled classes; of all for a segmenter while the image is not labelled."""
        return answered_classes(self.classes, applied_source(self.plan), self.record)

    @property
    def awaits_labels(self) -> bool:
        """Whether there is no proposal before the image is labelled."""
        return not self.record.labelled and awaits_labels(applied_source(self.plan), labelled=False)

    @cached_property
    def threshold(self) -> float:
        """The constant threshold in [0, 1] equivalent to the last background step; 0.0 without one.

        The lowest there is where every pixel belongs to a class.
        """
        return LOWEST if self.plan.every_pixel else threshold_in(self.steps)

    @property
    def gains(self) -> dict[str, float]:
        """The gain of each labelled class by name, 1 by default."""
        found = gains_in(self.steps, self.present)
        return {self.classes.names[k]: found.get(k, NEUTRAL) for k in self.present}

    @property
    def scopes(self) -> dict[str, str]:
        """Where a change may count, most specific first: scope -> what a person reads."""
        clusters = {f"cluster:{name}": f"cluster {name}" for name in self.record.clusters}
        classes = {f"class:{name}": f"class {name}" for name in sorted(self.record.labels)}
        return {"image": "this image", **clusters, **classes, PROJECT: "the project"}

    def why(self, method: str) -> tuple[Reason, ...]:
        """Return, for each parameter of a refiner, its value and which scope decided it."""
        return reasons(self.layers(method), method)

    def why_gain(self, name: str) -> Reason:
        """Return the gain of a class and which scope decided it."""
        value = str(self.classes.mask_value(name))
        return entry_reason(self.layers(CLASS_GAIN), "gains", value, NEUTRAL)

    def layers(self, method: str) -> Layers:
        """Return what each scope says about a refiner, the most specific scope first."""
        return layers_of(self.plan, method, self.record.id, self.record.labels, self.record.clusters)


def resolve(project: Project, plan: Plan, image_id: str) -> Shown:
    """Return the snapshot of an image under a plan.

    Raises
    ------
    ProjectError
        When the project has no such image.
    """
    return Shown(project.catalog.get(image_id), project.classes, plan)


def nothing(project: Project) -> Shown:
    """Return the snapshot while no image is shown."""
    return Shown(ImageRecord("", "", frozenset(), "todo"), project.classes, project.plan)
