"""Learning at once: a pixel classifier beside the window that learns from every correction and proposes anew.

It lives in a process of its own that stays (`processes.apart`); `training.pixel_learner.beside` is what runs there,
named and never imported here. A fit from fresh weights gives what ``segmentation --method pixel_classifier`` gives on
the command line. What it learned is applied like any model: accepted masks and drafts stay as they are, other images
get new proposals, and it is taken back in one step.

- A lesson goes on from the last fit and takes about a second. When nothing more happens for a while, a thorough one
  follows, which learns afresh and compares itself with the maps.
- A lesson that is under way when the person goes on is finished, then the next one begins; a thorough one makes way.
"""

import math
import time
from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Any

from psygnal import Signal

from napari_wsss.core.errors import LabelError, ProjectError
from napari_wsss.core.files import mapping, number
from napari_wsss.core.inside import below
from napari_wsss.core.plan import Plan
from napari_wsss.core.progress import Progress, Steps
from napari_wsss.core.trunk_choice import SCRATCH
from napari_wsss.pipeline.apply import LEARNER
from napari_wsss.pipeline.learner_states import METHOD, LearnerState, Lesson
from napari_wsss.processes.apart import Apart
from napari_wsss.project.project import Project
from napari_wsss.project.scribble_files import scribbled
from napari_wsss.session.jobs import Job, Jobs
from napari_wsss.session.models.applied import AppliedModels
from napari_wsss.session.proposals.inference import Inference
from napari_wsss.session.runs.folders import read_run, runs_in
from napari_wsss.session.settings import Settings
from napari_wsss.session.signals import Signals, reported
from napari_wsss.session.table.opened import Opened
from napari_wsss.session.table.save_state import ago
from napari_wsss.session.table.table import Table

KEY = "learning"
PATIENCE = 10.0
"""Seconds a cancelled lesson has to stop; its process holds what was learned, so it is not ended sooner."""
PAUSE, REST = 1.0, 8.0
"""Seconds without a decision before a lesson begins by itself, and before a thorough one does."""
ENOUGH = 8
"""Images with corrections from which on it learns by itself: fewer teach less than the maps know."""
BREATH = 0.05


def trunk_of_localizer(project: Project) -> dict[str, Any]:
    """Return the trunk options of the applied localizer's run, none where it is unknown or was trained from nothing.

    Whoever chose other weights, say because the machine is offline, means them for the learner too.
    """
    if not project.plan.localizer_checkpoint:
        return {}
    run = read_run(below(project.folder, project.plan.localizer_checkpoint).parent)
    network = run.config.get("network", {}) if run is not None and run.stage == "classifier" else {}
    if network.get("trunk_weights", SCRATCH) == SCRATCH:
        return {}
    return {name: network[name] for name in ("trunk", "trunk_weights", "width") if name in network}


def enlargement_of_run(project: Project) -> float:
    """Return how far the newest finished run of the learner's method was told to enlarge pictures; 0 for not told.

    Whoever chose a size for a run means it for the learner too; one who left it open lets it be measured.
    """
    for run in runs_in(project.training_folder):
        if run.state == "done" and run.config.get("method") == METHOD:
            told = number(mapping(run.config, "parameters"), "enlargement")
            return told if 0 < told < math.inf else 0.0
    return 0.0


class _Lesson:
    """One lesson on its way: waiting for a pause, then under way.

    Parameters
    ----------
    pause : float
        Seconds to wait before it begins.
    is_asked : bool
        Whether the person asked for it.
    is_thorough : bool
        See `Lesson`.
    """

    def __init__(self, pause: float = 0.0, *, is_asked: bool = False, is_thorough: bool = False) -> None:
        self.pause, self.is_asked, self.is_thorough = pause, is_asked, is_thorough
        self.is_under_way = self.gave_state = False

    def steps(
        self, apart: Apart, project: Project, config: Mapping[str, Any], wanted: tuple[str, ...]
    ) -> Steps[LearnerState | None]:
        """Wait, then have the learner learn (in the background thread); None when there is nothing to learn."""
        until = time.monotonic() + self.pause
        while (left := until - time.monotonic()) > 0:
            yield Progress(KEY)
            time.sleep(min(left, BREATH))
        if not self.is_asked and not (_is_ours(project.plan) and _corrected(project) >= ENOUGH):
            return None
        self.is_under_way = True
        lesson = Lesson(config, wanted, self.is_thorough)
        state: LearnerState | None = yield from apart.steps(project.folder, lesson)
        self.gave_state = state is not None
        return state


class Learning:
    """Gives the learner its lessons, and applies what it learned.

    Parameters
    ----------
    opened : Opened
    inference : Inference
        Holds back the new proposal of the shown image.
    jobs : Jobs
    models : AppliedModels
    settings : Settings
        Whether it learns by itself.
    signals : Signals

    Attributes
    ----------
    state : LearnerState, optional
        What was learned last and is in use.
    changed : Signal()
    """

    changed = Signal()

    def __init__(
        self,
        opened: Opened,
        inference: Inference,
        jobs: Jobs,
        models: AppliedModels,
        settings: Settings,
        signals: Signals,
    ) -> None:
        self._opened, self._inference = opened, inference
        self._jobs, self._models, self._settings, self.signals = jobs, models, settings, signals
        self._apart = Apart("training.pixel_learner.beside:learn", PATIENCE)
        self._lesson: _Lesson | None = None
        self._is_behind = False  # something happened since the lesson under way began
        self._owes_comparison = False  # since the last thorough lesson something was learned
        self._checkpoint = self._localizer = ""  # the models in use, as far as known here
        self._trunk: dict[str, Any] = {}
        self._enlargement = 0.0
        self._told = ""
        self._learned_at = 0.0
        self.state: LearnerState | None = None
        signals.state_changed.connect(self._on_news)
        signals.labels_changed.connect(self._on_news)  # also when they are edited among the clusters
        signals.image_changed.connect(self._on_news)
        signals.plan_changed.connect(self._on_plan)
        signals.project_opened.connect(self._on_project)
        signals.project_closed.connect(self._forget)

    # -- what is said -----------------------------------------------------------------------------------------

    @property
    def running(self) -> bool:
        """True while a lesson that the person asked for is under way."""
        return self._lesson is not None and self._lesson.is_asked

    @property
    def holds_back(self) -> bool:
        """True while the shown image has a new proposal that is not shown yet."""
        return self._inference.holds_back

    @property
    def text(self) -> str:
        """What the learner in use learned from, how long ago, and how far it agrees; "" without one."""
        if self.state is None:
            return ""
        age = ago(time.time() - self._learned_at)
        return " · ".join(part for part in (self.state.text, age, self.state.held_out) if part)

    @property
    def details(self) -> str:
        """What else there is to know of the learner in use, "" for nothing."""
        return self.state.details if self.state is not None else ""

    # -- verbs ------------------------------------------------------------------------------------------------

    def show_or_learn(self) -> bool:
        """Show the new proposal of the shown image where one waits, else `learn`."""
        return self._inference.show_held_back() or self.learn()

    @reported
    def learn(self) -> bool:
        """Learn from all accepted masks, drafts, strokes and scribbles, and propose anew for untouched images.

        Returns at once; False, and `failed` says why, when it cannot start.
        """
        table = self._opened.table
        if table.project.read_only:
            raise ProjectError("The project is open read-only, so no learned model can be applied; open it to write.")
        if not table.flush():
            return False  # said already; the learner reads from disk
        self._begin(_Lesson(is_asked=True))
        self.signals.notice.emit("Learning from what you corrected; you can go on.")
        return True

    def set_automatic(self, learns: bool) -> None:
        """Learn after every decision from now on, or only when asked."""
        self._settings.learns_at_once = learns
        if learns:
            self._on_news()
        else:
            self._jobs.cancel(KEY)
        self.changed.emit()

    # -- lessons ----------------------------------------------------------------------------------------------

    def _on_news(self, _image_id: str = "") -> None:
        """Begin a lesson soon: something was decided, or another image is shown."""
        table = self._opened.or_none
        if not self._settings.learns_at_once or not self._trunk or table is None or table.project.read_only:
            return
        lesson = self._lesson
        if lesson is not None and not lesson.is_thorough and (lesson.is_under_way or lesson.is_asked):
            self._is_behind = True
        else:
            self._begin(_Lesson(pause=PAUSE))

    def _begin(self, lesson: _Lesson) -> None:
        table, apart, config = self._opened.table, self._apart, _config(self._trunk, self._enlargement)
        self._lesson, self._is_behind = lesson, False
        wanted = (table.image_id,) if table.image_id else ()  # the next ones are proposed first when it is in use
        job = Job(
            "learning",
            lambda: lesson.steps(apart, table.project, config, wanted),
            key=KEY,
            lane=KEY,
            quiet=not lesson.is_asked,
        )
        job.succeeded.connect(lambda state: self._learned(table, lesson, state))
        job.failed.connect(lambda message, reason: self._failed(lesson, message, reason))
        job.ended.connect(lambda: self._ended(lesson, went_well=job.state == "done"))
        self._jobs.submit(job)
        self.changed.emit()

    def _learned(self, table: Table, lesson: _Lesson, state: LearnerState | None) -> None:
        if not self._opened.holds(table):
            return
        self._owes_comparison = not lesson.is_thorough and (self._owes_comparison or state is not None)
        if state is None:
            if lesson.is_asked:
                self.signals.notice.emit("Nothing was corrected since the last time, so there is nothing new to learn.")
            return
        self._checkpoint = state.checkpoint.relative_to(table.project.folder).as_posix()
        if self._models.apply_learned(METHOD, state.checkpoint, is_last=lesson.is_thorough):
            self.state, self._learned_at, self._told = state, time.time(), ""
            if lesson.is_asked:
                told = " · ".join(part for part in (self.text, state.encoder) if part)
                self.signals.notice.emit(told[0].upper() + told[1:])

    def _failed(self, lesson: _Lesson, message: str, reason: object) -> None:
        """Say why nothing was learned; what fails by itself is said once, and too little is no failure then."""
        if lesson.is_asked or not (isinstance(reason, LabelError) or message == self._told):
            self.signals.failed.emit(f"Nothing was learned: {message}")
        self._told = message

    def _ended(self, lesson: _Lesson, *, went_well: bool) -> None:
        if self._lesson is not lesson:
            return  # it made way for another one
        self._lesson = None
        if went_well and self._is_behind:
            self._on_news()
        elif went_well and self._owes_comparison and self._opened.or_none is not None:
            self._begin(_Lesson(0.0 if lesson.is_asked else REST, is_asked=lesson.is_asked, is_thorough=True))
        self.changed.emit()

    def _on_project(self) -> None:
        table = self._opened.table
        self._remember(table)
        self._on_news()

    def _on_plan(self) -> None:
        """Learn on top of another localizer, but no longer by itself when the person chose another segmenter."""
        table = self._opened.or_none
        if table is None or (self._checkpoint, self._localizer) == _models(table):
            return
        is_localizer_new = table.plan.localizer_checkpoint != self._localizer
        self._remember(table)
        if is_localizer_new:
            self._on_news()
        elif self._settings.learns_at_once:
            self.set_automatic(False)
            self.signals.notice.emit("You chose another model, so nothing is learned by itself for now (Train page).")
        self.changed.emit()

    def _remember(self, table: Table) -> None:
        """Take what is known of the models in use."""
        self._checkpoint, self._localizer = _models(table)
        self._trunk = trunk_of_localizer(table.project)
        self._enlargement = enlargement_of_run(table.project)
        used = table.project.folder / self._checkpoint
        self.state = LearnerState.of(used) if used.parent.name == LEARNER else None
        if self.state is not None and used.exists():
            self._learned_at = used.stat().st_mtime

    def _forget(self) -> None:
        self._lesson, self._is_behind, self._owes_comparison = None, False, False
        self._told, self.state = "", None
        self.changed.emit()


def _config(trunk: Mapping[str, Any], enlargement: float) -> dict[str, Any]:
    sections = {"network": dict(trunk), "parameters": {"enlargement": enlargement} if enlargement else {}}
    return {"method": METHOD, **{name: section for name, section in sections.items() if section}}


def _models(table: Table) -> tuple[str, str]:
    return table.plan.segmenter_checkpoint, table.plan.localizer_checkpoint


def _is_ours(plan: Plan) -> bool:
    """Return True where the learner may propose by itself: no other segmenter is in use."""
    return plan.segmenter_checkpoint == "" or PurePosixPath(plan.segmenter_checkpoint).parent.name == LEARNER


def _corrected(project: Project) -> int:
    """Return of how many images a person said something: an accepted mask, unfinished work, scribbles."""
    return len({*project.catalog.ids(states=("accepted", "draft")), *scribbled(project)})
