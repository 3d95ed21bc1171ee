"""New photographs in the image folder: said where some were noticed, looked at with their labels, added."""

from qtpy.QtWidgets import QWidget

from napari_wsss.core.plural import counted
from napari_wsss.session.session import Session
from napari_wsss.widgets.controls.basic import button, column, row, text_label
from napari_wsss.widgets.controls.listening import listen


class NewPictures(QWidget):
    """Two buttons and what was found.

    Parameters
    ----------
    session : Session
    """

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._additions, self._session = session.additions, session
        self.look = button(
            "Look for new pictures", self._additions.look, "Below the image folder, with their labels; changes nothing"
        )
        self.add = button("Add them", self._additions.add, "At the end of the queue; a share is kept for validation")
        self.text = text_label()
        self.setLayout(column(row(self.look, self.add, 1), self.text))
        signals = session.signals
        for signal in (self._additions.changed, signals.project_opened, signals.project_closed):
            listen(self, (signal, self.refresh))
        self.refresh()

    def refresh(self) -> None:
        """Show what is known now."""
        project, found = self._session.project, self._additions.report
        self.look.setEnabled(project is not None)
        self.add.setEnabled(bool(found and found.images) and project is not None and not project.read_only)
        count = self._additions.count
        noticed = counted(count, "picture of the image folder is", "pictures of the image folder are")
        words = f"{noticed} not in this project: look at them first." if count else ""
        self.text.setText(found.summary() if found is not None else words)
        self.text.setVisible(bool(self.text.text()))
