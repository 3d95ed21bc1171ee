"""The Review page: find the next image, edit its labels and note, see and take back decisions.

What a person can do with it: go through the queue (see `queue_panel`), edit labels and choose the class to paint (see
`class_panel`), write a note, replace the images it is compared with, go back to one of the last decisions, undo the
last one.
"""

from qtpy.QtWidgets import QLineEdit, QWidget

from napari_wsss.session.session import Session
from napari_wsss.widgets.controls.basic import button, column, heading, row, single_shot
from napari_wsss.widgets.controls.listening import listen
from napari_wsss.widgets.keys.actions import Actions
from napari_wsss.widgets.layers.viewer_sync import ViewerSync
from napari_wsss.widgets.review.class_panel import ClassPanel
from napari_wsss.widgets.review.cluster_line import ClusterLine
from napari_wsss.widgets.review.companion_list import CompanionList
from napari_wsss.widgets.review.decision_list import DecisionList
from napari_wsss.widgets.review.provenance_box import ProvenanceBox
from napari_wsss.widgets.review.queue_panel import QueuePanel


class ReviewPage(QWidget):
    """Queue, labels, note and decisions of the shown image."""

    def __init__(self, session: Session, sync: ViewerSync, actions: Actions, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session, self._sync, self._actions = session, sync, actions
        self.queue = QueuePanel(session, actions)
        self.cluster_line = ClusterLine(session)
        self.classes = ClassPanel(session, sync, actions)
        self.provenance = ProvenanceBox(session)
        self.companions = CompanionList(session)
        self.note = QLineEdit()
        self.note.setPlaceholderText("note for the next person …")
        self.note.editingFinished.connect(self._keep_note)
        self.decisions = DecisionList(session, actions)
        self.undo = button("Undo last decision", lambda: actions.run("undo_decision"), "Backspace")
        self.exclude = button("Exclude", lambda: actions.run("exclude"), "Never trains and is never exported")
        self._decided = single_shot(self, 0, self.decisions.refresh)
        self._lay_out()
        self._connect()
        self.refresh()

    def _lay_out(self) -> None:
        layout = column(
            self.queue,
            self.cluster_line,
            self.classes,
            self.provenance,
            self.note,
            self.companions,
            heading("Last decisions"),
            self.decisions,
            row(self.undo, 1, self.exclude),
            margin=4,
        )
        layout.setStretch(0, 1)
        self.setLayout(layout)

    def _connect(self) -> None:
        session = self._session
        listen(
            self,
            (session.signals.project_opened, self.refresh),
            (session.signals.project_closed, self.refresh),
            (session.signals.queue_changed, self.decisions.refresh),  # also after decisions about many images
            (session.signals.image_changed, self._on_image),
            (session.signals.state_changed, self._on_state),
            (session.signals.labels_changed, self._on_labels),
            (session.signals.plan_changed, self.companions.refresh),
        )
        self._actions.about_to_run.connect(self._keep_note)

    def refresh(self) -> None:
        """Show another project."""
        self._on_image("")
        self.decisions.refresh()

    def _on_image(self, _image_id: str) -> None:
        table = self._session.table
        self.note.setText(table.record.note if table is not None else "")
        self.companions.refresh()

    def _on_state(self, image_id: str) -> None:
        if image_id in ("", self._session.shown_id):
            self.decisions.refresh()
        else:
            self._decided.start()  # of many images one after another, when many are accepted at once

    def _on_labels(self, _image_id: str) -> None:
        self.companions.refresh()

    def _keep_note(self) -> None:
        table = self._session.shown_table
        if table is not None and table.record.note != self.note.text():
            self._session.decisions.set_note(self.note.text())
            self.queue.model.touch(table.image_id)
