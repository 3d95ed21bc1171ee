"""The scribbles on the shown image, kept from stroke to stroke until the image is accepted.

They lie in the project (`project.scribble_files`) and are no mask: no network but the pixel learner learns from them,
and nothing exports them. Those older than the image's acceptance are spent; they count again when the acceptance is
taken back.
"""

from pathlib import Path

import numpy as np
from psygnal import Signal

from napari_wsss.core.errors import LabelError, WsssError
from napari_wsss.core.masks import Mask, histogram
from napari_wsss.core.scribbles import NOTHING, as_seeds, scribble_value
from napari_wsss.project.scribble_files import read_scribbles, scribble_path, write_scribbles
from napari_wsss.session.jobs import describe
from napari_wsss.session.signals import Signals
from napari_wsss.session.table.opened import Opened
from napari_wsss.session.table.table import Table

DOT = 0.004
"""Radius of a click among the scribbles, as a share of the image's longer side; at least one pixel."""


class Scribbles:
    """What a person scribbled on the shown image.

    Parameters
    ----------
    opened : Opened
    signals : Signals

    Attributes
    ----------
    values : (H, W) uint8, optional
        See `core.scribbles`; the viewer paints into this very array. None while no image is shown.
    replaced : Signal(str)
        Another array took the place of `values`: another image, or an accepted one.
    recorded : Signal(str)
        A person changed the scribbles.
    """

    replaced = Signal(str)
    recorded = Signal(str)

    def __init__(self, opened: Opened, signals: Signals) -> None:
        self._opened, self._signals = opened, signals
        self._image_id = ""
        self._on_disk = np.zeros((0, 0), np.uint8)
        self.values: Mask | None = None
        signals.image_changed.connect(self._open)
        signals.state_changed.connect(self._on_state)
        signals.project_closed.connect(self._close)

    @property
    def any(self) -> bool:
        """True when the shown image has scribbles."""
        return self.values is not None and bool(self.values.any())

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of what is scribbled, background and ignore among them."""
        if self.values is None:
            return ()
        classes = self._opened.table.classes
        found = np.flatnonzero(histogram(self.values)).astype(np.uint8)  # few values instead of every pixel
        seeds, seeded = as_seeds(found, classes)
        known = classes.values()
        return tuple(classes.name_of(int(value)) for value in np.unique(seeds[seeded]) if value in known)

    @property
    def unlabelled(self) -> tuple[str, ...]:
        """Scribbled classes that are no label of the image."""
        if not self.any:
            return ()
        table = self._opened.table
        return tuple(name for name in self.classes if name in table.classes.names and name not in table.record.labels)

    def path(self, image_id: str) -> Path:
        """Return where the scribbles of an image lie (the file may not exist)."""
        return scribble_path(self._opened.table.project, image_id)

    def record(self, values: Mask) -> bool:
        """Take the layer's array (H, W) uint8 and write it; return False when it is only in memory."""
        if self.values is None or values.shape != self.values.shape:
            return True
        changed = not np.array_equal(values, self._on_disk)
        self.values = values
        saved = self.save()
        if changed:
            self.recorded.emit(self._image_id)
        return saved

    def mark(self, row: int, column: int, value: int) -> None:
        """Take a click with a mask value as a scribble, as small as a dot."""
        try:
            self._write_dot(row, column, NOTHING, scribble_value(value, self._opened.table.classes))
        except LabelError:  # so many classes that none of them can stand for background
            return

    def unmark(self, row: int, column: int, value: int) -> None:
        """Rub out what `mark` wrote."""
        try:
            self._write_dot(row, column, scribble_value(value, self._opened.table.classes), NOTHING)
        except LabelError:
            return

    def _write_dot(self, row: int, column: int, before: int, after: int) -> None:
        """Write `after` into the dot around a place wherever `before` is, and the file."""
        values = self.values
        if values is None:
            return
        radius = max(1, round(DOT * max(values.shape)))
        dot = values[max(0, row - radius) : row + radius + 1, max(0, column - radius) : column + radius + 1]
        dot[dot == before] = after
        if self.save():
            self.recorded.emit(self._image_id)

    def save(self, when: float | None = None) -> bool:
        """Write what changed; return False, and say why, when that fails."""
        table, values = self._opened.table, self.values
        if table.project.read_only or values is None:
            return True
        if np.array_equal(values, self._on_disk):
            return True
        try:
            write_scribbles(table.project, self._image_id, values, when)
        except OSError as error:
            self._signals.failed.emit(f"The scribbles on {self._image_id} could not be saved: {describe(error)}")
            return False
        self._on_disk = values.copy()
        return True

    def _open(self, image_id: str) -> None:
        """Read the scribbles of an image, none where they are spent or of another size."""
        table = self._opened.table
        self._image_id = image_id
        self.values = self._read(table, image_id)
        self._on_disk = self.values.copy()
        self.replaced.emit(image_id)

    def _read(self, table: Table, image_id: str) -> Mask:
        empty = np.zeros(table.canvas.mask.shape, np.uint8)
        try:
            values = read_scribbles(table.project, image_id)
        except (WsssError, OSError) as error:
            self._signals.failed.emit(f"The scribbles on {image_id} cannot be read: {describe(error)}")
            return empty
        return empty if values is None or values.shape != empty.shape else np.ascontiguousarray(values)

    def _on_state(self, image_id: str) -> None:
        """Put the scribbles of an image away once it is accepted."""
        if image_id != self._image_id or not self.any:
            return
        table = self._opened.table
        if table.record.state == "accepted":
            self.save(when=table.project.journal.accepted_at(image_id))
            self._open(image_id)

    def _close(self) -> None:
        self._image_id, self.values, self._on_disk = "", None, np.zeros((0, 0), np.uint8)
        self.replaced.emit("")
