"""The project's classes: mask value, colour, name, key and how many images carry the label.

What a person can do with it: rename a class by a double click, add one at the end; the order never changes, because
masks on disk depend on it.
"""

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QHeaderView, QLineEdit, QTableWidget, QTableWidgetItem, QWidget

from napari_wsss.session.session import Session
from napari_wsss.widgets.controls.basic import button, column, row
from napari_wsss.widgets.controls.class_entries import swatch
from napari_wsss.widgets.controls.stubs import certain, without

COLUMNS = ("Value", "Class", "Key", "Images")
NAME = 1


class ClassTable(QWidget):
    """Shows and edits the class list."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._quiet = False
        self.table = QTableWidget(0, len(COLUMNS))
        self.table.setHorizontalHeaderLabels(COLUMNS)
        certain(self.table.verticalHeader()).hide()
        self.table.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
        self.table.setMinimumHeight(140)
        modes = certain(self.table.horizontalHeader())
        modes.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        modes.setSectionResizeMode(NAME, QHeaderView.ResizeMode.Stretch)
        self.table.itemChanged.connect(self._on_renamed)
        self.name = QLineEdit()
        self.name.setPlaceholderText("new class …")
        self.name.returnPressed.connect(self._add)
        self.setLayout(column(self.table, row(self.name, button("Add class", self._add, "At the end of the list"))))

    def refresh(self) -> None:
        """Show the session's classes."""
        self._quiet = True
        classes, project = self._session.classes, self._session.project
        names = classes.names if classes else ()
        counts = project.catalog.class_counts() if project else {}
        self.table.setRowCount(len(names))
        for position, name in enumerate(names):
            cells = [str(position + 1), name, str(position + 1) if position < 9 else "", str(counts.get(name, 0))]
            for place, text in enumerate(cells):
                item = QTableWidgetItem(text)
                if place != NAME:
                    item.setFlags(without(item.flags(), Qt.ItemFlag.ItemIsEditable))
                elif classes is not None:
                    item.setIcon(swatch(classes, position + 1))
                self.table.setItem(position, place, item)
        self.setEnabled(project is not None and not project.read_only)
        self._quiet = False

    def _on_renamed(self, item: QTableWidgetItem) -> None:
        classes = self._session.classes
        if self._quiet or classes is None or item.column() != NAME:
            return
        before, after = classes.names[item.row()], item.text().strip()
        if after != before:
            self._session.rename_class(before, after)
            self.refresh()

    def _add(self) -> None:
        name = self.name.text().strip()
        if name and self._session.add_class(name):
            self.name.clear()
        self.refresh()
