"""The mask on the table under a person's hands: every change recorded with who made it, and saved."""

from __future__ import annotations

import threading
import time
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from napari_wsss.core.errors import ProjectError
from napari_wsss.core.sources import Source, Sources
from napari_wsss.project.project import Project
from napari_wsss.project.sourced_masks import SourcedMask
from napari_wsss.session.jobs import Dispatch, Jobs, directly
from napari_wsss.session.signals import Signals
from napari_wsss.session.table.attention import Attention
from napari_wsss.session.table.autosave import Autosave
from napari_wsss.session.table.canvas import Canvas
from napari_wsss.session.table.save_state import SaveState


class Editing(Signals):
    """The shown mask and its sources.

    Parameters
    ----------
    dispatch : callable
        Brings a call into the thread that owns the session (see `session.jobs`).

    Attributes
    ----------
    attention : Attention
        How long a person worked on each image.
    """

    def __init__(self, dispatch: Dispatch = directly) -> None:
        self.project: Project | None = None
        self.jobs = Jobs(dispatch)
        self.attention = Attention()
        self._canvas: Canvas | None = None
        self._autosave: Autosave | None = None
        self._provenance_shown = False
        self._state = ""  # of the shown image, as last told to the windows

    @property
    def sources(self) -> Sources | None:
        """Who made each pixel of the shown mask, as recorded last; the same object while nothing changed."""
        return self._autosave.drawn.sources if self._autosave and self._canvas else None

    @property
    def source_table(self) -> tuple[Source, ...]:
        """The machine sources of the shown mask; value 2 + i of `sources` is entry i."""
        sources = self.sources
        return sources.table if sources else ()

    @property
    def provenance_shown(self) -> bool:
        """True while a person wants to see who made which pixel."""
        return self._provenance_shown

    def show_provenance(self, shown: bool) -> None:
        """Show who made which pixel, on this image and the next ones, or hide it."""
        if shown != self._provenance_shown:
            self._provenance_shown = shown
            self.sources_changed.emit(self._canvas.image_id if self._canvas else "")

    @property
    def person_pixels(self) -> NDArray[np.bool_] | None:
        """(H, W) bool, True where a person drew; only a person's own deed may change these pixels."""
        sources = self.sources
        return sources.person if sources else None

    @property
    def mask_is_touched(self) -> bool:
        """True when a person made the mask; accepting an untouched image accepts its proposal."""
        return bool(self._canvas and self._canvas.touched)

    @property
    def save_state(self) -> SaveState:
        """Whether the shown mask is on disk."""
        return self._autosave.state if self._autosave else SaveState("saved")

    def touch(self) -> None:
        """Note that the person has painted: the header says *not saved* until `record_change` has written it."""
        self.attention.seen()
        if self._autosave:
            self._autosave.touch()

    def record_change(
        self,
        values: NDArray[np.uint8],
        source: Source | None = None,
        claimed: NDArray[np.bool_] | None = None,
        ground: SourcedMask | None = None,
    ) -> None:
        """Journal what changed in the mask (H, W) uint8 since the last call, also by undo; the image becomes a draft.

        Call it a moment after each paint, fill or undo with the layer's array. It returns when the change is on disk
        (or `save_state` says that it is not).

        Parameters
        ----------
        values : (H, W) uint8
        source : Source, optional
            The machine step that made the change. Without it, what was painted (`touch` was called) is a person's;
            what was not painted gets the sources it had where it is undo or redo of a recorded step.
        claimed : (H, W) bool, optional
            All pixels the machine step decided, also those whose value it left; a person's stay a person's.
        ground : SourcedMask, optional
            What the step worked on where that is not the mask (see `proposal_as_mask`); what it left keeps its source.
        """
        canvas, autosave, project = self._canvas, self._autosave, self.project
        if canvas is None or autosave is None or project is None:
            return
        before, canvas.mask = autosave.drawn, values
        changed = autosave.record(values, _stamped(source), claimed, ground)
        if changed and not project.read_only:
            was_touched, canvas.touched = canvas.touched, True
            state = project.catalog.state(canvas.image_id)
            if state != self._state or not was_touched:
                self._state = state
                self.state_changed.emit(canvas.image_id)
            self._recorded(values)
        if autosave.drawn is not before:
            self.attention.seen()
            self.sources_changed.emit(canvas.image_id)

    def replace_mask(
        self,
        values: NDArray[np.uint8],
        source: Source | None = None,
        claimed: NDArray[np.bool_] | None = None,
        ground: SourcedMask | None = None,
    ) -> None:
        """Make `values` the mask: journaled at once, and one step of the layer's history where a window shows it.

        Parameters are those of `record_change`; what was painted before and not recorded yet is recorded first.
        """
        canvas = self._canvas
        if canvas is None:
            return
        self.record_change(canvas.mask)
        if source is None and np.array_equal(values, canvas.mask):
            return
        self.record_change(values, source, claimed, ground)
        self.mask_replaced.emit(canvas.image_id)

    def _recorded(self, values: NDArray[np.uint8]) -> None:
        """Follow a change of the mask (extended by the other layers of the session)."""

    def flush(self) -> bool:
        """Write everything of the shown image; return False (and say why) when work is only in memory."""
        if self._canvas is not None:
            self.record_change(self._canvas.mask)  # paint of the last moment
        if self._autosave is None or self._autosave.flush():
            return True
        shown = self._canvas.image_id if self._canvas else None
        self.failed.emit(f"The mask of {shown} could not be saved: {self.save_state.message}")
        return False

    def _open(self) -> tuple[Project, str]:
        """Return the project and the shown image's id; raise ProjectError when there is none."""
        if self.project is None or self._canvas is None:
            raise ProjectError("No image is shown; open a project first.")
        return self.project, self._canvas.image_id

    def _on_save_state(self, state: SaveState) -> None:
        """Tell the windows, and try a failed write again later where a window owns this thread."""
        self.save_state_changed.emit(state)
        if state.kind == "failed" and self.jobs.dispatch is not directly:
            timer = threading.Timer(state.retry_seconds, lambda: self.jobs.dispatch(self._retry))
            timer.daemon = True
            timer.start()

    def _retry(self) -> None:
        if self._autosave is not None and self._autosave.state.kind == "failed":
            self._autosave.flush()


def _stamped(source: Source | None) -> Source | None:
    """Return a source with the time of now, unless it has one."""
    return source if source is None or source.time else replace(source, time=round(time.time()))
