"""The review queue as a Qt list: reads the records of the visible rows only, whatever the number of images."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

from qtpy.QtCore import QAbstractListModel, QModelIndex, QObject, Qt
from qtpy.QtGui import QIcon

from napari_wsss.core.catalog import STATES, ImageRecord
from napari_wsss.session.session import Session
from napari_wsss.widgets.badge import state_icon, state_text

KEPT_RECORDS = 512


class QueueModel(QAbstractListModel):
    """Rows are the session's queue; a record is read when its row is first drawn."""

    def __init__(self, session: Session, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._records: OrderedDict[int, ImageRecord] = OrderedDict()
        self._icons: dict[str, QIcon] = {state: state_icon(state) for state in STATES}

    def rowCount(self, parent: QModelIndex | None = None) -> int:
        """Return the length of the queue."""
        nested = parent is not None and parent.isValid()
        return 0 if nested or self._session.queue is None else len(self._session.queue)

    def data(self, index: QModelIndex, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Return name, state icon or tooltip of a row."""
        if not index.isValid() or index.row() >= self.rowCount():
            return None
        if role == Qt.ItemDataRole.DisplayRole:
            return self._text(self._record(index.row()))
        if role == Qt.ItemDataRole.DecorationRole:
            return self._icons[self._record(index.row()).state]
        if role == Qt.ItemDataRole.ToolTipRole:
            record = self._record(index.row())
            labels = ", ".join(sorted(record.labels)) or "no labels"
            return f"{record.id}\n{state_text(record)}\n{labels}\n{record.note}".strip()
        return None

    @staticmethod
    def _text(record: ImageRecord) -> str:
        reasons = [
            word
            for word, true in (("stale", record.stale), ("labels changed", record.label_changed))
            if true and record.state != "accepted"
        ]
        if record.disagrees:
            reasons.append("model disagrees")
        if record.score is not None:
            reasons.append(f"unsure {100 * record.score:.0f} %")
        return record.id + ("   · " + " · ".join(reasons) if reasons else "")

    def _record(self, row: int) -> ImageRecord:
        if row in self._records:
            self._records.move_to_end(row)
            return self._records[row]
        session = self._session
        assert session.project is not None
        assert session.queue is not None
        record = self._records[row] = session.project.catalog.get(session.queue.at(row))
        if len(self._records) > KEPT_RECORDS:
            self._records.popitem(last=False)
        return record

    def image_at(self, row: int) -> str:
        """Return the id of the image in a row."""
        return self._record(row).id

    def reset(self) -> None:
        """Read the queue again: another project, order or search."""
        self.beginResetModel()
        self._records.clear()
        self.endResetModel()

    def touch(self, image_id: str) -> None:
        """Read one image's record again and redraw its row."""
        rows = [row for row, record in self._records.items() if record.id == image_id]
        for row in rows:
            del self._records[row]
            changed = self.index(row)
            self.dataChanged.emit(changed, changed)
