"""The dock's foot: the decisions by mouse, always in the same place below the pages."""

from qtpy.QtCore import QEvent, QObject
from qtpy.QtWidgets import QWidget

from napari_wsss.widgets.controls.basic import button, row
from napari_wsss.widgets.controls.plain_text import as_text
from napari_wsss.widgets.controls.stubs import certain
from napari_wsss.widgets.keys.actions import Actions

NARROWEST = 44  # pixels of a button


class Footer(QWidget):
    """Previous, next, skip, flag, accept."""

    def __init__(self, actions: Actions, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._actions = actions
        self.previous = button("Prev", lambda: actions.run("previous"))
        self.next = button("Next", lambda: actions.run("next"))
        self.skip = button("Skip", lambda: actions.run("skip"))
        self.flag = button("Flag", lambda: actions.run("flag"))
        self.accept = button("Accept & next", lambda: actions.run("accept"))
        self.accept.setStyleSheet("QPushButton { font-weight: bold; }")
        for made in (self.previous, self.next, self.skip, self.flag):
            made.setMinimumWidth(NARROWEST)
        layout = row(self.previous, self.next, self.skip, self.flag, self.accept)
        layout.setStretch(4, 2)
        self.setLayout(layout)
        self.accept.installEventFilter(self)
        actions.table_changed.connect(self._show_keys)
        self._show_keys()

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:
        """Say at *Accept*, when the mouse rests on it, what it would do with this very image."""
        if watched is self.accept and certain(event).type() == QEvent.Type.ToolTip:
            self.accept.setToolTip(as_text(self._actions.with_key(self._actions.accepting_means(), "accept")))
        return False

    def _show_keys(self) -> None:
        with_key = self._actions.with_key
        self.previous.setToolTip(with_key("Previous image", "previous"))
        self.next.setToolTip(with_key("Next image, without a decision", "next"))
        self.skip.setToolTip(with_key("Skip and go on; it comes back last", "skip"))
        self.flag.setToolTip(with_key("Flag for somebody else", "flag"))
        self.accept.setToolTip(with_key("Accept and go on", "accept"))
