"""The last decisions: what, when, and a click to go back to the image; the newest is taken back by a button."""

from __future__ import annotations

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QListWidget, QListWidgetItem

from napari_wsss.session.decisions import LAST, Decision, last_decisions
from napari_wsss.session.session import Session
from napari_wsss.widgets.actions import Actions
from napari_wsss.widgets.badge import state_icon

IMAGE = Qt.ItemDataRole.UserRole
ROWS = 5


class DecisionList(QListWidget):
    """The newest decisions, newest first; those taken back stay, struck out."""

    def __init__(self, session: Session, actions: Actions) -> None:
        super().__init__()
        self._session = session
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setUniformItemSizes(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        self.setFixedHeight(ROWS * (self.fontMetrics().height() + 5) + 2 * self.frameWidth())
        self.itemClicked.connect(lambda item: actions.go_to(item.data(IMAGE)))
        self.refresh()

    def refresh(self) -> None:
        """Read the decisions again."""
        self.clear()
        if self._session.project is None:
            return
        for decision in last_decisions(self._session.project, LAST):
            self.addItem(self._item(decision))

    @staticmethod
    def _item(decision: Decision) -> QListWidgetItem:
        undone = "  (taken back)" if decision.undone else ""
        item = QListWidgetItem(state_icon(decision.state), f"{decision.clock}  {decision.text}{undone}")
        font = item.font()
        font.setStrikeOut(decision.undone)
        item.setFont(font)
        item.setData(IMAGE, decision.image_id)
        item.setToolTip(f"{item.text()}\nClick to go to {decision.image_id}")
        return item
