"""Writes what a person painted: strokes into the journal at once, the whole draft as a checkpoint a little later.

The shadow is the mask as it is on disk. Changes are found by comparing with it, so brush, fill, polygon, copied
proposals and undo (which napari reports differently) are all the same here, and a failed write is simply retried:
the shadow only moves when the disk has it.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from napari_wsss.core.errors import WsssError
from napari_wsss.core.project import Project
from napari_wsss.session.jobs import describe
from napari_wsss.session.save_state import SaveState

DISK_TROUBLE = (WsssError, OSError, sqlite3.Error)
FIRST_RETRY, LONGEST_RETRY = 2.0, 60.0


class Autosave:
    """Keeps the shown mask on disk.

    Parameters
    ----------
    project : Project
    tell : callable
        Receives each new `SaveState`.
    """

    def __init__(self, project: Project, tell: Callable[[SaveState], None]) -> None:
        self._project = project
        self._tell = tell
        self._image_id = ""
        self._shadow = np.zeros((0, 0), np.uint8)
        self._mask = self._shadow
        self._strokes = 0  # since the last checkpoint
        self._whole_first = False
        self._wait = 0.0
        self.state = SaveState("read_only" if project.read_only else "saved")

    def begin(self, image_id: str, mask: NDArray[np.uint8], whole_first: bool = False) -> None:
        """Take `mask` (H, W) uint8 as what is on disk for `image_id`.

        With `whole_first` something else is on disk (a mask of another size, because the image was replaced), so the
        first change writes the whole mask; a draft of the other size is discarded then, which can be undone.
        """
        self._image_id, self._mask, self._shadow, self._strokes = image_id, mask, mask.copy(), 0
        self._whole_first = whole_first
        self._set(SaveState("read_only" if self._project.read_only else "saved"))

    def touch(self) -> None:
        """Note that the person is painting and nothing of it is on disk yet."""
        if not self._project.read_only and self.state.kind == "saved":
            self._set(SaveState("unsaved"))

    def record(self, values: NDArray[np.uint8]) -> int:
        """Append what changed since the shadow as one stroke; return the number of changed pixels."""
        self._mask = values
        changed = np.flatnonzero(values != self._shadow)
        if not len(changed) or self._project.read_only:
            self._settle()
            return len(changed)
        self._set(SaveState("unsaved"))
        try:
            self._append(changed, values)
        except DISK_TROUBLE as error:
            self._fail(error)
        else:
            self._settle()
        return len(changed)

    def flush(self) -> bool:
        """Write the draft as a whole where strokes were made; return False when work is only in memory."""
        if self._project.read_only or not self._image_id:
            return True
        pending = bool(np.any(self._mask != self._shadow))
        if not pending and not self._strokes:
            self._settle()
            return True
        self._set(SaveState("saving"))
        try:
            self._project.save_draft(self._image_id, self._mask)
        except DISK_TROUBLE as error:
            self._fail(error)
            return False
        self._shadow = self._mask.copy()
        self._strokes = 0
        self._settle()
        return True

    def _append(self, changed: NDArray[np.intp], values: NDArray[np.uint8]) -> None:
        if self._whole_first:
            self._project.discard_draft(self._image_id)
            self._project.save_draft(self._image_id, values)
            self._whole_first = False
        else:
            self._project.record_stroke(self._image_id, changed, values.ravel()[changed])
        self._shadow.ravel()[changed] = values.ravel()[changed]
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
