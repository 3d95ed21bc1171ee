"""The rows of the legend: what can be painted, by which key, and how much of the mask it is."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from qtpy.QtCore import QAbstractListModel, QModelIndex, Qt

from napari_wsss.core.classes import BACKGROUND, IGNORE, ClassList
from napari_wsss.core.masks import histogram
from napari_wsss.core.plural import counted
from napari_wsss.session.session import Session
from napari_wsss.widgets.controls.class_entries import paintable
from napari_wsss.widgets.controls.plain_text import as_text
from napari_wsss.widgets.keys.actions import Actions
from napari_wsss.widgets.keys.own_keys import class_keys
from napari_wsss.widgets.layers.viewer_sync import ViewerSync

ENTRY = Qt.ItemDataRole.UserRole


@dataclass(frozen=True)
class LegendEntry:
    """One row: a mask value with its name, key, pixels in the mask (and their share in [0, 1])."""

    value: int
    name: str
    key: str
    pixels: int
    share: float
    labelled: bool
    painted: bool

    @property
    def amount(self) -> str:
        """``1,234 · 5.0 %``, "" where there is none."""
        return f"{self.pixels:,} · {100 * self.share:.1f} %" if self.pixels else ""


class LegendModel(QAbstractListModel):
    """The rows of the legend; editing a row's text renames the class."""

    def __init__(self, session: Session, sync: ViewerSync, actions: Actions, parent: Any = None) -> None:
        super().__init__(parent)
        self._session, self._sync, self._actions = session, sync, actions
        self._rows: list[tuple[int, str]] = []
        self._counts = np.zeros(256, np.int64)
        self._keys: dict[int, str] = {}

    @property
    def classes(self) -> ClassList | None:
        """The project's classes."""
        return self._session.classes

    def reset(self) -> None:
        """List the classes anew."""
        self.beginResetModel()
        self._rows = paintable(self._session)
        self._keys = class_keys(self._actions.table, self._session.digits)
        self.endResetModel()
        self.count()

    def count(self) -> None:
        """Count the mask's pixels anew."""
        table = self._session.shown_table
        self._counts = np.zeros(256, np.int64) if table is None else histogram(table.mask)
        self.refresh()

    def refresh(self) -> None:
        """Draw all rows again."""
        if self._rows:
            self.dataChanged.emit(self.index(0), self.index(len(self._rows) - 1))

    def rowCount(self, parent: QModelIndex | None = None) -> int:
        """Return how many classes are listed."""
        return 0 if parent is not None and parent.isValid() else len(self._rows)

    def row_of(self, value: int) -> int:
        """Return the row of a mask value, -1 when it is not listed."""
        return next((row for row, (listed, _) in enumerate(self._rows) if listed == value), -1)

    def entry(self, row: int) -> LegendEntry:
        """Return what a row shows."""
        value, name = self._rows[row]
        table, pixels = self._session.table, int(self._counts[value])
        return LegendEntry(
            value=value,
            name=name,
            key=self._keys.get(value, ""),
            pixels=pixels,
            share=pixels / max(1, int(self._counts.sum())),
            labelled=table is not None and name in table.record.labels,
            painted=value == self._sync.value,
        )

    def data(self, index: QModelIndex, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Return the name, the tooltip or the whole entry of a row."""
        if not index.isValid():
            return None
        entry = self.entry(index.row())
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.EditRole):
            return entry.name
        if role == Qt.ItemDataRole.ToolTipRole:
            return as_text(f"Paint {entry.name} ({counted(entry.pixels, 'pixel')} of the mask). Right click for more.")
        return entry if role == ENTRY else None

    def flags(self, index: QModelIndex) -> Any:
        """Return that classes can be renamed, background and ignore cannot."""
        flags = Qt.ItemFlag.ItemIsEnabled
        project = self._session.project
        is_class = index.isValid() and self._rows[index.row()][0] not in (BACKGROUND, IGNORE)
        return flags | Qt.ItemFlag.ItemIsEditable if is_class and project and not project.read_only else flags

    def setData(self, index: QModelIndex, value: Any, role: int = Qt.ItemDataRole.EditRole) -> bool:
        """Rename a class."""
        before, after = self._rows[index.row()][1], str(value).strip()
        if role != Qt.ItemDataRole.EditRole or not after or after == before:
            return False
        return self._session.class_list.rename(before, after)
