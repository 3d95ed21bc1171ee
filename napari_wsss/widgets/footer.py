"""The dock's foot: the decisions by mouse, always in the same place below the pages."""

from qtpy.QtCore import QEvent, QObject
from qtpy.QtWidgets import QWidget

from napari_wsss.session.session import Session
from napari_wsss.widgets.controls.basic import button, row, single_shot
from napari_wsss.widgets.controls.listening import listen
from napari_wsss.widgets.controls.plain_text import as_text
from napari_wsss.widgets.controls.stubs import certain
from napari_wsss.widgets.keys.actions import Actions

NARROWEST = 44  # pixels of a button
TIPS = {
    "previous": "Previous image",
    "next": "Next image, without a decision",
    "skip": "Skip and go on; it comes back last",
    "flag": "Flag for somebody else",
    "accept": "Accept and go on",
}


class Footer(QWidget):
    """Previous, next, skip, flag, accept; each greyed while it can do nothing, and then it says why."""

    def __init__(self, session: Session, actions: Actions, parent: QWidget | None = None) -> None:
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
        self._buttons = {name: getattr(self, name) for name in TIPS}
        self._later = single_shot(self, 0, self._show)  # after everybody has followed the project
        signals = session.signals
        actions.table_changed.connect(self._show)
        listen(
            self,
            *((told, self._on_news) for told in (signals.project_opened, signals.project_closed)),
            (signals.image_changed, self._on_news),
        )
        self._show()

    def _on_news(self, _image_id: str = "") -> None:
        self._later.start()

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:
        """Say at *Accept*, when the mouse rests on it, what it would do with this very image."""
        if watched is self.accept and self.accept.isEnabled() and certain(event).type() == QEvent.Type.ToolTip:
            self.accept.setToolTip(as_text(self._actions.with_key(self._actions.accepting_means(), "accept")))
        return False

    def _show(self) -> None:
        """Grey what can do nothing now, and say at each button what it does or why it does not."""
        for name, made in self._buttons.items():
            reason = self._actions.why_disabled(name)
            made.setEnabled(not reason)
            tip = self._actions.with_key(TIPS[name], name)
            made.setToolTip(as_text(f"Not now: {reason}." if reason else tip))
