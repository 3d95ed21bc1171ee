"""Going through the images: what is shown, in which order, and that nothing unsaved is ever left behind."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from napari_wsss.core.classes import ClassList
from napari_wsss.core.maps import ActivationMaps
from napari_wsss.project.records import ImageRecord
from napari_wsss.session.jobs import Dispatch, directly
from napari_wsss.session.results.wanted import Wanted
from napari_wsss.session.signals import reported
from napari_wsss.session.table.canvas import open_canvas
from napari_wsss.session.table.editing import Editing
from napari_wsss.session.table.prefetch import CAPACITY, Prefetch
from napari_wsss.session.table.queue import Queue
from napari_wsss.session.table.reasons import reasons

AHEAD = 3
AROUND = 3
"""Pictures kept besides those read ahead: the shown one and two before it."""
PASSED_BY = 20
"""How many unreadable images a step passes by before it gives up."""


class Walking(Editing):
    """The image on the table and the way to the next one.

    Parameters
    ----------
    dispatch : callable
        Brings a call into the thread that owns the session (see `session.jobs`).

    Attributes
    ----------
    ahead : int
        How many of the next images are read before they are shown.
    """

    def __init__(self, dispatch: Dispatch = directly) -> None:
        super().__init__(dispatch)
        self.queue: Queue | None = None
        self.ahead = AHEAD
        self._prefetch: Prefetch | None = None
        self._wanted = Wanted()

    @property
    def classes(self) -> ClassList | None:
        """The project's classes; None without a project."""
        return self.project.classes if self.project else None

    @property
    def current_id(self) -> str | None:
        """Id of the shown image."""
        return self._canvas.image_id if self._canvas else None

    @property
    def record(self) -> ImageRecord | None:
        """Labels, state and note of the shown image."""
        return self.project.catalog.get(self._canvas.image_id) if self.project and self._canvas else None

    @property
    def why_shown(self) -> str:
        """Why the shown image is worth a look, what the queue is sorted by first; "" when there is nothing to say."""
        record = self.record
        if self.project is None or self.queue is None or record is None:
            return ""
        return " · ".join(reasons(record, self.queue.order, self.project.catalog))

    @property
    def image(self) -> NDArray[np.uint8] | None:
        """(H, W, 3) uint8 RGB pixels of the shown image."""
        return self._canvas.picture.pixels if self._canvas else None

    @property
    def image_note(self) -> str:
        """What was done to the file's values to show them (16-bit scaling ...), "" when nothing."""
        return self._canvas.picture.note if self._canvas else ""

    @property
    def maps(self) -> ActivationMaps | None:
        """(K, H, W) base maps of the labelled classes; None before inference."""
        return self._canvas.machine.maps if self._canvas else None

    @property
    def proposal(self) -> NDArray[np.uint8] | None:
        """(H, W) uint8 pseudo mask of the plan; None while there is none."""
        return self._canvas.machine.proposal if self._canvas else None

    @property
    def mask(self) -> NDArray[np.uint8] | None:
        """(H, W) uint8 working mask, the array the viewer paints into."""
        return self._canvas.mask if self._canvas else None

    @property
    def progress_text(self) -> str:
        """``37/512 · 21 accepted``: place in the queue, its length, accepted images of the project."""
        if self.project is None or self.queue is None:
            return ""
        position = self.queue.position(self.current_id) if self.current_id else None
        place = "–" if position is None else str(position + 1)
        return f"{place}/{len(self.queue)} · {self.project.catalog.counts().get('accepted', 0)} accepted"

    @reported
    def go_to(self, image_id: str) -> bool:
        """Show an image after saving the shown one; return False (and stay) when that fails."""
        if self.project is None or self._prefetch is None or self._autosave is None or not self.flush():
            return False
        picture = self._prefetch.get(image_id)
        self._canvas, drawn, warning = open_canvas(self.project, picture)
        self._autosave.begin(image_id, drawn, whole_first=bool(warning))
        self.attention.arrive(image_id)
        self._state = self.project.catalog.state(image_id)
        self._arrived(image_id)
        if warning:
            self.failed.emit(warning)
        return True

    def _arrived(self, image_id: str) -> None:
        """Tell the windows and get ready for the next images (extended by the other layers of the session)."""
        self._wanted.hurry(image_id)
        self.image_changed.emit(image_id)
        self._look_ahead()

    def _look_ahead(self) -> None:
        if self.queue is None or self._prefetch is None or self.current_id is None:
            return
        position = self.queue.position(self.current_id)
        if position is not None:
            self._prefetch.capacity = max(CAPACITY, self.ahead + AROUND)
            after = self.queue.ids(position + 1, position + 1 + self.ahead)
            self._prefetch.ahead([*after, *self.queue.ids(max(0, position - 1), position)])

    def next(self) -> bool:
        """Show the next image of the queue."""
        return self._step(1, "This is the last image of the queue.")

    def previous(self) -> bool:
        """Show the image before."""
        return self._step(-1, "This is the first image of the queue.")

    def _step(self, step: int, at_the_end: str) -> bool:
        def neighbours() -> Iterator[str]:
            found = self.current_id
            while self.queue is not None and (found := self.queue.neighbour(found, step)) is not None:
                yield found

        return self._go_to_first(neighbours(), at_the_end)

    def next_undecided(self) -> bool:
        """Show the next image without a decision, going round the queue; skipped ones come last."""
        return self._to_undecided(1)

    def previous_undecided(self) -> bool:
        """Show the image before without a decision, going round the queue; skipped ones come last."""
        return self._to_undecided(-1)

    def _to_undecided(self, step: int) -> bool:
        def undecided() -> Iterator[str]:
            for states in (("todo", "draft"), ("skipped",)):
                found, tried = self.current_id, {self.current_id}
                while self.queue and (found := self.queue.next_of(found, states, step)) not in {None, *tried}:
                    tried.add(found)
                    yield str(found)

        return self._go_to_first(undecided(), "Every other image of this queue is decided.")

    @reported
    def _go_to_first(self, ids: Iterator[str], without: str) -> bool:
        """Show the first of `ids` that can be read; those that cannot are named and passed by."""
        if not self.flush():
            return False
        for image_id in islice(ids, PASSED_BY):
            if self.go_to(image_id):
                return True
        self.notice.emit(without)
        return False

    @reported
    def set_order(self, order: str) -> bool:
        """Choose the queue's order (see `queue.ORDERS`)."""
        if self.queue is None:
            return False
        self.queue.set_order(order)
        if self.queue.remark:
            self.notice.emit(self.queue.remark)
        return self._queue_moved()

    @reported
    def set_search(self, text: str) -> bool:
        """Show only the images that match a search line (see `session.table.search`)."""
        if self.queue is None:
            return False
        self.queue.set_search(text)
        return self._queue_moved()

    def refresh_queue(self) -> None:
        """Sort and search the queue again with what is known now."""
        if self.queue is not None:
            self.queue.refresh()
            self._queue_moved()

    def _queue_moved(self) -> bool:
        self.queue_changed.emit()
        self._look_ahead()
        return True

    @reported
    def _attempt(self, change: Callable[[], object]) -> bool:
        change()
        return True
