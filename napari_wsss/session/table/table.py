"""The table of an open project: the shown image, the mask under a person's hands, and that all of it is saved.

Every change of the mask is recorded with who made it. A table is whole from the moment a project is open until it is
closed; while none of its images can be read an empty picture lies on it, whose id is "".
"""

import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_wsss.core.classes import ClassList
from napari_wsss.core.errors import ProjectError
from napari_wsss.core.maps import ActivationMaps
from napari_wsss.core.plan import Plan
from napari_wsss.core.sources import Source, Sources
from napari_wsss.project.durable.work_copy import copy_work
from napari_wsss.project.project import Project
from napari_wsss.project.records import ImageRecord
from napari_wsss.project.sourced_masks import SourcedMask
from napari_wsss.session.jobs import Jobs, directly
from napari_wsss.session.results.machine import Machine
from napari_wsss.session.results.shown import Shown, nothing, resolve
from napari_wsss.session.signals import Signals
from napari_wsss.session.table.attention import Attention
from napari_wsss.session.table.autosave import Autosave
from napari_wsss.session.table.canvas import EMPTY, open_canvas
from napari_wsss.session.table.generations import Generations
from napari_wsss.session.table.hooks import Hook
from napari_wsss.session.table.prefetch import Prefetch
from napari_wsss.session.table.queue import Queue
from napari_wsss.session.table.save_state import SaveState


class Table:
    """The shown image of an open project.

    Parameters
    ----------
    project : Project
    jobs : Jobs
        Run what is done in the background.
    signals : Signals
        Tell the windows.

    Attributes
    ----------
    shown : Shown
        What decides everything that is shown of the image; a new value after every change of it.
    canvas : Canvas
        Its picture, the machine's results and the mask.
    queue : Queue
        The images in their order.
    prefetch : Prefetch
        Pictures read ahead.
    attention : Attention
        How long a person worked on each image.
    arrived : Hook
        Another image (its id) is on the table.
    recorded : Hook
        The mask was changed, and this is recorded.
    generations : Generations
        Backups while the project is open.
    savers : list of callable
        Each writes something else of the shown image and returns False when that is only in memory.
    """

    def __init__(self, project: Project, jobs: Jobs, signals: Signals) -> None:
        self.project, self.jobs, self.signals = project, jobs, signals
        self.shown: Shown = nothing(project)
        self.canvas = EMPTY
        self.queue = Queue(project.catalog, self.classes.current)
        self.prefetch = Prefetch(project, jobs)
        self.attention = Attention()
        self.arrived: Hook[str] = Hook()
        self.recorded: Hook[[]] = Hook()
        self.savers: list[Callable[[], bool]] = []
        self.generations = Generations(project, jobs)
        self._autosave = Autosave(project, self._on_save_state)

    # -- what is on it ----------------------------------------------------------------------------------------

    @property
    def image_id(self) -> str:
        """The shown image, "" for none."""
        return self.canvas.picture.image_id

    @property
    def record(self) -> ImageRecord:
        """Labels, state, note and facts of the shown image."""
        return self.shown.record

    @property
    def classes(self) -> ClassList:
        """The project's classes."""
        return self.shown.classes

    @property
    def plan(self) -> Plan:
        """The project's plan (`shown.plan` may be one that is being tried)."""
        return self.project.plan

    @property
    def image(self) -> NDArray[np.uint8]:
        """(H, W, 3) uint8 RGB pixels of the shown image."""
        return self.canvas.picture.pixels

    @property
    def image_note(self) -> str:
        """What the file says of itself, and what was done to its values to show them; "" when nothing."""
        picture = self.canvas.picture
        return "; ".join(filter(None, (picture.told, picture.note)))

    @property
    def image_is_grey(self) -> bool:
        """Whether the three channels of the shown image are the same one."""
        return self.canvas.picture.grey

    @property
    def machine(self) -> Machine:
        """What the machine has for it."""
        return self.canvas.picture.machine

    @property
    def maps(self) -> ActivationMaps | None:
        """(K, H, W) base maps of the labelled classes; None before inference."""
        return self.canvas.picture.machine.maps

    @property
    def proposal(self) -> NDArray[np.uint8] | None:
        """(H, W) uint8 pseudo mask of the plan; None while there is none."""
        return self.canvas.picture.machine.proposal

    @property
    def mask(self) -> NDArray[np.uint8]:
        """(H, W) uint8 working mask, the array the viewer paints into."""
        return self.canvas.mask

    @property
    def drawn(self) -> SourcedMask:
        """The mask as recorded last, with who made its pixels; a new object after every change."""
        return self._autosave.ledger.state

    @property
    def sources(self) -> Sources:
        """Who made each pixel of the shown mask, as recorded last; the same object while nothing changed."""
        return self._autosave.ledger.state.sources

    @property
    def person_pixels(self) -> NDArray[np.bool_]:
        """(H, W) bool, True where a person drew; only a person's own deed may change these pixels."""
        return self.sources.person

    @property
    def mask_is_touched(self) -> bool:
        """True when a person made the mask; accepting an untouched image accepts its proposal."""
        return self.canvas.touched

    @property
    def save_state(self) -> SaveState:
        """Whether the shown mask is on disk."""
        return self._autosave.state

    def shown_id(self) -> str:
        """Return the shown image's id; raise `ProjectError` when no image of the project could be shown."""
        image_id = self.canvas.picture.image_id
        if not image_id:
            raise ProjectError("No image is shown: none of this project's images can be read. Locate them first.")
        return image_id

    def planned(self, values: NDArray[np.uint8], source: Source) -> SourcedMask:
        """Return the mask that a machine step deciding all pixels would make of the shown one; nothing is noted."""
        return self._autosave.planned(values, source)

    # -- another image, and news of this one ------------------------------------------------------------------

    def show(self, image_id: str) -> None:
        """Put an image on the table; save the one before first (`flush`).

        Raises
        ------
        ProjectError, OSError
            When it cannot be read; the image before stays then.
        """
        shown = resolve(self.project, self.project.plan, image_id)
        canvas, drawn, warning = open_canvas(self.project, self.prefetch.get(shown))
        self.shown, self.canvas = shown, canvas
        self._autosave.begin(image_id, drawn, whole_first=bool(warning))
        self.attention.arrive(image_id)
        self.arrived(image_id)
        for sentence in (*self.project.masks.files.take_told(), warning):
            if sentence:
                self.signals.failed.emit(sentence)

    def refresh(self, image_id: str = "") -> None:
        """Ask the catalog again what it says of the shown image, where that is `image_id` ("" for whichever)."""
        shown_id = self.canvas.picture.image_id
        if shown_id and image_id in ("", shown_id):
            self.shown = resolve(self.project, self.shown.plan, shown_id)

    def refresh_all(self) -> None:
        """Ask the project again what it says of the shown image, its plan and classes included."""
        self.shown = resolve(self.project, self.project.plan, self.image_id) if self.image_id else nothing(self.project)

    def tell_state(self, image_id: str) -> None:
        """Tell that an image's review state changed."""
        self.refresh(image_id)
        self.signals.state_changed.emit(image_id)

    def tell_labels(self, image_id: str) -> None:
        """Tell that an image's labels changed."""
        self.refresh(image_id)
        self.signals.labels_changed.emit(image_id)

    def tell_maps(self, image_id: str) -> None:
        """Tell that an image's maps were computed or dropped."""
        self.refresh(image_id)
        self.signals.maps_ready.emit(image_id)

    # -- the mask ---------------------------------------------------------------------------------------------

    def unfit(self, given: Any) -> str:
        """Return why an array that a script made cannot become the mask, "" where it can."""
        read_only = self.project.read_only
        return "the project is open read-only" if read_only else self.canvas.unfit(given, self.classes)

    def touch(self) -> None:
        """Note that the person has painted: the header says *not saved* until `record_change` has written it."""
        self.attention.seen()
        self._autosave.touch()

    def record_change(
        self,
        values: NDArray[np.uint8],
        source: Source | None = None,
        claimed: NDArray[np.bool_] | None = None,
        ground: SourcedMask | None = None,
        kept: NDArray[np.uint8] | None = None,
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
            What the step worked on where that is not the mask (see `Decisions.proposal_as_mask`); what it left keeps
            its source.
        kept : (H, W) uint8, optional
            Equal to `values` and never written into again: undo holds it in place of a copy.
        """
        canvas, before = self.canvas, self._autosave.ledger.state
        if not canvas.picture.image_id:
            return
        canvas.mask, source = values, None if source is None else _stamped(source)
        changed = self._autosave.record(values, source, claimed, ground, kept)
        if changed and not self.project.read_only:
            was_touched = canvas.touched
            canvas.look(self.drawn)
            self._follow_draft(was_touched)
            self.recorded()
        if self._autosave.ledger.state is not before:
            self.attention.seen()
            self.signals.sources_changed.emit(canvas.image_id)

    def _follow_draft(self, was_touched: bool) -> None:
        """Notice that a change of the mask made the image a draft."""
        state = self.record.state
        if was_touched and state == "draft":
            return
        self.refresh()
        if not was_touched or self.record.state != state:
            self.signals.state_changed.emit(self.image_id)

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
        self.record_last()
        if source is None and np.array_equal(values, self.mask):
            return
        if ground is not None:  # what was proposed was corrected, so it was not overlooked
            self.canvas.proposal_ignored = False
        self.record_change(values, source, claimed, ground)
        self.signals.mask_replaced.emit(self.image_id)

    def take_accepted(self, values: NDArray[np.uint8], source: Source | None) -> None:
        """Take `values` (H, W) uint8 as the mask, accepted and on disk (see `Autosave.accepted`)."""
        self.canvas.mask, self.canvas.touched, self.canvas.was_accepted = values, True, True
        self._autosave.accepted(values, source)
        self.signals.sources_changed.emit(self.canvas.picture.image_id)

    def record_last(self) -> None:
        """Record the paint of the last moment."""
        self.record_change(self.canvas.mask)

    # -- saving -----------------------------------------------------------------------------------------------

    def flush(self) -> bool:
        """Write everything of the shown image; return False (and say why) when work is only in memory."""
        is_saved = self.save_mask()
        return self.flush_but_mask() and is_saved

    def flush_but_mask(self) -> bool:
        """Do what `flush` does where the mask has just been written."""
        is_saved = True
        for save in self.savers:
            is_saved &= save()
        return is_saved

    def save_mask(self) -> bool:
        """Write the mask; return False (and say why) when it is only in memory."""
        self.record_last()
        if self._autosave.checkpoint():
            self.generations.look()
            return True
        self.signals.failed.emit(
            f"The mask of {self.image_id} could not be saved: {self.save_state.message} It is tried again by itself; "
            "a copy of the work can be saved in another place (Save a copy elsewhere)."
        )
        return False

    def save_copy(self, folder: Path) -> None:
        """Save a copy of the project's work in another folder, the mask as it is on the screen included.

        Raises
        ------
        ProjectError, OSError
            When it cannot be written there either.
        """
        self.record_last()
        with copy_work(self.project, folder) as copy:
            if self.image_id and not self.save_state.safe:
                copy.review.save_draft(self.image_id, self.drawn.values, sources=self.drawn.sources)

    def _on_save_state(self, state: SaveState) -> None:
        """Tell the windows, and try a failed write again later where a window owns this thread."""
        self.signals.save_state_changed.emit(state)
        if state.kind == "failed" and self.jobs.dispatch is not directly:
            timer = threading.Timer(state.retry_seconds, lambda: self.jobs.dispatch(self._retry))
            timer.daemon = True
            timer.start()

    def _retry(self) -> None:
        if self._autosave.state.kind == "failed" and not self.project.closed:
            self._autosave.flush()


def _stamped(source: Source) -> Source:
    """Return a source with the time of now, unless it has one."""
    return source if source.time else replace(source, time=round(time.time()))
