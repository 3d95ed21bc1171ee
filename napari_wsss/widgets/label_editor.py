"""Image-level labels as chips, and a popup with type-ahead to add and remove them.

What a person can do with it: click a chip to remove its label, press + or N, type a few letters, Enter to add or
remove the first match, Escape to close.
"""

from __future__ import annotations

from qtpy.QtCore import QEvent, QObject, QPoint, Qt, Signal
from qtpy.QtWidgets import QFrame, QLineEdit, QListWidget, QListWidgetItem, QWidget
from superqt import QFlowLayout

from napari_wsss.core.classes import ClassList
from napari_wsss.session.session import Session
from napari_wsss.widgets.controls import button, column, text_label, tool_button

POPUP_ROWS = 8


def hex_colour(classes: ClassList, name: str) -> str:
    """Return a class's palette colour as ``#rrggbb``."""
    return "#" + "".join(f"{round(255 * part):02x}" for part in classes.colour(name))


class LabelChips(QWidget):
    """The shown image's labels, each with its colour; a click removes, ``+`` opens the editor."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self.setLayout(QFlowLayout())
        self.layout().setContentsMargins(0, 0, 0, 0)
        self.layout().setSpacing(4)
        self.popup = LabelPopup(session, self)
        self.refresh()

    def refresh(self) -> None:
        """Show the labels of the session's image."""
        layout = self.layout()
        while layout.count():
            widget = layout.takeAt(0).widget()
            widget.hide()
            widget.deleteLater()
        record, classes = self._session.record, self._session.classes
        if record is None or classes is None:
            return
        for name in classes.names:
            if name in record.labels:
                layout.addWidget(self._chip(name, hex_colour(classes, name)))
        if not record.labels:
            layout.addWidget(text_label("no labels: nothing of any class", wrap=False, quiet=True))
        layout.addWidget(tool_button("+", self.open_popup, "Add or remove labels (N)"))

    def _chip(self, name: str, colour: str) -> QWidget:
        chip = button(f"{name}  ×", lambda: self._session.remove_label(name), f"Remove the label '{name}'")
        chip.setStyleSheet(f"QPushButton {{ border: 2px solid {colour}; border-radius: 9px; padding: 1px 7px; }}")
        return chip

    def open_popup(self) -> None:
        """Open the label editor below the chips."""
        if self._session.record is not None:
            self.popup.open_at(self.mapToGlobal(QPoint(0, self.height())))


class LabelPopup(QFrame):
    """A small window over all classes: typing filters, Enter switches the first match on or off.

    Attributes
    ----------
    closed : Signal()
    """

    closed = Signal()

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent, Qt.WindowType.Popup)
        self._session = session
        self.text = QLineEdit()
        self.text.setPlaceholderText("class name …")
        self.text.textChanged.connect(lambda _text: self._filter())
        self.text.returnPressed.connect(self._toggle_first)
        self.text.installEventFilter(self)
        self.list = QListWidget()
        self.list.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.list.itemClicked.connect(lambda item: self._toggle(item.data(Qt.ItemDataRole.UserRole)))
        hint = text_label("Enter switches the marked class, Esc closes", quiet=True, wrap=False)
        self.setLayout(column(self.text, self.list, hint, margin=6))
        self.resize(240, 260)

    def open_at(self, corner: QPoint) -> None:
        """Show the popup with its upper left corner at a screen position."""
        self.text.clear()
        self._fill()
        self.move(corner)
        self.show()
        self.text.setFocus()

    def _fill(self) -> None:
        self.list.clear()
        record, classes = self._session.record, self._session.classes
        if record is None or classes is None:
            return
        for name in classes.names:
            item = QListWidgetItem(("☑ " if name in record.labels else "☐ ") + name)
            item.setData(Qt.ItemDataRole.UserRole, name)
            self.list.addItem(item)
        self._filter()

    def matches(self) -> list[str]:
        """Return the class names that are listed: those that start with the text, then those that hold it."""
        classes = self._session.classes
        typed = self.text.text().strip().casefold()
        names = list(classes.names) if classes else []
        starting = [name for name in names if name.casefold().startswith(typed)]
        return starting + [name for name in names if typed in name.casefold() and name not in starting]

    def _filter(self) -> None:
        found = self.matches()
        for position in range(self.list.count()):
            item = self.list.item(position)
            name = item.data(Qt.ItemDataRole.UserRole)
            item.setHidden(name not in found)
            if found and name == found[0]:
                self.list.setCurrentItem(item)

    def _toggle_first(self) -> None:
        found = self.matches()
        if found:
            self._toggle(found[0])
            self.text.clear()

    def _toggle(self, name: str) -> None:
        record = self._session.record
        if record is None:
            return
        verb = self._session.remove_label if name in record.labels else self._session.add_label
        verb(name)
        self._fill()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Close on Escape."""
        if event.type() == QEvent.Type.KeyPress and event.key() == Qt.Key.Key_Escape:
            self.close()
            return True
        return False

    def hideEvent(self, event: object) -> None:
        """Tell that the keyboard is free again."""
        self.closed.emit()
