"""The job bar in the dock's head: what runs, how far it is, how long it takes, and how to stop it.

What a person can do with it, on every page: read progress within a second of the start, cancel a job or stop a
training, see that it has begun to stop. It keeps its place while nothing runs.
"""

import time

from qtpy.QtCore import QTimer, Signal
from qtpy.QtWidgets import QProgressBar, QSizePolicy, QWidget

from napari_wsss.core.progress import Progress
from napari_wsss.session.jobs import Job, Jobs
from napari_wsss.session.runs.process import TrainingProcess
from napari_wsss.widgets.controls.basic import row, single_shot, tool_button
from napari_wsss.widgets.controls.durations import duration
from napari_wsss.widgets.controls.elided import ElidedLabel
from napari_wsss.widgets.controls.listening import listen

REFRESH_MS, REST_MS = 500, 250
BAR_WIDTH, BAR_HEIGHT = 56, 10
CANCEL = "Stop after the step it is in; what is done is kept"
STOP = "Stop the training after its current step; it can be resumed on the Train page"


class JobBar(QWidget):
    """Shows the first job that is not quiet and how many wait behind it, else the training that runs.

    Parameters
    ----------
    jobs : Jobs
    training : TrainingProcess

    Attributes
    ----------
    finished : Signal(str, str, float)
        Name and outcome (``done``, ``failed: why``, ``cancelled``) of a job that ended, and the seconds since it was
        asked for.
    changed : Signal()
        It begins or ends to have something to show (`busy`).
    """

    finished = Signal(str, str, float)
    changed = Signal()

    def __init__(self, jobs: Jobs, training: TrainingProcess, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._jobs, self._training = jobs, training
        self._watched: Job | None = None
        self._is_stopping = False
        self.busy = False
        self.title = ElidedLabel()
        self.detail = ElidedLabel(quiet=True)
        self.bar = QProgressBar()
        self.bar.setFixedSize(BAR_WIDTH, BAR_HEIGHT)
        self.bar.setTextVisible(False)
        self.cancel = tool_button("Cancel", self._cancel, CANCEL)
        layout = row(self.title, self.bar, self.detail, self.cancel)
        for place, share in ((0, 2), (2, 3)):
            layout.setStretch(place, share)
        self.setLayout(layout)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        self._clock = QTimer(self)
        self._clock.setInterval(REFRESH_MS)
        self._clock.timeout.connect(self._show_progress)
        # Whatever is drawn anew has the canvas put together with the whole window again: as long as an image takes.
        self._rest = single_shot(self, REST_MS, lambda: None)
        # Pictures are asked for while they are drawn, and a progress bar whose value is set draws itself at once.
        self._soon = single_shot(self, 0, self._show_progress)
        listen(
            self,
            (jobs.started, self._follow),
            (jobs.changed, self.refresh),
            (training.started, self._on_training),
            (training.progressed, self._on_progress),
            (training.ended, self._on_training_ended),
        )
        self.refresh()

    def _follow(self, job: Job) -> None:
        if job.quiet:
            return
        asked = time.monotonic()

        def tell(outcome: str) -> None:
            self.finished.emit(job.name, outcome, time.monotonic() - asked)

        listen(
            self,
            (job.progressed, self._on_progress),
            (job.succeeded, lambda: tell("done")),
            (job.failed, lambda message: tell(f"failed: {message}")),
            (job.cancelled, lambda: tell("cancelled")),
            until=job.ended,
        )

    def _on_training(self) -> None:
        self._is_stopping = False
        self.refresh()

    def _on_progress(self, _progress: Progress) -> None:
        if not self._rest.isActive():  # else it is shown by the clock, if nothing newer comes before
            self._rest.start()
            self._show_progress()

    def _on_training_ended(self, _code: int, _folder: object, _message: str) -> None:
        self.refresh()

    def refresh(self) -> None:
        """Show the running job or training, or nothing, in the same room."""
        self._watched = self._jobs.shown
        busy = self._watched is not None or self._training.running
        for part in (self.bar, self.cancel):
            part.setVisible(busy)
        if busy:
            self._clock.start()
            self._soon.start()
        else:
            self._clock.stop()
            self.title.setText("")
            self.detail.setText("")
        if busy != self.busy:
            self.busy = busy
            self.changed.emit()

    def _show_progress(self) -> None:
        job = self._watched
        if job is not None:
            waiting = sum(1 for other in self._jobs.all if not other.quiet) - 1
            name = f"{job.name}{f'  (+{waiting} waiting)' if waiting > 0 else ''}"
            begin = "queued" if job.state == "queued" else "starting …"
            self._show(name, job.progress, job.seconds_left(), begin)
            self._show_button("Cancel", "Cancelling…", CANCEL, is_ending=job.state == "cancelling")
        elif self._training.running:
            self._show("training", self._training.progress, self._training.seconds_left(), "starting …")
            self._show_button("Stop", "Stopping…", STOP, is_ending=self._is_stopping)

    def _show(self, name: str, report: Progress | None, left: float | None, begin: str) -> None:
        self.title.setText(name)
        if report is None or report.total <= 0:
            self.bar.setRange(0, 0)
            self.detail.setText(begin)
            return
        self.bar.setRange(0, report.total)
        self.bar.setValue(report.done)
        time_left = "" if left is None else f"{duration(left)} left"
        parts = (f"{report.done}/{report.total}", time_left, report.message)
        self.detail.setText(" · ".join(part for part in parts if part))

    def _show_button(self, text: str, ending: str, tip: str, *, is_ending: bool) -> None:
        self.cancel.setText(ending if is_ending else text)
        self.cancel.setToolTip(tip)
        self.cancel.setEnabled(not is_ending)

    def _cancel(self) -> None:
        if self._watched is not None:
            self._watched.cancel()
        elif self._training.running:
            self._is_stopping = True
            self._training.stop()
        self._show_progress()
