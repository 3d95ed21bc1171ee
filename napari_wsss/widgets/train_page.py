"""The Train page: learn from what was accepted, watch it, and use the result for what is not decided yet.

What a person can do with it: see what will be used, choose what is trained and how, start, stop and resume, watch loss
and scores, look at earlier runs, open a published model's file, apply a run's model to the undecided images, copy the
command for another machine.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QApplication, QFileDialog, QLineEdit, QListWidget, QListWidgetItem, QProgressBar, QWidget

from napari_wsss.core.criteria import Criteria
from napari_wsss.core.errors import ParameterError, ProjectError
from napari_wsss.core.progress import Progress
from napari_wsss.core.registry import method_title
from napari_wsss.session.runs import RunInfo
from napari_wsss.session.session import Session
from napari_wsss.session.training_process import command_line
from napari_wsss.widgets.controls import button, column, heading, line, row, text_label
from napari_wsss.widgets.job_bar import duration
from napari_wsss.widgets.loss_plot import LossPlot
from napari_wsss.widgets.stage_options import SHELVES, StageOptions

WEIGHTS_FILES = "Weights (*.pth *.pt *.safetensors *.params);;All files (*)"
OPENED = "A published network of any kind (classifier, affinity, saliency, segmentation), or one of ours"
RUN = Qt.ItemDataRole.UserRole
STATE_MARKS = {"running": "▶", "done": "✔", "stopped": "■", "interrupted": "⚠", "failed": "✖"}


class TrainPage(QWidget):
    """Starts, shows and applies training runs; training itself is a child process of its own."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._clock = (time.monotonic(), 0)  # when, and at which step, the watched run was first heard
        self.used = text_label()
        self.options = StageOptions(session)
        self.options.changed.connect(self._show_command)
        self.start = button("Start training", self._start, "Runs beside napari; you can go on reviewing")
        self.stop = button("Stop", self._stop, "Stops after the current step; can be resumed")
        self.bar = QProgressBar()
        self.bar.setMaximumHeight(12)
        self.bar.setTextVisible(False)
        self.said = text_label(quiet=True)
        self.plot = LossPlot()
        self.runs = QListWidget()
        self.runs.setMaximumHeight(130)
        self.runs.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.runs.currentItemChanged.connect(lambda *_: self._on_run_chosen())
        self.apply = button("Apply to undecided images", self._apply, "Accepted masks are never touched")
        self.resume = button("Resume", self._resume, "Go on from the run's last checkpoint")
        self.open = button("Open a weights file …", self._open_weights, OPENED)
        self.command = QLineEdit()
        self.command.setReadOnly(True)
        self.command.setToolTip("What Start does, to run elsewhere")
        self.options.said.connect(self.said.setText)
        self._lay_out()
        self._connect()
        self.refresh()

    def _lay_out(self) -> None:
        copy = button("Copy", self._copy_command, "Copy the command")
        self.setLayout(
            column(
                heading("What will be used"),
                self.used,
                line(),
                self.options,
                row(self.start, self.stop, 1),
                self.bar,
                self.said,
                self.plot,
                heading("Runs"),
                self.runs,
                row(self.apply, self.resume, 1),
                row(self.open, 1),
                heading("The same without napari"),
                row(self.command, copy),
                1,
                margin=4,
            )
        )

    def _connect(self) -> None:
        session = self._session
        self._signals = [
            (session.project_opened, self.refresh),
            (session.project_closed, self.refresh),
            (session.state_changed, self._on_state),
            (session.classes_changed, self._show_used),
            (session.training.started, self._on_started),
            (session.training.progressed, self._on_progress),
            (session.training.ended, self._on_ended),
        ]
        for signal, slot in self._signals:
            signal.connect(slot)

    def showEvent(self, event: object) -> None:
        """Ask for the stage's options when the page is first seen."""
        self.options.show_form()
        self._show_used()

    # What is shown

    def refresh(self) -> None:
        """Show another project."""
        self._show_used()
        self._show_runs()
        self._show_buttons()
        self._show_command()
        if self.isVisible():
            self.options.show_form()

    def _on_state(self, _image_id: str) -> None:
        if self.isVisible():
            self._show_used()

    def _show_used(self) -> None:
        project = self._session.project
        if project is None:
            self.used.setText("Open a project first.")
            return
        counts = project.catalog.counts()
        accepted = project.catalog.class_counts("accepted")
        train = project.catalog.count(Criteria(split="train"))
        val = project.catalog.count(Criteria(split="val"))
        per_class = ", ".join(f"{name} {accepted.get(name, 0)}" for name in project.classes.names)
        total = sum(counts.values()) - counts.get("excluded", 0)
        self.used.setText(
            f"<b>{counts.get('accepted', 0)}</b> accepted of {total} images. "
            f"{train} train, {val} are kept for validation and never train.<br>Accepted per class: {per_class}."
        )

    def _show_command(self) -> None:
        project = self._session.project
        if project is None:
            self.command.clear()
            return
        try:
            self.command.setText(command_line(self.options.choice.stage, project.folder, self.options.options()))
            self.command.setCursorPosition(0)
        except ParameterError as wrong:
            self.command.setText(str(wrong))

    def _copy_command(self) -> None:
        QApplication.clipboard().setText(self.command.text())
        self._session.notice.emit("The command is on the clipboard.")

    def _show_buttons(self) -> None:
        running, project = self._session.training.running, self._session.project
        self.start.setEnabled(project is not None and not running)
        self.open.setEnabled(project is not None and not running)
        self.stop.setEnabled(running)
        self.bar.setVisible(running)
        run = self.chosen_run()
        writable = project is not None and not project.read_only
        self.apply.setEnabled(writable and run is not None and run.checkpoint is not None)
        self.resume.setEnabled(not running and run is not None and run.can_resume)

    # Running

    def _start(self) -> None:
        project = self._session.project
        if project is None:
            return
        self._session.flush()  # the child reads accepted masks and labels from disk
        stage, options = self.options.choice.stage, self.options.options()
        self._try(lambda: self._session.training.start(project, stage, options))

    def _resume(self) -> None:
        project, run = self._session.project, self.chosen_run()
        if project is not None and run is not None:
            self._try(lambda: self._session.training.resume(project, run))

    def _open_weights(self) -> None:
        project = self._session.project
        if project is None:
            return
        chosen, _ = QFileDialog.getOpenFileName(self, "Open a weights file", "", WEIGHTS_FILES)
        if chosen:
            self._try(lambda: self._session.training.start(project, "adopt", {"weights": chosen}))

    def _try(self, verb: Any) -> None:
        try:
            verb()
        except (ProjectError, ParameterError) as error:
            self._session.failed.emit(str(error))
        self._show_buttons()

    def _stop(self) -> None:
        self._session.training.stop()
        self.stop.setEnabled(False)
        self.said.setText("Stopping after the current step …")

    def _on_started(self) -> None:
        self._clock = (time.monotonic(), -1)
        self.plot.clear()
        self.bar.setRange(0, 0)
        self.said.setText("starting …")
        self._show_buttons()

    def _on_progress(self, progress: Progress) -> None:
        if progress.metrics:
            self.plot.add(progress.done, progress.metrics)
        if progress.total <= 0:
            if progress.message:
                self.said.setText(progress.message.splitlines()[0])
            return
        self.bar.setRange(0, progress.total)
        self.bar.setValue(progress.done)
        self.said.setText(" · ".join(part for part in (self._pace(progress), progress.message) if part))

    def _pace(self, progress: Progress) -> str:
        began, first = self._clock
        if first < 0:
            self._clock = (time.monotonic(), progress.done)
            return f"{progress.done}/{progress.total}"
        if progress.done <= first:
            return f"{progress.done}/{progress.total}"
        left = (time.monotonic() - began) / (progress.done - first) * (progress.total - progress.done)
        return f"{progress.done}/{progress.total} · about {duration(left)} left"

    def _on_ended(self, code: int, folder: Path | None, message: str) -> None:
        self._show_runs(folder)
        self._show_buttons()
        self.said.setText(message if code else "Done. Apply the run to give undecided images new proposals.")

    # Runs

    def _show_runs(self, chosen: Path | None = None) -> None:
        project = self._session.project
        current = self.chosen_run()
        wanted = chosen or (current.folder if current else None)
        self.runs.clear()
        found = self._session.training.runs(project) if project is not None else []
        for run in found:
            item = QListWidgetItem(_run_text(run))
            item.setData(RUN, run)
            item.setToolTip(f"{run.folder.name}\n{run.message}")
            self.runs.addItem(item)
            if run.folder == wanted:
                self.runs.setCurrentItem(item)
        if found and self.runs.currentItem() is None:
            self.runs.setCurrentRow(0)

    def chosen_run(self) -> RunInfo | None:
        """Return the run that is marked in the list."""
        item = self.runs.currentItem()
        return item.data(RUN) if item is not None else None

    def _on_run_chosen(self) -> None:
        run = self.chosen_run()
        if run is not None and not self._session.training.running:
            self.plot.show_history([(event.done, event.metrics) for event in run.history() if event.metrics])
        self._show_buttons()

    def _apply(self) -> None:
        run = self.chosen_run()
        if run is not None and self._session.apply_model(run):
            self._session.notice.emit(f"{run.folder.name} is used from now on; accepted masks stay as they are.")

    def close_page(self) -> None:
        """Let go of the session; a running training is left alone."""
        for signal, slot in self._signals:
            signal.disconnect(slot, missing_ok=True)


def _run_text(run: RunInfo) -> str:
    clock = time.strftime("%d %b %H:%M", time.localtime(run.started))
    steps = f" · {run.done}/{run.total}" if run.total and run.state != "done" else ""
    method = str(run.config.get("method", ""))
    what = method_title(SHELVES[run.stage][0], method) if run.stage in SHELVES and method else run.stage
    return f"{STATE_MARKS.get(run.state, '?')} {what} · {run.state}{steps} · {clock}"
