"""A small window over a list of names, mostly classes: typing filters, arrows move, Enter takes, Escape closes."""

from qtpy.QtCore import QEvent, QObject, QPoint, Qt, Signal
from qtpy.QtGui import QHideEvent, QIcon, QKeyEvent
from qtpy.QtWidgets import QApplication, QFrame, QLineEdit, QListWidget, QListWidgetItem, QWidget

from napari_wsss.session.session import Session
from napari_wsss.widgets.controls.basic import column, text_label
from napari_wsss.widgets.controls.class_entries import swatch
from napari_wsss.widgets.controls.stubs import certain

MOST_LISTED = 300
"""Further names are found by typing."""
MOVES: dict[int, int] = {Qt.Key.Key_Down: 1, Qt.Key.Key_Up: -1}


def best_first(typed: str, names: list[str]) -> list[str]:
    """Return the names that fit what was typed, case ignored.

    First the very name, then those that start with it, those with a word that does, and those that hold it anywhere.
    """
    wanted = typed.strip().casefold()

    def rank(name: str) -> int:
        folded = name.casefold()
        words = folded.replace("_", " ").replace("-", " ").split()
        starts = any(word.startswith(wanted) for word in words)
        same = name == typed.strip()  # NA and Na differ
        return -1 if same else 0 if folded.startswith(wanted) else 1 if starts else 2

    return sorted((name for name in names if wanted in name.casefold()), key=rank)


class TypeAhead(QFrame):
    """A popup with a line to type into and the fitting names below it.

    Attributes
    ----------
    closed : Signal()
    """

    closed = Signal()
    asks = "class name …"
    hint = ""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent, Qt.WindowType.Popup)
        self._session = session
        self.text = QLineEdit()
        self.text.setPlaceholderText(self.asks)
        self.text.textChanged.connect(lambda _text: self._fill())
        self.text.returnPressed.connect(self._take_marked)
        self.text.installEventFilter(self)
        self.list = QListWidget()
        self.list.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.list.itemClicked.connect(lambda item: self.take(item.data(Qt.ItemDataRole.UserRole)))
        self.setLayout(column(self.text, self.list, text_label(self.hint, quiet=True, wrap=False), margin=6))
        self.resize(260, 280)

    def names(self) -> list[str]:
        """Return what can be chosen, in the order of the list."""
        classes = self._session.classes
        return [] if classes is None else list(classes.current)

    def matches(self) -> list[str]:
        """Return the names that are listed, the best match first."""
        return best_first(self.text.text(), self.names())

    def title_of(self, name: str) -> str:
        """Return how a name is written in the list."""
        return name

    def take(self, name: str) -> None:
        """Do what the popup is for."""
        raise NotImplementedError

    def open_at(self, corner: QPoint) -> None:
        """Show the popup with its upper left corner at a screen position, moved so that it is on the screen."""
        self.text.clear()
        self._fill()
        screen = certain(QApplication.screenAt(corner) or QApplication.primaryScreen())
        room = screen.availableGeometry()
        left, top = room.right() - self.width(), room.bottom() - self.height()
        corner = QPoint(max(room.left(), min(corner.x(), left)), max(room.top(), min(corner.y(), top)))
        self.move(corner)
        self.show()
        self.text.setFocus()

    def _fill(self) -> None:
        marked = self.list.currentItem()
        before = None if marked is None else marked.data(Qt.ItemDataRole.UserRole)
        self.list.clear()
        for name in self.matches()[:MOST_LISTED]:
            item = QListWidgetItem(self.icon_of(name), self.title_of(name))
            item.setData(Qt.ItemDataRole.UserRole, name)
            self.list.addItem(item)
            if name == before and not self.text.text():
                self.list.setCurrentItem(item)
        if self.list.currentRow() < 0:
            self.list.setCurrentRow(0)

    def icon_of(self, name: str) -> QIcon:
        """Return the picture beside a listed name."""
        classes = self._session.classes
        assert classes is not None  # else nothing is listed
        return swatch(classes, self.value_of(name))

    def value_of(self, name: str) -> int:
        """Return the mask value of a listed name."""
        classes = self._session.classes
        assert classes is not None
        return classes.mask_value(name)

    def _take_marked(self) -> None:
        item = self.list.currentItem()
        if item is not None:
            self.take(item.data(Qt.ItemDataRole.UserRole))

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:
        """Close on Escape; move the mark with the arrows."""
        if not isinstance(event, QKeyEvent) or event.type() != QEvent.Type.KeyPress:
            return False
        if event.key() == Qt.Key.Key_Escape:
            self.close()
            return True
        if event.key() in MOVES and self.list.count():
            self.list.setCurrentRow((self.list.currentRow() + MOVES[event.key()]) % self.list.count())
            return True
        return False

    def hideEvent(self, event: QHideEvent | None) -> None:
        """Tell that the keyboard is free again."""
        self.closed.emit()
