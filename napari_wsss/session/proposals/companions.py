"""The images the shown one is compared with: which they are, and replacing them by others."""

from collections.abc import Sequence
from dataclasses import replace

from napari_wsss.core.errors import LabelError, WsssError
from napari_wsss.core.inside import below
from napari_wsss.pipeline.companions import NONE, Companions, candidates, companions_per_class, related
from napari_wsss.session.proposals.sliders import Sliders
from napari_wsss.session.signals import Signals, reported
from napari_wsss.session.table.opened import Opened


class CompanionChoice:
    """The companions of the shown image; changing them changes its maps, which are computed anew.

    Parameters
    ----------
    opened : Opened
    sliders : Sliders
        Change the plan, which holds a person's choice.
    signals : Signals
    """

    def __init__(self, opened: Opened, sliders: Sliders, signals: Signals) -> None:
        self._opened, self._sliders, self.signals = opened, sliders, signals

    @property
    def wanted(self) -> bool:
        """True when the applied localizer compares images, and no segmenter takes its place."""
        table = self._opened.table
        plan = table.plan
        if not plan.localizer_checkpoint or plan.segmenter_checkpoint:
            return False
        return companions_per_class(below(table.project.folder, plan.localizer_checkpoint)) > 0

    @property
    def chosen(self) -> Companions:
        """Those of the shown image, with what could not be taken and why."""
        table = self._opened.table
        if not table.image_id or not self.wanted:
            return NONE
        try:
            return related(table.project, table.plan, table.record)
        except WsssError:  # a job will say what is wrong
            return NONE

    def candidates(self) -> tuple[str, ...]:
        """Return the images that share a class with the shown one and do not accompany it yet, best first."""
        table = self._opened.table
        taken = set(self.chosen.chosen)
        return tuple(image_id for image_id in candidates(table.project, table.record) if image_id not in taken)

    @reported
    def replace(self, old: str, new: str) -> bool:
        """Take another image instead of a companion of the shown one; "" for `old` adds it, "" for `new` only removes.

        From then on the choice is a person's: the rule no longer fills gaps.
        """
        found = self.chosen
        kept = [image_id for image_id in (*found.chosen, *found.skipped) if image_id != new]
        if old in kept:
            kept[kept.index(old)] = new
        else:
            kept.append(new)
        return self.set([image_id for image_id in kept if image_id])

    @reported
    def set(self, ids: Sequence[str]) -> bool:
        """Let a person's choice accompany the shown image.

        An image that shares no class with it is refused.
        """
        table = self._opened.table
        shown_id, labels = table.shown_id(), table.record.labels
        for image_id in ids:
            if image_id == shown_id or not table.project.catalog.get(image_id).labels & labels:
                raise LabelError(
                    f"{image_id} cannot accompany {shown_id}; expected another image that shares one of its classes "
                    f"({', '.join(sorted(labels)) or 'it has none'})."
                )
        chosen = {**table.plan.companions, shown_id: tuple(dict.fromkeys(ids))}
        return self._sliders.change_plan(replace(table.plan, companions=chosen))

    @reported
    def reset(self) -> bool:
        """Let the rule choose the companions of the shown image again."""
        table = self._opened.table
        kept = {image_id: ids for image_id, ids in table.plan.companions.items() if image_id != table.image_id}
        return self._sliders.change_plan(replace(table.plan, companions=kept))
