"""The Train page: learn from what was accepted, watch it, and use the result for what is not decided yet.

What a person can do: press the recommended start, see what will be used and how long it takes, choose what is trained
and how, start, stop and resume, watch loss and scores, look at and compare runs (`run_list`), apply a run's model, go
back to an earlier one (`model_list`), open a published model's file, copy the command for another machine.
"""

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from qtpy.QtCore import Qt
from qtpy.QtGui import QShowEvent
from qtpy.QtWidgets import QApplication, QCheckBox, QFileDialog, QLineEdit, QProgressBar, QWidget

from napari_wsss.core.errors import ParameterError, ProjectError
from napari_wsss.core.progress import Progress
from napari_wsss.pipeline.picture_sides import measured_sides, working_size
from napari_wsss.project.project import Project
from napari_wsss.session.jobs import Job
from napari_wsss.session.runs.cost import UNTRAINED, estimate, estimate_start, what_trains
from napari_wsss.session.runs.folders import RunInfo, read_run
from napari_wsss.session.runs.process import cluster_script, command_line
from napari_wsss.session.runs.questions import describe_device
from napari_wsss.session.session import Session
from napari_wsss.widgets.controls.basic import button, column, explain, heading, line, row, text_label
from napari_wsss.widgets.controls.durations import duration
from napari_wsss.widgets.controls.listening import listen
from napari_wsss.widgets.controls.stubs import certain
from napari_wsss.widgets.preferences import keep
from napari_wsss.widgets.train.loss_plot import LossPlot
from napari_wsss.widgets.train.model_list import ModelList
from napari_wsss.widgets.train.run_list import RunList, left_out_text
from napari_wsss.widgets.train.stage_options import StageOptions
from napari_wsss.widgets.train.weights_line import WEIGHTS_FILES, WeightsLine

NOTHING_TO_LEARN = "There is nothing to learn from yet: label or accept images first."
RECOMMENDED = (
    "Trains SEAM, finds LPCAM's prototypes on it and adds a dense CRF; the first maps come after two minutes, and each "
    "step is used as soon as it is there. Encoder, weights and hardware are those of the options below"
)
START = "Runs beside napari; you can go on reviewing"
NETWORK = ("trunk", "output_stride", "width", "trunk_weights", "dilated")
TAKEN_OVER = (*NETWORK, "device", "precision", "threads", "loaders")
"""Options of the chosen stage that a recommended start takes over."""
SIZE = (
    "Objects are learned at the size they have in training; maps and features are made at the same one. Crop and scale "
    "change it for a run of a classifier, Enlargement for a pixel classifier"
)
AT_ONCE = "A pixel classifier learns in seconds from everything corrected so far, and is applied when it is done"
BY_ITSELF = "After every decision, from eight corrected images on, where the classifier began with known weights"
APPLY_IT = "Done. Apply the run to give undecided images new proposals."
CLUSTER = "Copy a script for SLURM that trains on four GPUs; change its head to your cluster's ways"
OPENED = "A published network of any kind (classifier, affinity, saliency, segmentation), or one of ours"


class TrainPage(QWidget):
    """Starts, shows and applies training runs; training itself is a child process of its own."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._device_asked = False
        self._sides: tuple[Path | None, int] = (None, 0)  # of the middle picture, of which project
        self.used = text_label()
        self.recommended = button("Recommended start", self._start_recommended, RECOMMENDED)
        self.recommended_cost = text_label(quiet=True)
        self._asked: Callable[[], object] = self._start_recommended
        self.weights = WeightsLine(session.trunk_weights, lambda: self._asked())
        self.seen = text_label(quiet=True, tip=SIZE)
        self.options = StageOptions(session)
        self.options.changed.connect(self._on_options)
        self.cost = text_label(quiet=True, tip="Images x epochs x the pace of earlier runs; refined while it runs")
        self.start = button("Start training", self._start, START)
        self.learn = button("Learn at once", self._learn, AT_ONCE)
        self.by_itself = QCheckBox("after every decision")
        self.by_itself.setToolTip(BY_ITSELF)
        self.by_itself.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.by_itself.toggled.connect(self._set_automatic)
        self.stop = button("Stop", self._stop, "Stops after the current step; can be resumed")
        self.bar = QProgressBar()
        self.bar.setMaximumHeight(12)
        self.bar.setTextVisible(False)
        self.said = text_label(quiet=True)
        self.plot = LossPlot()
        self.run_list = RunList(session)
        self.run_list.chosen.connect(self._on_run_chosen)
        self.run_list.resume_wanted.connect(self._resume)
        self.apply, self.resume = self.run_list.apply, self.run_list.resume
        self.models = ModelList(session)
        self.open = button("Open a weights file …", self._open_weights, OPENED)
        self.command = QLineEdit()
        self.command.setReadOnly(True)
        self.command.setToolTip("What Start does, to run elsewhere")
        self.options.said.connect(self._on_options_said)
        self._lay_out()
        self._connect()
        self.refresh()
        if session.training.running:
            self._join()

    def _lay_out(self) -> None:
        copy = button("Copy", self._copy_command, "Copy the command")
        self.cluster = button("For a cluster", self._copy_script, CLUSTER)
        self.setLayout(
            column(
                heading("What will be used"),
                self.used,
                row(self.recommended, 1),
                self.recommended_cost,
                self.weights,
                line(),
                self.options,
                self.seen,
                self.cost,
                row(self.start, self.stop, 1),
                row(self.learn, self.by_itself, 1),
                self.bar,
                self.said,
                self.plot,
                heading("Runs"),
                self.run_list,
                row(self.open, 1),
                heading("Models in use, newest first"),
                self.models,
                heading("The same without napari"),
                row(self.command, copy, self.cluster),
                1,
                margin=4,
            )
        )

    def _connect(self) -> None:
        session = self._session
        listen(
            self,
            (session.signals.project_opened, self.refresh),
            (session.signals.project_closed, self.refresh),
            (session.signals.state_changed, self._on_state),
            (session.signals.classes_changed, self._show_used),
            (session.learning.changed, self._show_learned),
            (session.trunk_weights.changed, self._show_buttons),
            (session.training.started, self._on_started),
            (session.training.progressed, self._on_progress),
            (session.training.ended, self._on_ended),
        )

    def showEvent(self, event: QShowEvent | None) -> None:
        """Ask for the stage's options when the page is first seen."""
        self.options.show_form()
        self._show_used()
        self._show_cost()
        self._ask_for_device()
        self._ask_for_sides()

    def _ask_for_device(self) -> None:
        """Have the device looked for that the cost depends on, once."""
        if self._session.settings.device_found or self._device_asked:
            return
        self._device_asked = True
        job = Job("device", describe_device, lane="questions", quiet=True)
        listen(self, (job.succeeded, self._on_device), until=job.ended)
        self._session.jobs.submit(job)

    def _ask_for_sides(self) -> None:
        """Have the pictures measured, once for a project: fifty files are opened."""
        project = self._session.project
        if project is None or self._sides[0] == project.folder:
            return
        self._sides = (project.folder, 0)
        job = Job("sizes", partial(measured_sides, project), lane="questions", quiet=True)
        listen(self, (job.succeeded, self._on_sides), until=job.ended)
        self._session.jobs.submit(job)

    def _on_sides(self, found: tuple[Path, int]) -> None:
        if self._session.project is not None and found[0] == self._session.project.folder:
            self._sides = found
            self._show_cost()

    def _on_device(self, text: str) -> None:
        self._session.settings.device_found = text
        self._show_cost()

    # What is shown

    def refresh(self) -> None:
        """Show another project."""
        self._show_used()
        self.run_list.refresh()
        self._show_learned()
        self._on_options()
        if self.isVisible():
            self.options.show_form()

    def _on_state(self, _image_id: str) -> None:
        if self.isVisible():
            self._show_used()
            self._show_cost()

    def _show_used(self) -> None:
        project = self._session.project
        if project is None:
            self.used.setText("Open a project first.")
            return
        self.used.setText(what_trains(project))

    def _on_options_said(self, text: str) -> None:
        self.said.setText(text)

    def _on_options(self) -> None:
        self._show_command()
        self._show_cost()

    def _show_cost(self) -> None:
        """Say what the chosen training would cost, from the form's values, defaults included."""
        session, form, choice = self._session, self.options.form, self.options.choice
        if session.project is None or form is None:
            self.cost.clear()
            self.recommended_cost.clear()
            self.seen.clear()
            return
        told = {name: field.value for name, field in form.fields.items()}
        runs = session.training.runs(session.project)
        size = working_size(self._sides[1], choice.stage, choice.method, told)
        self.seen.setText("" if size is None else str(size))
        self.seen.setVisible(size is not None)
        cost = estimate(session.project, choice.stage, choice.method, told, runs, session.settings.device_found)
        self.cost.setText(f"Takes about {duration(cost.seconds)}{cost.details()}" if cost else NOTHING_TO_LEARN)
        whole = estimate_start(session.project, self._taken_over(), runs, session.settings.device_found)
        self.recommended_cost.setText(
            f"SEAM, LPCAM on it, dense CRF: about {duration(whole.seconds)}{whole.details()}" if whole else ""
        )

    def _taken_over(self) -> dict[str, Any]:
        """Return the options of the form that a recommended start takes over, where they were changed."""
        return {name: value for name, value in self.options.options().items() if name in TAKEN_OVER}

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
        certain(QApplication.clipboard()).setText(self.command.text())
        self._session.signals.notice.emit("The command is on the clipboard.")

    def _copy_script(self) -> None:
        if (project := self._session.project) is not None:
            script = cluster_script(self.options.choice.stage, project.folder, self.options.options())
            certain(QApplication.clipboard()).setText(script)
            self._session.signals.notice.emit("The script is on the clipboard; save it and give it to sbatch.")

    def _show_buttons(self) -> None:
        session, project = self._session, self._session.project
        running = session.training.running or session.trunk_weights.is_asking
        self.start.setEnabled(project is not None and not running)
        self.learn.setEnabled(project is not None and not project.read_only and not self._session.learning.running)
        self.recommended.setEnabled(project is not None and not project.read_only and not running)
        self.open.setEnabled(project is not None and not running)
        self.stop.setEnabled(self._session.training.running)
        self.bar.setVisible(running)
        self.run_list.show_buttons()
        self._explain_buttons()

    def _explain_buttons(self) -> None:
        """Say at every button what it does, and at a greyed one what is to be done instead."""
        step = self._session.next_steps.step.text
        for made, tip in ((self.recommended, RECOMMENDED), (self.start, START), (self.learn, AT_ONCE)):
            explain(made, tip, step)

    # Running

    def _start(self) -> None:
        project = self._session.project
        if project is None:
            return
        choice, options = self.options.choice, self.options.options()
        if choice.method in UNTRAINED:
            self._begin(project, choice.stage, options)
        else:
            self._asked = self._start
            self._when_weights_are_there(options, lambda: self._begin(project, choice.stage, options))

    def _begin(self, project: Project, stage: str, options: Mapping[str, Any]) -> None:
        self._session.flush()  # the child reads accepted masks and labels from disk
        self._try(lambda: self._session.training.start(project, stage, options))

    def _start_recommended(self) -> None:
        options = self._taken_over()
        self._asked = self._start_recommended
        self._when_weights_are_there(options, lambda: self._session.start.begin(options))

    def _when_weights_are_there(self, options: Mapping[str, Any], start: Callable[[], object]) -> None:
        """Start something once the weights it wants are found; else `weights` says what is missing."""
        if self._session.trunk_weights.is_asking:
            return

        def begin() -> None:
            start()
            self._show_buttons()

        self._session.trunk_weights.when_there(options, begin)

    def _learn(self) -> None:
        self._session.learning.learn()

    def _set_automatic(self, learns: bool) -> None:
        if learns != self._session.settings.learns_at_once:
            self._session.learning.set_automatic(learns)
            keep("computing", "learns_at_once", learns)

    def _show_learned(self) -> None:
        """Show whether the learner is at work, and whether it begins by itself."""
        self.by_itself.setChecked(self._session.settings.learns_at_once)
        self._show_buttons()

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
            self._session.signals.failed.emit(str(error))
        self._show_buttons()

    def _stop(self) -> None:
        self._session.training.stop()
        self.stop.setEnabled(False)
        self.said.setText("Stopping after the current step …")

    def _on_started(self) -> None:
        self.plot.clear()
        self.bar.setRange(0, 0)
        self.said.setText("starting …")
        self._show_buttons()

    def _join(self) -> None:
        """Show a training that began before this page was made."""
        self._on_started()
        training = self._session.training
        run = read_run(training.run_folder) if training.run_folder is not None else None
        if run is not None:
            self._show_history(run)
        if training.progress is not None:
            self._on_progress(training.progress)

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
        left = self._session.training.seconds_left()
        pace = "" if left is None else f" · about {duration(left)} left"
        return f"{progress.done}/{progress.total}{pace}"

    def _on_ended(self, code: int, folder: Path | None, message: str) -> None:
        self.run_list.refresh(folder)
        self._show_buttons()
        self._show_cost()  # its pace is known now
        what = message if code else self._session.start.text or APPLY_IT
        self.said.setText(f"{what} {left_out_text(self.run_list.run)}".strip())

    # Runs

    def chosen_run(self) -> RunInfo | None:
        """Return the run that is marked in the list."""
        return self.run_list.run

    def _on_run_chosen(self) -> None:
        run = self.chosen_run()
        if run is not None and not self._session.training.running:
            self._show_history(run)

    def _show_history(self, run: RunInfo) -> None:
        self.plot.show_history([(event.done, event.metrics) for event in run.history() if event.metrics])
