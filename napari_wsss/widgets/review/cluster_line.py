"""One line about the shown image: the clusters it is in, and where its proposal comes from when it is not its own."""

from __future__ import annotations

from qtpy.QtWidgets import QWidget

from napari_wsss.session.session import Session
from napari_wsss.widgets.controls.basic import row, text_label, tool_button
from napari_wsss.widgets.controls.listening import listen


class ClusterLine(QWidget):
    """Clusters and borrowed proposal of the shown image; hidden where there is nothing to say."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self.text = text_label(quiet=True)
        self.own = tool_button("use its own", self._dismiss, "Forget the proposal that was taken over")
        layout = row(self.text, self.own)
        layout.setStretch(0, 1)
        self.setLayout(layout)
        listen(
            self,
            (session.image_changed, self._on_image),
            (session.proposal_changed, self._on_image),
            (session.gallery.changed, self.refresh),
            (session.project_closed, self.refresh),
        )
        self.refresh()

    def _on_image(self, _image_id: str) -> None:
        self.refresh()

    def refresh(self) -> None:
        """Show what is known of the shown image now."""
        record, project = self._session.record, self._session.project
        if record is None or project is None:
            self.hide()
            return
        names = ", ".join(one.cluster for one in project.catalog.clusters.of(record.id))
        source = record.borrowed_from if record.state != "accepted" else ""
        words = [f"Cluster: {names}" if names else "", f"proposal from {source}" if source else ""]
        self.text.setText(" · ".join(word for word in words if word))
        self.own.setVisible(bool(source) and not project.read_only)
        self.setVisible(bool(names or source))

    def _dismiss(self) -> None:
        if self._session.current_id is not None:
            self._session.gallery.borrowing.dismiss([self._session.current_id])
            self.refresh()
