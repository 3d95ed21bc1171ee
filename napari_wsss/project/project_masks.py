"""A project's masks and decisions, as everybody else asks for them (what they do is in `review`)."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from napari_wsss.core.masks import Mask
from napari_wsss.core.sources import PERSON, Source, Sources
from napari_wsss.project.journal import Entry
from napari_wsss.project.review import Review
from napari_wsss.project.sourced_masks import SourcedMask


class ProjectMasks:
    """The part of a `Project` that reads, draws, accepts and takes back masks."""

    _review: Review

    def accepted_path(self, image_id: str) -> Path:
        """Return where the accepted mask of an image lies (it may not exist)."""
        return self._review.files.accepted_path(image_id)

    def draft_path(self, image_id: str) -> Path:
        """Return where the draft checkpoint of an image lies (it may not exist)."""
        return self._review.files.draft_path(image_id)

    def has_accepted(self, image_id: str) -> bool:
        """Tell whether there is an accepted mask (also while a draft lies over it)."""
        return self._review.has_accepted(image_id)

    def has_draft(self, image_id: str) -> bool:
        """Tell whether there is unfinished work on the mask."""
        return self._review.has_draft(image_id)

    def read_accepted(self, image_id: str) -> Mask | None:
        """Return the accepted mask (H, W) uint8, None when there is none."""
        found = self._review.read_accepted(image_id)
        return found.values if found else None

    def read_draft(self, image_id: str) -> Mask | None:
        """Return the unfinished mask (H, W) uint8, later strokes included; None when there is none."""
        found = self._review.read_draft(image_id)
        return found.values if found else None

    def working_mask(self, image_id: str) -> Mask | None:
        """Return what a person works on: the draft if there is one, else the accepted mask, else None."""
        found = self._review.working(image_id)
        return found.values if found else None

    def read_sourced(self, image_id: str, accepted: bool = False) -> SourcedMask | None:
        """Return the working mask, or only the accepted one, with who made its pixels; None when there is none."""
        return self._review.read_accepted(image_id) if accepted else self._review.working(image_id)

    def read_sources(self, image_id: str, accepted: bool = False) -> Sources | None:
        """Return who made the pixels of the working mask, or of the accepted one; None when there is no mask."""
        found = self.read_sourced(image_id, accepted)
        return found.sources if found else None

    def record_stroke(
        self,
        image_id: str,
        indices: NDArray[np.int64],
        values: Mask,
        sources: ArrayLike = PERSON,
        table: tuple[Source, ...] = (),
    ) -> Entry:
        """Journal changed pixels (flat indices (N,), values (N,) uint8) and turn the image into a draft.

        `sources` and `table` say who made them, a person by default (see `Journal.append_stroke`).
        """
        return self._review.record_stroke(image_id, indices, values, sources, table)

    def save_draft(
        self, image_id: str, values: Mask, checkpoint: int | None = None, sources: Sources | None = None
    ) -> None:
        """Write a checkpoint of the draft; on disk when this returns.

        `checkpoint` is the number of the last stroke that `values` holds; give it when saving in another thread
        than the one that records strokes. Without `sources`, what differs from the working mask is a person's.
        """
        self._review.save_draft(image_id, values, checkpoint, sources)

    def discard_draft(self, image_id: str) -> bool:
        """Drop the draft (undoable) and return whether there was one; an accepted mask below it is untouched."""
        return self._review.discard_draft(image_id)

    def accept(
        self, image_id: str, values: Mask, facts: Mapping[str, Any] | None = None, sources: Sources | None = None
    ) -> None:
        """Write the accepted mask, set the state and drop the draft (undoable); see `Review.accept`."""
        self._review.accept(image_id, values, facts, sources)

    def as_one_step(self, group: int = 0) -> AbstractContextManager[int]:
        """Return a context in which all decisions are one step for `undo_decision` (of an earlier one's `group`)."""
        return self._review.as_one_step(group)

    def decide(self, image_id: str, state: str) -> None:
        """Set a review state (undoable); ``"todo"`` means: whatever the image rests in without a decision."""
        self._review.decide(image_id, state)

    def undo_decision(self) -> str | None:
        """Take back the last decision, state and mask file; return the image's id, None when there is none."""
        return self._review.undo()

    def unsettled(self) -> int:
        """Try again to write mask files that could not be written; return how many still wait (0: all on disk)."""
        return self._review.files.settle()
