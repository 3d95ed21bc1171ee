"""The key list (K), in the place of the tabs: every key, what it does now, why it does nothing now where that is so.

What a person can do with it: read it while working, double-click an action (or mark it and press *Change*) and press
another key for it, take one or all defaults back, close it with K or Escape.
"""

from collections.abc import Callable
from dataclasses import dataclass

from qtpy.QtCore import QEvent, QObject, Qt, Signal
from qtpy.QtGui import QCloseEvent, QKeyEvent
from qtpy.QtWidgets import QAbstractItemView, QHeaderView, QTableWidget, QTableWidgetItem, QWidget

from napari_wsss.session.own_keys import OwnKeys
from napari_wsss.widgets.controls.basic import button, column, heading, row, text_label
from napari_wsss.widgets.controls.stubs import certain
from napari_wsss.widgets.keys.actions import Actions
from napari_wsss.widgets.keys.own_keys import key_in, why_not
from napari_wsss.widgets.keys.table import KEYS, NAPARI_KEYS, WITH_THE_MOUSE

WAITING = "press a key …"
HINT = (
    "Keys work while the mouse is over the image. Yours are marked *; they are kept for you, in every project. A "
    "keyboard of another script (Cyrillic, Greek ...) works by the places of its keys."
)


@dataclass(frozen=True)
class KeyRow:
    """One line: the key, what it does now, why it is disabled ("" when it is not), its action ("" for napari's)."""

    key: str
    title: str
    reason: str = ""
    action: str = ""


def key_rows(actions: Actions) -> list[KeyRow]:
    """Return every key as it is now, napari's own at the end."""
    defaults = {entry.action: entry.key for entry in KEYS}
    rows = []
    for entry in actions.table:
        reason = actions.why_disabled(entry.action)
        mark = "" if entry.key == defaults[entry.action] else " *"
        rows.append(KeyRow(entry.shown + mark, actions.title_of(entry), reason, entry.action))
    rows += [KeyRow(key, title) for key, title in WITH_THE_MOUSE]
    return rows + [KeyRow(key, f"{title} (napari)") for key, title in NAPARI_KEYS]


class KeyHelp(QWidget):
    """The list and the means to change it.

    Attributes
    ----------
    toggled : Signal(bool)
        It was opened or closed.
    """

    toggled = Signal(bool)

    def __init__(self, actions: Actions, own_keys: OwnKeys, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._actions, self._own_keys = actions, own_keys
        self._rows: list[KeyRow] = []
        self._waiting = ""  # the action that gets the next key
        self.table = self._table()
        self.message = text_label(HINT, quiet=True)
        self.change = button("Change", self.wait_for_key, "Press another key for the marked action")
        self.default = button("Default", self._reset_marked, "Give the marked action its default key back")
        self.all_defaults = button("All defaults", self._reset_all, "Give every action its default key back")
        title = row(heading("Keys"), 1, button("Close", self.close, "Esc, or the key that opened it"))
        layout = column(title, self.table, self.message, row(self.change, self.default, 1, self.all_defaults), margin=4)
        layout.setStretch(1, 1)
        self.setLayout(layout)
        self.hide()
        actions.done.connect(self._refresh_visible)
        actions.table_changed.connect(self._refresh_visible)

    def _table(self) -> QTableWidget:
        table = QTableWidget(0, 2)
        table.setHorizontalHeaderLabels(["Key", "What it does now"])
        certain(table.verticalHeader()).hide()
        table.setShowGrid(False)
        table.setWordWrap(True)
        table.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        table.setEditTriggers(QTableWidget.EditTrigger.NoEditTriggers)
        table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        table.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        table.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        table.setMinimumHeight(120)
        header = certain(table.horizontalHeader())
        # As wide as our longest key; napari's pairs of keys take two lines.
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Fixed)
        table.setColumnWidth(0, table.fontMetrics().horizontalAdvance("Ctrl+Shift+Z") + 14)
        header.setSectionResizeMode(1, QHeaderView.ResizeMode.Stretch)
        # Rows are as high as their texts need at this width, which is only known once the list is shown.
        header.sectionResized.connect(lambda *_: table.resizeRowsToContents())
        table.itemSelectionChanged.connect(self._on_marked)
        table.itemDoubleClicked.connect(lambda _item: self.wait_for_key())
        table.installEventFilter(self)
        return table

    # -- opening and showing ----------------------------------------------------------------------------------

    def toggle(self) -> None:
        """Open the list, or close it where it is open."""
        if self.isVisible():
            self.close()
        else:
            self.open()

    def open(self) -> None:
        """Show the list as it is now."""
        self._say(HINT)
        self.refresh()
        self.show()
        self.toggled.emit(True)

    def closeEvent(self, event: QCloseEvent | None) -> None:
        """Tell that the tabs may come back."""
        self._stop_waiting()
        self.toggled.emit(False)

    def _refresh_visible(self, _action: str = "") -> None:
        if self.isVisible():
            self.refresh()

    def refresh(self) -> None:
        """Write the rows anew; the mark stays on its action."""
        marked = self._marked()
        self._rows = key_rows(self._actions)
        self.table.setRowCount(len(self._rows))
        for position, line in enumerate(self._rows):
            self._fill(position, line)
            if marked is not None and line.action and line.action == marked.action:
                self.table.selectRow(position)
        self.table.resizeRowsToContents()
        self._on_marked()

    def _fill(self, position: int, line: KeyRow) -> None:
        key = QTableWidgetItem(WAITING if line.action and line.action == self._waiting else line.key)
        text = QTableWidgetItem(line.title + (f"\nnot now: {line.reason}" if line.reason else ""))
        for item in (key, text):
            item.setTextAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignTop)
            if line.reason:
                item.setForeground(self.palette().placeholderText())
        self.table.setItem(position, 0, key)
        self.table.setItem(position, 1, text)

    def _marked(self) -> KeyRow | None:
        position = self.table.currentRow()
        return self._rows[position] if 0 <= position < len(self._rows) and self.table.selectedItems() else None

    def _on_marked(self) -> None:
        marked = self._marked()
        own = self._own_keys.keys
        self.change.setEnabled(bool(marked and marked.action))
        self.default.setEnabled(bool(marked and marked.action in own))
        self.all_defaults.setEnabled(bool(own))

    def _say(self, text: str) -> None:
        self.message.setText(text)

    # -- changing ---------------------------------------------------------------------------------------------

    def wait_for_key(self) -> None:
        """Give the marked action the next key that is pressed."""
        marked = self._marked()
        if marked is None or not marked.action:
            return
        self._waiting = marked.action
        self._say(f"Press the key for: {marked.title}. Esc leaves it as it is.")
        self.refresh()
        self.table.setFocus()

    def _stop_waiting(self) -> None:
        self._waiting = ""
        self.table.clearFocus()

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:
        """Take the key that is waited for, before napari's menus do; otherwise let the list be closed."""
        event = certain(event)
        if event.type() == QEvent.Type.ShortcutOverride and self._waiting:
            event.accept()
            return True
        if event.type() == QEvent.Type.FocusOut and self._waiting:
            self._waiting = ""
            self._say(HINT)
            self._refresh_visible()
        if not isinstance(event, QKeyEvent) or event.type() != QEvent.Type.KeyPress:
            return False
        if self._waiting:
            self._take(key_in(event))
            return True
        return self._closes(event)

    def keyPressEvent(self, event: QKeyEvent | None) -> None:
        """Close on Escape and on the key that opened the list."""
        self._closes(certain(event))

    def _closes(self, event: QKeyEvent) -> bool:
        if key_in(event) not in ("Escape", "Esc", self._actions.key_of("help")):
            return False
        self.close()
        return True

    def _take(self, key: str) -> None:
        """Give the waiting action a key, or say why it cannot have it and wait on."""
        if not key:
            return  # Shift alone: the letter follows
        action = self._waiting
        if key in ("Esc", "Escape"):
            self._stop_waiting()
            self._say(HINT)
            self.refresh()
        elif reason := why_not(key, self._actions.table, action):
            self._say(f"{reason[0].upper()}{reason[1:]}. Press another key, or Esc.")
        else:
            self._stop_waiting()
            self._keep(lambda: self._own_keys.choose(action, key), f"{key.replace('-', '+')} it is.")

    def _keep(self, change: Callable[[], None], said: str) -> None:
        try:
            change()
        except OSError as error:
            said = f"Your keys could not be kept ({error.strerror}); free some space and try again."
        self._say(said)
        self.refresh()

    def _reset_marked(self) -> None:
        marked = self._marked()
        if marked is not None and marked.action:
            self._keep(lambda: self._own_keys.reset(marked.action), "The default key is back.")

    def _reset_all(self) -> None:
        self._keep(self._own_keys.reset, "All keys are the defaults again.")
