"""The images the shown one is compared with: which they are, and replacing them by others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from napari_wsss.core.errors import LabelError, WsssError
from napari_wsss.pipeline.companions import NONE, Companions, candidates, companions_per_class, related
from napari_wsss.session.proposals.boundary import BoundaryView
from napari_wsss.session.signals import reported


class CompanionChoice(BoundaryView):
    """The companions of the shown image; changing them changes its maps, which are computed anew."""

    @property
    def wants_companions(self) -> bool:
        """True when the applied localizer compares images, and no segmenter takes its place."""
        project, plan = self.project, self.plan
        if project is None or not plan.localizer_checkpoint or plan.segmenter_checkpoint:
            return False
        return companions_per_class(project.folder / plan.localizer_checkpoint) > 0

    @property
    def companions(self) -> Companions:
        """Those of the shown image, with what could not be taken and why."""
        record = self.record
        if self.project is None or record is None or not self.wants_companions:
            return NONE
        try:
            return related(self.project, self.plan, record)
        except WsssError:  # a job will say what is wrong
            return NONE

    def companion_candidates(self) -> tuple[str, ...]:
        """Return the images that share a class with the shown one and do not accompany it yet, best first."""
        record = self.record
        if self.project is None or record is None:
            return ()
        taken = set(self.companions.chosen)
        return tuple(image_id for image_id in candidates(self.project, record) if image_id not in taken)

    @reported
    def replace_companion(self, old: str, new: str) -> bool:
        """Take another image instead of a companion of the shown one; "" for `old` adds it, "" for `new` only removes.

        From then on the choice is a person's: the rule no longer fills gaps.
        """
        kept = [image_id for image_id in (*self.companions.chosen, *self.companions.skipped) if image_id != new]
        if old in kept:
            kept[kept.index(old)] = new
        else:
            kept.append(new)
        return self.set_companions([image_id for image_id in kept if image_id])

    @reported
    def set_companions(self, ids: Sequence[str]) -> bool:
        """Let a person's choice accompany the shown image.

        An image that shares no class with it is refused.
        """
        record, project = self.record, self.project
        if record is None or project is None:
            return False
        for image_id in ids:
            if image_id == record.id or not project.catalog.get(image_id).labels & record.labels:
                raise LabelError(
                    f"{image_id} cannot accompany {record.id}; expected another image that shares one of its classes "
                    f"({', '.join(sorted(record.labels)) or 'it has none'})."
                )
        chosen = {**self.plan.companions, record.id: tuple(dict.fromkeys(ids))}
        return self._change_plan(replace(self.plan, companions=chosen))

    @reported
    def reset_companions(self) -> bool:
        """Let the rule choose the companions of the shown image again."""
        kept = {image_id: ids for image_id, ids in self.plan.companions.items() if image_id != self.current_id}
        return self._change_plan(replace(self.plan, companions=kept))
