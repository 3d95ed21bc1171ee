"""The key list (K): every key of the table, what it does, and why it does nothing now where that is so."""

from __future__ import annotations

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QHeaderView, QTableWidget, QTableWidgetItem, QWidget

from napari_wsss.widgets.actions import Actions
from napari_wsss.widgets.controls import column, text_label
from napari_wsss.widgets.keys import KEYS, NAPARI_KEYS


def key_rows(actions: Actions) -> list[tuple[str, str, str]]:
    """Return ``(key, what it does, why it is disabled now)`` for every key, napari's own at the end."""
    rows = []
    for entry in KEYS:
        shown = f"{entry.key} (hold)" if entry.hold else entry.key
        reason = actions.why_disabled(entry.action)
        rows.append((shown, actions.title_of(entry), f"disabled because {reason}" if reason else ""))
    return rows + [(key, title, "napari") for key, title in NAPARI_KEYS]


class KeyHelp(QWidget):
    """A window of its own with the key list; Escape closes it."""

    def __init__(self, actions: Actions, parent: QWidget | None = None) -> None:
        super().__init__(parent, Qt.WindowType.Tool)
        self.setWindowTitle("WSSS keys")
        self._actions = actions
        self.table = QTableWidget(0, 3)
        self.table.setHorizontalHeaderLabels(["Key", "Action", ""])
        self.table.verticalHeader().hide()
        self.table.setEditTriggers(QTableWidget.EditTrigger.NoEditTriggers)
        modes = self.table.horizontalHeader()
        modes.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        modes.setStretchLastSection(True)
        self.setLayout(column(self.table, text_label("Keys work while the mouse is over the image.", quiet=True)))
        self.resize(620, 640)

    def open(self) -> None:
        """Show the list as it is now."""
        rows = key_rows(self._actions)
        self.table.setRowCount(len(rows))
        for position, texts in enumerate(rows):
            for place, text in enumerate(texts):
                self.table.setItem(position, place, QTableWidgetItem(text))
        self.show()
        self.raise_()

    def keyPressEvent(self, event: object) -> None:
        """Close on Escape and on K."""
        if event.key() in (Qt.Key.Key_Escape, Qt.Key.Key_K):  # type: ignore[attr-defined]
            self.close()
