"""The review queue as a Qt list: reads the records of the visible rows only, whatever the number of images.

The list of the Review page and the filmstrip show the same model.
"""

from collections import OrderedDict
from typing import Any

import numpy as np
from numpy.typing import NDArray
from qtpy.QtCore import QAbstractListModel, QModelIndex, QObject, Qt, Signal
from qtpy.QtGui import QIcon

from napari_wsss.project.records import ImageRecord
from napari_wsss.project.states import STATES
from napari_wsss.session.session import Session
from napari_wsss.session.table.reasons import edited_text, reasons
from napari_wsss.widgets.controls.badge import state_icon, state_text
from napari_wsss.widgets.controls.basic import single_shot
from napari_wsss.widgets.controls.listening import listen
from napari_wsss.widgets.controls.plain_text import as_text

KEPT_RECORDS = 512
REDRAW_MS = 600  # after the last change of the plan: while a slider moves its proposals are not worth drawing
RECORD, REASONS, EDITED, PICTURE = (Qt.ItemDataRole.UserRole + offset for offset in (1, 2, 3, 4))
"""Roles: the `ImageRecord`, why it is shown (str), edit fraction (str), picture (h, w, 3) uint8 or None."""


class QueueModel(QAbstractListModel):
    """Rows are the session's queue; record and picture are read when a row is first drawn.

    Attributes
    ----------
    pictures_changed : Signal()
        Rows may look different now; cheaper for a view than `dataChanged`, after which it measures all rows again.
    """

    pictures_changed = Signal()

    def __init__(self, session: Session, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._records: OrderedDict[int, tuple[ImageRecord, str]] = OrderedDict()
        self._icons: dict[str, QIcon] = {state: state_icon(state) for state in STATES}
        self._redraw = single_shot(self, REDRAW_MS, self._redraw_all)
        listen(
            self,
            (session.signals.queue_changed, self.reset),
            (session.signals.project_opened, self.reset),
            (session.signals.project_closed, self.reset),
            (session.signals.state_changed, self.touch),
            (session.signals.labels_changed, self.touch),
            (session.signals.maps_ready, self.touch),
            (session.signals.plan_changed, self._on_plan),
            (session.thumbnails.ready, self._on_picture),
        )

    def rowCount(self, parent: QModelIndex | None = None) -> int:
        """Return the length of the queue."""
        nested = parent is not None and parent.isValid()
        queue = self._session.queue
        return 0 if nested or queue is None else len(queue)

    def data(self, index: QModelIndex, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Return what a role asks for; see the roles of this module."""
        if not index.isValid() or index.row() >= self.rowCount():
            return None
        record, why = self._read(index.row())
        if role == Qt.ItemDataRole.DisplayRole:
            return f"{record.id}   · {why}" if why else record.id
        if role == Qt.ItemDataRole.DecorationRole:
            return self._icons[record.state]
        if role == Qt.ItemDataRole.ToolTipRole:
            return as_text(self._tip(record, why))
        answers = {RECORD: record, REASONS: why, EDITED: edited_text(record)}
        return self.picture(record.id) if role == PICTURE else answers.get(role)

    @staticmethod
    def _tip(record: ImageRecord, why: str) -> str:
        lines = (record.id, state_text(record), record.labels_text, why, edited_text(record), record.note)
        return "\n".join(line for line in lines if line)

    def picture(self, image_id: str) -> NDArray[np.uint8] | None:
        """Return an image's picture (h, w, 3) uint8; when it is not there yet, it is made and `pictures_changed`."""
        return self._session.thumbnails.get(image_id)

    def _read(self, row: int) -> tuple[ImageRecord, str]:
        if row in self._records:
            self._records.move_to_end(row)
            return self._records[row]
        project, queue = self._session.project, self._session.queue
        assert project is not None
        assert queue is not None
        record = project.catalog.get(queue.at(row))
        why = " · ".join(reasons(record, queue.order, project.catalog, queue.differs))
        self._records[row] = record, why
        if len(self._records) > KEPT_RECORDS:
            self._records.popitem(last=False)
        return self._records[row]

    def image_at(self, row: int) -> str:
        """Return the id of the image in a row."""
        return self._session.navigation.queue.at(row)

    def row_shown(self) -> int | None:
        """Return the row of the shown image, None when it is not in the queue."""
        queue, shown = self._session.queue, self._session.shown_id
        return queue.position(shown) if queue is not None and shown else None

    def reset(self) -> None:
        """Read the queue again: another project, order or search."""
        self.beginResetModel()
        self._records.clear()
        self.endResetModel()

    def touch(self, image_id: str) -> None:
        """Read one image's record again and redraw its row."""
        queue = self._session.queue
        row = queue.position(image_id) if queue is not None else None
        if row is not None:
            self._records.pop(row, None)
            changed = self.index(row)
            self.dataChanged.emit(changed, changed)

    def _on_picture(self, _image_id: str) -> None:
        self.pictures_changed.emit()

    def _on_plan(self) -> None:
        self._redraw.start()

    def _redraw_all(self) -> None:
        self._session.thumbnails.outdate_all()
        self.pictures_changed.emit()
