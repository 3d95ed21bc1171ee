"""The job bar at the bottom of the dock: what runs, how far it is, how long it takes, and Cancel.

What a person can do with it: read progress within a second of the start, cancel, see that cancelling has begun.
"""

import time

from qtpy.QtCore import QTimer, Signal
from qtpy.QtWidgets import QProgressBar, QWidget

from napari_wsss.core.progress import Progress
from napari_wsss.session.jobs import Job, Jobs
from napari_wsss.widgets.controls.basic import button, column, row, text_label
from napari_wsss.widgets.controls.durations import duration
from napari_wsss.widgets.controls.listening import listen

REFRESH_MS = 500


class JobBar(QWidget):
    """Shows the first job that is not quiet, and how many wait behind it.

    Attributes
    ----------
    finished : Signal(str, str, float)
        Name and outcome (``done``, ``failed: why``, ``cancelled``) of a job that ended, and the seconds since it was
        asked for.
    """

    finished = Signal(str, str, float)

    def __init__(self, jobs: Jobs, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._jobs = jobs
        self._watched: Job | None = None
        self.title = text_label()
        self.cancel = button("Cancel", self._cancel, "Stop after the step it is in; what is done is kept")
        self.bar = QProgressBar()
        self.bar.setMaximumHeight(12)
        self.bar.setTextVisible(False)
        self.detail = text_label(quiet=True)
        self.setLayout(column(row(self.title, self.cancel), self.bar, self.detail))
        self._clock = QTimer(self)
        self._clock.setInterval(REFRESH_MS)
        self._clock.timeout.connect(self._show_progress)
        listen(self, (jobs.started, self._follow), (jobs.changed, self.refresh))
        self.refresh()

    def _follow(self, job: Job) -> None:
        if job.quiet:
            return
        asked = time.monotonic()

        def tell(outcome: str) -> None:
            self.finished.emit(job.name, outcome, time.monotonic() - asked)

        listen(
            self,
            (job.progressed, self._show_progress),
            (job.succeeded, lambda: tell("done")),
            (job.failed, lambda message: tell(f"failed: {message}")),
            (job.cancelled, lambda: tell("cancelled")),
            until=job.ended,
        )

    def refresh(self) -> None:
        """Show the running job, or hide when there is none."""
        job = self._jobs.shown
        self._watched = job
        self.setVisible(job is not None)
        if job is None:
            self._clock.stop()
            return
        self._clock.start()
        self._show_progress()

    def _show_progress(self) -> None:
        job = self._watched
        if job is None:
            return
        waiting = sum(1 for other in self._jobs.all if not other.quiet) - 1
        self.title.setText(f"{job.name}{f'  (+{waiting} waiting)' if waiting > 0 else ''}")
        cancelling = job.state == "cancelling"
        self.cancel.setText("Cancelling…" if cancelling else "Cancel")
        self.cancel.setEnabled(not cancelling)
        self._show_report(job, job.progress)

    def _show_report(self, job: Job, report: Progress | None) -> None:
        if report is None or report.total <= 0:
            self.bar.setRange(0, 0)
            self.detail.setText("queued" if job.state == "queued" else "starting …")
            return
        self.bar.setRange(0, report.total)
        self.bar.setValue(report.done)
        left = job.seconds_left()
        parts = [f"{report.done}/{report.total}"]
        if left is not None:
            parts.append(f"about {duration(left)} left")
        if report.message:
            parts.append(report.message)
        self.detail.setText(" · ".join(parts))

    def _cancel(self) -> None:
        if self._watched is not None:
            self._watched.cancel()
            self._show_progress()
