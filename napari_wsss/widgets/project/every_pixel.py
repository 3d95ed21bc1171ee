"""Whether every pixel belongs to a class: a box to tick, and a quiet line where something suggests it."""

from qtpy.QtGui import QShowEvent
from qtpy.QtWidgets import QCheckBox, QWidget

from napari_wsss.core.progress import Progress, Steps
from napari_wsss.pipeline.every_pixel import suggestion
from napari_wsss.project.project import Project
from napari_wsss.session.jobs import Job
from napari_wsss.session.session import Session
from napari_wsss.widgets.controls.basic import column, text_label
from napari_wsss.widgets.controls.listening import listen
from napari_wsss.widgets.controls.stubs import connect


class EveryPixel(QWidget):
    """The setting of the open project; nothing is shown while none is open.

    Parameters
    ----------
    session : Session
    """

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self._asked: Project | None = None
        self.box = QCheckBox("Every pixel belongs to a class (no background)")
        self.box.setToolTip("Proposals take the strongest of the labelled classes everywhere")
        connect(self.box.clicked, lambda chosen: session.parameters.set_every_pixel(bool(chosen)))
        self.hint = text_label(quiet=True)
        self.hint.hide()
        self.setLayout(column(self.box, self.hint))
        signals = session.signals
        for signal in (signals.project_opened, signals.project_closed, signals.plan_changed):
            listen(self, (signal, self.refresh))
        self.refresh()

    def refresh(self) -> None:
        """Show another project, or what was chosen."""
        project = self._session.project
        self.setVisible(project is not None)
        self.box.setChecked(self._session.plan.every_pixel)
        self.box.setEnabled(project is not None and not project.read_only)
        if project is not self._asked or self.box.isChecked():
            self.hint.hide()
        self._ask()

    def showEvent(self, event: QShowEvent | None) -> None:
        """Look whether something suggests the setting."""
        self._ask()

    def _ask(self) -> None:
        project = self._session.project
        if project is None or project is self._asked or not self.isVisible() or self.box.isChecked():
            return
        self._asked = project
        job = Job("background or not", lambda: _suggested(project), lane="questions", quiet=True)
        listen(self, (job.succeeded, lambda text: self._suggest(project, text)), until=job.ended)
        self._session.jobs.submit(job)

    def _suggest(self, project: Project, text: str) -> None:
        if project is self._session.project and text and not self.box.isChecked():
            self.hint.setText(f"{text} Tick this if there is no background.")
            self.hint.show()


def _suggested(project: Project) -> Steps[str]:
    yield Progress("every pixel", 0, 1)
    return suggestion(project)
