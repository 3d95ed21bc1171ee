"""Writes what a person painted: strokes into the journal at once, the whole draft as a checkpoint a little later.

Changes are found by comparing with the mask as noted last (see `ledger`), so brush, fill, polygon, copied proposals and
undo (which napari reports differently) are all the same here. What is on disk is remembered beside it, so a failed
write is simply retried: that memory only moves when the disk has it.
"""

import sqlite3
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from napari_wsss.core.errors import WsssError
from napari_wsss.core.sources import Source
from napari_wsss.project.project import Project
from napari_wsss.project.sourced_masks import SourcedMask
from napari_wsss.session.jobs import describe
from napari_wsss.session.table.ledger import Changed, Ledger
from napari_wsss.session.table.save_state import SaveState

DISK_TROUBLE = (WsssError, OSError, sqlite3.Error)
FIRST_RETRY, LONGEST_RETRY = 2.0, 60.0


class Autosave:
    """Keeps the shown mask on disk, with who made its pixels.

    Parameters
    ----------
    project : Project
    tell : callable
        Receives each new `SaveState`.

    Attributes
    ----------
    ledger : Ledger
        Holds the mask as noted last, with its sources.
    state : SaveState
        As told last.
    """

    def __init__(self, project: Project, tell: Callable[[SaveState], None]) -> None:
        self._project = project
        self._tell = tell
        self._image_id = ""
        self.ledger = Ledger(SourcedMask.empty((0, 0)))
        self._on_disk = self.ledger.state
        self._values = self._on_disk.values  # the very array a person paints into
        self._painted = False  # since the last change was noted
        self._strokes = 0  # since the last checkpoint
        self._whole_first = False
        self._wait = 0.0
        self.state = SaveState("read_only" if project.read_only else "saved")

    def begin(self, image_id: str, mask: SourcedMask, whole_first: bool = False) -> None:
        """Take `mask` as what is on disk for `image_id`; a person paints into its array `values`.

        With `whole_first` something else is on disk (a mask of another size, because the image was replaced), so the
        first change writes the whole mask; a draft of the other size is discarded then, which can be undone.
        """
        self._image_id, self._values, self._strokes = image_id, mask.values, 0
        self.ledger = Ledger(mask)
        self._on_disk, self._painted, self._whole_first = self.ledger.state, False, whole_first
        state = SaveState("read_only" if self._project.read_only else "saved")
        if state != self.state:
            self._set(state)

    def planned(self, values: NDArray[np.uint8], source: Source) -> SourcedMask:
        """Return the mask that a machine step deciding all pixels would make of this one; nothing is noted."""
        return self.ledger.planned(values, source, np.ones(values.shape, bool))

    def accepted(self, values: NDArray[np.uint8], source: Source | None) -> None:
        """Take `values` (H, W) as accepted and on disk; undo goes on across it.

        `source` is given when all of it comes from a machine step that the mask did not hold before.
        """
        self._values = values
        claimed = None if source is None else np.ones(values.shape, bool)
        self.ledger.note(values, source, claimed)
        self._on_disk, self._strokes, self._painted, self._whole_first = self.ledger.state, 0, False, False
        self._set(SaveState("saved"))

    def touch(self) -> None:
        """Note that the person is painting and nothing of it is on disk yet."""
        self._painted = True
        if not self._project.read_only and self.state.kind == "saved":
            self._set(SaveState("unsaved"))

    def record(
        self,
        values: NDArray[np.uint8],
        source: Source | None = None,
        claimed: NDArray[np.bool_] | None = None,
        ground: SourcedMask | None = None,
        kept: NDArray[np.uint8] | None = None,
    ) -> int:
        """Append what changed as one stroke; return the number of changed pixels.

        Parameters
        ----------
        values : (H, W) uint8
        source, claimed, ground, kept
            See `Ledger.note`. Without a source it is a person's painting after `touch`, else it may be undo.
        """
        changed = self._note(values, source, claimed, ground, kept)
        if self._project.read_only or self._on_disk is self.ledger.state:
            self._settle()
            return changed.count
        self._set(SaveState("unsaved"))
        try:
            self._append(changed)
        except DISK_TROUBLE as error:
            self._fail(error)
        else:
            self._settle()
        return changed.count

    def flush(self) -> bool:
        """Do what `checkpoint` does, also with paint that was never recorded."""
        if not self._project.read_only and self._image_id:
            self._note(self._values)
        return self.checkpoint()

    def checkpoint(self) -> bool:
        """Write the draft as a whole where strokes were recorded; return False when work is only in memory."""
        if self._project.read_only or not self._image_id:
            return True
        now = self.ledger.state
        if self._on_disk is now and not self._strokes:
            self._settle()
            return True
        self._set(SaveState("saving"))
        try:
            self._project.review.save_draft(self._image_id, now.values, sources=now.sources)
        except DISK_TROUBLE as error:
            self._fail(error)
            return False
        self._on_disk, self._strokes = now, 0
        self._settle()
        return True

    def _note(
        self,
        values: NDArray[np.uint8],
        source: Source | None = None,
        claimed: NDArray[np.bool_] | None = None,
        ground: SourcedMask | None = None,
        kept: NDArray[np.uint8] | None = None,
    ) -> Changed:
        """Note a change in the ledger; return where the disk is behind."""
        self._values, was_on_disk = values, self._on_disk is self.ledger.state
        changed = self.ledger.note(values, source, claimed, ground, painted=self._painted, kept=kept)
        self._painted = False
        if was_on_disk:
            return changed
        return Changed.between(self._on_disk, self.ledger.state)

    def _append(self, changed: Changed) -> None:
        now = self.ledger.state
        if self._whole_first:
            self._project.review.discard_draft(self._image_id)
            self._project.review.save_draft(self._image_id, now.values, sources=now.sources)
            self._whole_first = False
        elif changed.count:
            self._project.review.record_change(self._image_id, changed.where, now)
        self._on_disk = now
        self._strokes += 1

    def _settle(self) -> None:
        """Everything is on disk (or nothing has to be)."""
        self._wait = 0.0
        if self.state.kind in ("unsaved", "saving", "failed"):
            self._set(SaveState("saved"))

    def _fail(self, error: Exception) -> None:
        self._wait = min(LONGEST_RETRY, max(FIRST_RETRY, 2 * self._wait))
        self._set(SaveState("failed", message=describe(error), retry_seconds=self._wait))

    def _set(self, state: SaveState) -> None:
        self.state = state
        self._tell(state)
