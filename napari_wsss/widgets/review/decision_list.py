"""The last decisions: what, when, and a click to go back to the image; the newest is taken back by a button."""

from qtpy.QtCore import QEvent, Qt
from qtpy.QtWidgets import QListWidget, QListWidgetItem

from napari_wsss.session.review.last_decisions import LAST, Decision, last_decisions
from napari_wsss.session.session import Session
from napari_wsss.widgets.controls.badge import state_icon
from napari_wsss.widgets.controls.basic import soon
from napari_wsss.widgets.controls.plain_text import as_text
from napari_wsss.widgets.controls.stubs import certain
from napari_wsss.widgets.keys.actions import Actions

IMAGE = Qt.ItemDataRole.UserRole
LEAST_ROWS = 2


class DecisionList(QListWidget):
    """The newest decisions, newest first; those taken back stay, struck out."""

    def __init__(self, session: Session, actions: Actions) -> None:
        super().__init__()
        self._session = session
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setUniformItemSizes(True)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)  # as high as there are decisions
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        self.itemClicked.connect(lambda item: actions.go_to(item.data(IMAGE)))
        self.refresh()

    def refresh(self) -> None:
        """Read the decisions again."""
        self.clear()
        if self._session.project is not None:
            for decision in last_decisions(self._session.project, LAST):
                self.addItem(self._item(decision))
        row = self.sizeHintForRow(0) if self.count() else self.fontMetrics().height()
        self.setFixedHeight(max(LEAST_ROWS, self.count()) * row + 2 * self.frameWidth() + 2)

    def changeEvent(self, event: QEvent | None) -> None:
        """Draw the marks anew for another theme."""
        super().changeEvent(event)
        if certain(event).type() == QEvent.Type.StyleChange and self.count():
            soon(self, self.refresh)

    def _item(self, decision: Decision) -> QListWidgetItem:
        undone = "  (taken back)" if decision.undone else ""
        icon = state_icon(decision.state, ground=self.palette().base().color())
        item = QListWidgetItem(icon, f"{decision.clock}  {decision.text}{undone}")
        font = item.font()
        font.setStrikeOut(decision.undone)
        item.setFont(font)
        item.setData(IMAGE, decision.image_id)
        item.setToolTip(as_text(f"{item.text()}\nClick to go to {decision.image_id}"))
        return item
