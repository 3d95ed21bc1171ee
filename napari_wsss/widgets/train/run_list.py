"""The list of training runs: look at one, compare several, apply one to the project, resume one.

What a person can do with it: click a run to see its curves; Ctrl-click or Shift-click more of them and compare.
"""

from itertools import islice
from pathlib import Path

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import QAbstractItemView, QListWidget, QListWidgetItem, QWidget

from napari_wsss.core.plural import counted
from napari_wsss.core.registry import method_title
from napari_wsss.session.runs.folders import RunInfo, unreadable_in
from napari_wsss.session.session import Session
from napari_wsss.widgets.controls.basic import button, column, explain, row
from napari_wsss.widgets.controls.listening import listen
from napari_wsss.widgets.controls.plain_text import as_text
from napari_wsss.widgets.controls.stubs import certain
from napari_wsss.widgets.train.run_comparison import RunComparison
from napari_wsss.widgets.train.stage_options import SHELVES
from napari_wsss.widgets.train.verdict_line import RunVerdict

RUN = Qt.ItemDataRole.UserRole
STATE_MARKS = {"running": "▶", "done": "✔", "stopped": "■", "interrupted": "⚠", "failed": "✖"}
WHOLES = {"start": "Recommended start"}
MOST_NAMED = 5
HEIGHT = 130  # pixels
USED = "This run's model is in use already."
APPLY = "Undecided images get its proposals; accepted masks are never touched"


class RunList(QWidget):
    """The project's runs, newest first.

    Attributes
    ----------
    chosen : Signal()
        Another run is marked.
    resume_wanted : Signal()
        The marked run should go on.
    """

    chosen = Signal()
    resume_wanted = Signal()

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self.list = QListWidget()
        self.list.setMaximumHeight(HEIGHT)
        self.list.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)  # long lines are elided
        self.list.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.list.currentItemChanged.connect(lambda *_: self.chosen.emit())
        self.list.itemSelectionChanged.connect(self._on_selection)
        self.apply = button("Apply", self._apply)
        self.resume = button("Resume", self.resume_wanted.emit, "Go on from the run's last checkpoint")
        self.compare = button("Compare", self._compare, "Mark two or more runs with Ctrl-click first")
        self.comparison = RunComparison()
        self.verdict = RunVerdict(session)
        listen(self, (session.signals.plan_changed, self.show_buttons))
        buttons = row(self.apply, self.resume, self.compare, 1)
        self.setLayout(column(self.list, buttons, self.verdict, self.comparison))

    def refresh(self, chosen: Path | None = None) -> None:
        """Read the runs again; mark `chosen`, else the one that was marked, else the newest."""
        project, current = self._session.project, self.run
        wanted = chosen or (current.folder if current else None)
        found = self._session.training.runs(project) if project is not None else []
        self.list.clear()
        for run in found:
            item = QListWidgetItem(run_text(run))
            item.setData(RUN, run)
            reasons = [f"left out: {name}: {why}" for name, why in islice(run.left_out.items(), MOST_NAMED)]
            item.setToolTip(as_text("\n".join([run.folder.name, run.message, *reasons])))
            self.list.addItem(item)
            if run.folder == wanted:
                self.list.setCurrentItem(item)
        for name, why in unreadable_in(project.training_folder).items() if project is not None else ():
            item = QListWidgetItem(f"{name}: {why}")
            item.setFlags(Qt.ItemFlag.NoItemFlags)
            self.list.addItem(item)
        if found and self.list.currentItem() is None:
            self.list.setCurrentRow(0)
        self.comparison.clear()
        self.show_buttons()

    @property
    def run(self) -> RunInfo | None:
        """The run that is marked last."""
        item = self.list.currentItem()
        return item.data(RUN) if item is not None else None

    @property
    def marked(self) -> list[RunInfo]:
        """Every marked run, in the order of the list."""
        items = [certain(self.list.item(place)) for place in range(self.list.count())]
        return [item.data(RUN) for item in items if item.isSelected() and item.data(RUN) is not None]

    def show_buttons(self) -> None:
        """Enable what can be done with the marked run now."""
        project, run, marked = self._session.project, self.run, self.marked
        writable = project is not None and not project.read_only
        can_apply = writable and len(marked) < 2 and run is not None and run.checkpoint is not None
        used = can_apply and run is not None and self._session.models.uses(run)
        self.apply.setEnabled(can_apply and not used)
        explain(self.apply, APPLY, USED if used else self._session.next_steps.step.text)
        self.verdict.follow(run if can_apply else None)
        self.resume.setEnabled(not self._session.training.running and run is not None and run.can_resume)
        self.compare.setEnabled(len(marked) > 1)

    def _on_selection(self) -> None:
        self.show_buttons()
        if len(self.marked) < 2:
            self.comparison.clear()

    def _compare(self) -> None:
        self.comparison.show_runs(self.marked)

    def _apply(self) -> None:
        run = self.run
        if run is not None and self._session.models.apply(run):
            self._session.signals.notice.emit(
                f"{trained_in(run)} of {run.clock} is used from now on; accepted masks stay as they are."
            )


def run_text(run: RunInfo) -> str:
    """Return the line of a run: state, what was trained, best score, when."""
    steps = f" · {run.done}/{run.total}" if run.total and run.state != "done" else ""
    score = next((f" · {name.replace('_', ' ')} {value:.3f}" for name, value in run.figures.items()), "")
    without = f" · {len(run.left_out)} left out" if run.left_out else ""
    return f"{STATE_MARKS.get(run.state, '?')} {trained_in(run)} · {run.state}{steps}{score}{without} · {run.clock}"


def left_out_text(run: RunInfo | None) -> str:
    """Return a sentence that names the images a run went on without, "" where there is none."""
    if run is None or not run.left_out:
        return ""
    named = ", ".join(islice(run.left_out, MOST_NAMED))
    more = f" and {len(run.left_out) - MOST_NAMED} more" if len(run.left_out) > MOST_NAMED else ""
    return f"{counted(len(run.left_out), 'image')} could not be used: {named}{more}."


def trained_in(run: RunInfo) -> str:
    """Return what was trained, by its title."""
    method = str(run.config.get("method", ""))
    named = method_title(SHELVES[run.stage][0], method) if run.stage in SHELVES and method else run.stage
    return WHOLES.get(run.stage, named)
