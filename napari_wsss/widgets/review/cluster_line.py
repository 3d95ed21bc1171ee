"""About the shown image: the clusters it is in, where its proposal comes from when it is not its own, and why it is."""

from qtpy.QtWidgets import QWidget

from napari_wsss.session.models.why import why_proposal
from napari_wsss.session.session import Session
from napari_wsss.widgets.controls.basic import column, row, text_label, tool_button
from napari_wsss.widgets.controls.elided import ElidedLabel
from napari_wsss.widgets.controls.listening import listen


class ClusterLine(QWidget):
    """Clusters, borrowed proposal and what decided about the shown one; hidden where there is nothing to say."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self.text = text_label(quiet=True)
        self.own = tool_button("use its own", self._dismiss, "Forget the proposal that was taken over")
        self.why = ElidedLabel(quiet=True, tip="Why this proposal")  # one line: the classes below are to be seen
        first = row(self.text, self.own)
        first.setStretch(0, 1)
        self.setLayout(column(first, self.why))
        listen(
            self,
            (session.signals.image_changed, self._on_image),
            (session.signals.proposal_changed, self._on_image),
            (session.signals.model_applied, self.refresh),
            (session.gallery.changed, self.refresh),
            (session.signals.project_closed, self.refresh),
        )
        self.refresh()

    def _on_image(self, _image_id: str) -> None:
        self.refresh()

    def refresh(self) -> None:
        """Show what is known of the shown image now."""
        table = self._session.shown_table
        if table is None:
            self.hide()
            return
        record, names = table.record, ", ".join(table.record.clusters)
        source = record.borrowed_from if record.state != "accepted" else ""
        words = [f"Cluster: {names}" if names else "", f"proposal from {source}" if source else ""]
        self.text.setText(" · ".join(word for word in words if word))
        self.text.setVisible(bool(self.text.text()))
        self.own.setVisible(bool(source) and not table.project.read_only)
        is_own = not source and record.state != "accepted"
        self.why.setText(why_proposal(table.project, table.plan, record.labels) if is_own else "")
        self.why.setVisible(bool(self.why.text()))
        self.setVisible(bool(self.text.text() or self.why.text()))

    def _dismiss(self) -> None:
        if self._session.shown_id:
            self._session.gallery.borrowing.dismiss([self._session.shown_id])
            self.refresh()
