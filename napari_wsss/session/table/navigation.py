"""Going through the images: which one is shown, in which order, and that nothing unsaved is ever left behind."""

from collections.abc import Callable, Iterator
from itertools import islice

from napari_wsss.session.settings import Settings
from napari_wsss.session.signals import Signals, reported
from napari_wsss.session.table.opened import Opened
from napari_wsss.session.table.prefetch import CAPACITY
from napari_wsss.session.table.queue import Queue
from napari_wsss.session.table.table import Table

AROUND = 3
"""Pictures kept besides those read ahead: the shown one and two before it."""
PASSED_BY = 20
"""How many unreadable images a step passes by before it gives up."""


class Navigation:
    """The way from image to image.

    Parameters
    ----------
    opened : Opened
    signals : Signals
    settings : Settings
        How many of the next images are read before they are shown.
    """

    def __init__(self, opened: Opened, signals: Signals, settings: Settings) -> None:
        self._opened, self.signals, self._settings = opened, signals, settings

    @property
    def queue(self) -> Queue:
        """The images in their order, of the open project."""
        return self._opened.table.queue

    @property
    def progress_text(self) -> str:
        """``37/512 · 21 accepted``: place in the queue, its length, accepted images of the project."""
        table = self._opened.or_none
        if table is None:
            return ""
        position = table.queue.position(table.image_id)
        place = "–" if position is None else str(position + 1)
        return f"{place}/{len(table.queue)} · {table.project.catalog.counts().get('accepted', 0)} accepted"

    @reported
    def go_to(self, image_id: str) -> bool:
        """Show an image after saving the shown one; return False (and stay) when that fails."""
        table = self._opened.table
        return table.flush() and self._show(table, image_id)

    @reported
    def _show(self, table: Table, image_id: str) -> bool:
        table.show(image_id)
        return True

    def look_ahead(self, _image_id: str = "") -> None:
        """Read the next images in the background."""
        table = self._opened.table
        position = table.queue.position(table.image_id)
        if position is not None:
            ahead = self._settings.ahead
            table.prefetch.capacity = max(CAPACITY, ahead + AROUND)
            after = table.queue.ids(position + 1, position + 1 + ahead)
            table.prefetch.ahead([*after, *table.queue.ids(max(0, position - 1), position)])

    def next(self) -> bool:
        """Show the next image of the queue."""
        return self._step(1, "This is the last image of the queue.")

    def previous(self) -> bool:
        """Show the image before."""
        return self._step(-1, "This is the first image of the queue.")

    @reported
    def _step(self, step: int, at_the_end: str) -> bool:
        def neighbours(table: Table) -> Iterator[str]:
            found: str | None = table.image_id
            while (found := table.queue.neighbour(found, step)) is not None:
                yield found

        return self._go_to_first(neighbours, at_the_end)

    def next_undecided(self) -> bool:
        """Show the next image without a decision, going round the queue; skipped ones come last."""
        return self._to_undecided(1)

    def go_on(self) -> bool:
        """Do what `next_undecided` does where the mask has just been written, because it was decided about."""
        return self._to_undecided(1, mask_is_written=True)

    def previous_undecided(self) -> bool:
        """Show the image before without a decision, going round the queue; skipped ones come last."""
        return self._to_undecided(-1)

    @reported
    def _to_undecided(self, step: int, mask_is_written: bool = False) -> bool:
        def undecided(table: Table) -> Iterator[str]:
            for states in (("todo", "draft"), ("skipped",)):
                found: str | None = table.image_id
                tried = {found}
                while (found := table.queue.next_of(found, states, step)) not in {None, *tried}:
                    tried.add(found)
                    yield str(found)

        return self._go_to_first(undecided, "Every other image of this queue is decided.", mask_is_written)

    def _go_to_first(self, ids: Callable[[Table], Iterator[str]], without: str, mask_is_written: bool = False) -> bool:
        """Show the first of the images that can be read; those that cannot are named and passed by."""
        table = self._opened.table
        if not (table.flush_but_mask() if mask_is_written else table.flush()):
            return False
        for image_id in islice(ids(table), PASSED_BY):
            if self._show(table, image_id):
                return True
        self.signals.notice.emit(without)
        return False

    @reported
    def set_order(self, order: str) -> bool:
        """Choose the queue's order (see `queue.ORDERS`)."""
        queue = self.queue
        queue.set_order(order)
        if queue.remark:
            self.signals.notice.emit(queue.remark)
        return self._queue_moved()

    @reported
    def set_search(self, text: str) -> bool:
        """Show only the images that match a search line (see `session.table.search`)."""
        self.queue.set_search(text)
        return self._queue_moved()

    def refresh_queue(self) -> None:
        """Sort and search the queue again with what is known now."""
        self.queue.refresh()
        self._queue_moved()

    def follow_classes(self) -> None:
        """Let a search know the classes by their names of now."""
        table = self._opened.table
        table.queue.set_classes(table.classes.current)
        self._queue_moved()

    def _queue_moved(self) -> bool:
        self.signals.queue_changed.emit()
        self.look_ahead()
        return True
