"""The project's classes: mask value, colour, name, key and how many images carry the label.

What a person can do with it: rename a class by a double click, add one at the end; the order never changes, because
masks on disk depend on it. Keys are those of the image shown now.
"""

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QHeaderView, QLineEdit, QTableWidget, QTableWidgetItem, QWidget

from napari_wsss.session.session import Session
from napari_wsss.widgets import preferences
from napari_wsss.widgets.controls.basic import button, column, row
from napari_wsss.widgets.controls.class_entries import swatch
from napari_wsss.widgets.controls.listening import listen
from napari_wsss.widgets.controls.stubs import certain, without
from napari_wsss.widgets.keys.own_keys import class_keys, key_table

COLUMNS = ("Value", "Class", "Key", "Images")
NAME, KEY = 1, 2
KEY_TIP = "The key that paints the class in the image shown now: its own labels have the first digits"


class ClassTable(QWidget):
    """Shows and edits the class list."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._quiet = False
        self.table = QTableWidget(0, len(COLUMNS))
        self.table.setHorizontalHeaderLabels(COLUMNS)
        certain(self.table.horizontalHeaderItem(KEY)).setToolTip(KEY_TIP)
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
        listen(
            self,
            (session.signals.image_changed, self._show_keys),
            (session.own_keys.changed, self._show_keys),
        )

    def refresh(self) -> None:
        """Show the session's classes."""
        self._quiet = True
        classes, project = self._session.classes, self._session.project
        names = classes.names if classes else ()
        counts = project.catalog.class_counts() if project else {}
        self.table.setRowCount(len(names))
        for position, name in enumerate(names):
            for place, text in enumerate([str(position + 1), name, "", str(counts.get(name, 0))]):
                item = QTableWidgetItem(text)
                if place != NAME:
                    item.setFlags(without(item.flags(), Qt.ItemFlag.ItemIsEditable))
                elif classes is not None:
                    item.setIcon(swatch(classes, position + 1))
                self.table.setItem(position, place, item)
        self.setEnabled(project is not None and not project.read_only)
        self._show_keys()
        self._quiet = False

    def _show_keys(self, _image_id: str = "") -> None:
        """Show which key paints which class in the shown image."""
        table = key_table(self._session.own_keys.keys, preferences.digits_mean_classes())
        keys = class_keys(table, self._session.digits)
        for position in range(self.table.rowCount()):
            certain(self.table.item(position, KEY)).setText(keys.get(position + 1, ""))

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
