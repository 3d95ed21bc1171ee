"""The Review page: find the next image, edit its labels and note, see and take back decisions.

What a person can do with it: click an image in the queue, search (``state:flagged class:dog score<0.5 name``), choose
the order, remove a label by its chip, add one with +, choose the class to paint, write a note, replace the images it is
compared with, undo the last decision.
"""

from __future__ import annotations

import time

from qtpy.QtCore import QModelIndex, Qt
from qtpy.QtWidgets import QAbstractItemView, QLineEdit, QListView, QListWidget, QWidget

from napari_wsss.session.queue import ORDERS
from napari_wsss.session.search import HELP
from napari_wsss.session.session import Session
from napari_wsss.widgets.actions import Actions
from napari_wsss.widgets.class_panel import ClassPanel
from napari_wsss.widgets.companion_list import CompanionList
from napari_wsss.widgets.controls import button, choose, column, combo, heading, row, text_label
from napari_wsss.widgets.queue_model import QueueModel
from napari_wsss.widgets.viewer_sync import ViewerSync

ORDER_TITLES = {
    "file": "file order",
    "undecided first": "undecided first",
    "uncertainty": "most uncertain first",
    "flagged": "flagged first",
    "random": "random",
}
LAST_DECISIONS = 10


class ReviewPage(QWidget):
    """Queue, labels, note and decisions of the shown image."""

    def __init__(self, session: Session, sync: ViewerSync, actions: Actions, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session, self._sync, self._actions = session, sync, actions
        self.search = self._search_field()
        self.order = combo([(order, ORDER_TITLES.get(order, order)) for order in ORDERS], session.set_order)
        self.model = QueueModel(session, self)
        self.queue = self._queue_view()
        self.classes = ClassPanel(session, sync, actions)
        self.companions = CompanionList(session)
        self.note = QLineEdit()
        self.note.setPlaceholderText("note for the next person …")
        self.note.editingFinished.connect(self._keep_note)
        self.decisions = QListWidget()
        self.decisions.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.decisions.setMaximumHeight(120)
        self.undo = button("Undo last decision", lambda: actions.run("undo_decision"), "Backspace")
        self.exclude = button("Exclude", lambda: actions.run("exclude"), "Never trains and is never exported")
        self._lay_out()
        self._connect()
        self.refresh()

    def _lay_out(self) -> None:
        self.setLayout(
            column(
                row(self.search),
                row(text_label("Order", wrap=False), self.order),
                self.queue,
                self.classes,
                self.note,
                self.companions,
                heading("Last decisions"),
                self.decisions,
                row(self.undo, 1, self.exclude),
                margin=4,
            )
        )
        self.layout().setStretch(2, 1)

    def _search_field(self) -> QLineEdit:
        field = QLineEdit()
        field.setPlaceholderText("search: state:draft class:… score<0.5 name")
        field.setToolTip(HELP)
        field.setClearButtonEnabled(True)
        field.returnPressed.connect(lambda: self._session.set_search(field.text()))
        field.textChanged.connect(lambda text: None if text else self._session.set_search(""))
        return field

    def _queue_view(self) -> QListView:
        view = QListView()
        view.setModel(self.model)
        view.setUniformItemSizes(True)
        view.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        view.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        view.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        view.setMinimumHeight(120)
        view.clicked.connect(self._go_to_row)
        return view

    def _connect(self) -> None:
        session = self._session
        self._signals = [
            (session.project_opened, self.refresh),
            (session.project_closed, self.refresh),
            (session.queue_changed, self._on_queue),
            (session.image_changed, self._on_image),
            (session.state_changed, self._on_state),
            (session.labels_changed, self._on_labels),
            (session.plan_changed, self.companions.refresh),
            (session.maps_ready, self._on_record),
        ]
        for signal, slot in self._signals:
            signal.connect(slot)
        self._actions.about_to_run.connect(self._keep_note)

    def refresh(self) -> None:
        """Show another project."""
        self._on_queue()
        self._on_image("")
        self._show_decisions()

    def _on_queue(self) -> None:
        self.model.reset()
        queue = self._session.queue
        if queue is not None:
            choose(self.order, queue.order.partition("(")[0])
        self._mark_row()

    def _on_image(self, _image_id: str) -> None:
        record = self._session.record
        self.note.setText(record.note if record else "")
        self.companions.refresh()
        self._mark_row()

    def _on_state(self, image_id: str) -> None:
        self.model.touch(image_id)
        self._show_decisions()

    def _on_labels(self, image_id: str) -> None:
        self.companions.refresh()
        self._on_record(image_id)

    def _on_record(self, image_id: str) -> None:
        self.model.touch(image_id)

    def _mark_row(self) -> None:
        queue, shown = self._session.queue, self._session.current_id
        position = queue.position(shown) if queue is not None and shown else None
        if position is None:
            self.queue.clearSelection()
            return
        index = self.model.index(position)
        self.queue.setCurrentIndex(index)
        self.queue.scrollTo(index)

    def _go_to_row(self, index: QModelIndex) -> None:
        self._actions.go_to(self.model.image_at(index.row()))
        self._mark_row()  # the switch may have been refused

    def _keep_note(self) -> None:
        record = self._session.record
        if record is not None and record.note != self.note.text():
            self._session.set_note(self.note.text())
            self.model.touch(record.id)

    def _show_decisions(self) -> None:
        self.decisions.clear()
        for entry in self._session.recent_decisions(LAST_DECISIONS):
            clock = time.strftime("%H:%M", time.localtime(entry.time))
            undone = "  (taken back)" if entry.undone else ""
            self.decisions.addItem(f"{clock}  {entry.image_id} → {_state_in(entry.after)}{undone}")

    def close_page(self) -> None:
        """Let go of the session."""
        self.classes.close_panel()
        for signal, slot in self._signals:
            signal.disconnect(slot, missing_ok=True)


def _state_in(after: object) -> str:
    return str(after.get("state", "?")) if isinstance(after, dict) else str(after)
