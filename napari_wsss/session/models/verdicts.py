"""Whether a run's model is better than what is used now, said before anyone applies it; the same of a changed chain.

The stage ``judge`` compares both, class by class, on images a person said something about, as a child process in the
background. What it found is kept while models, chain and the person's work are the same.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

from psygnal import Signal

from napari_wsss.core.errors import StepError
from napari_wsss.core.plan import Plan
from napari_wsss.core.progress import Progress, Steps
from napari_wsss.core.provenance import Provenance
from napari_wsss.pipeline.apply import rival_of, with_applied
from napari_wsss.pipeline.chain import applied_source
from napari_wsss.pipeline.lineage import SHELF_OF_STAGE, base_provenance, method_of
from napari_wsss.pipeline.plan_history import last_change
from napari_wsss.project.criteria import Criteria
from napari_wsss.project.project import Project
from napari_wsss.project.scribble_files import newest_scribbles
from napari_wsss.session.jobs import Job, Jobs
from napari_wsss.session.runs.child import run_stage
from napari_wsss.session.runs.folders import RunInfo
from napari_wsss.session.signals import Signals
from napari_wsss.session.table.opened import Opened

Rivals = Callable[[Project], tuple[Plan, Plan]]
"""Returns a candidate and what it is held against; called in the background."""
JUDGE = "judge"
MOST_IMAGES = 100
NOTHING_GIVEN = "Nothing is accepted or drawn yet, so this cannot be compared with what is used now."
State = Literal["", "comparing", "known", "failed"]


@dataclass(frozen=True)
class Told:
    """What can be said about one run's model.

    Parameters
    ----------
    state : str
        "" where there is nothing to compare.
    line : str
        Headline and advice; the progress while it is compared; why not where it failed.
    recommendation : str
        ``apply``, ``keep`` or ``unsure``, "" while nothing is known.
    reasons : tuple of str
        Sentences behind the headline.
    table : str
        IoU of every class, aligned with spaces.
    """

    state: State = ""
    line: str = ""
    recommendation: str = ""
    reasons: tuple[str, ...] = ()
    table: str = ""


class Verdicts:
    """Asks for one verdict at a time, the latest wins.

    Parameters
    ----------
    opened : Opened
    jobs : Jobs
    signals : Signals
    about : str
        Tells this one's job from that of another.

    Attributes
    ----------
    told : Told
        What was asked for last.
    changed : Signal()
    """

    changed = Signal()

    def __init__(self, opened: Opened, jobs: Jobs, signals: Signals, about: str) -> None:
        self._opened, self._jobs, self._key = opened, jobs, f"{JUDGE} {about}"
        self._kept: dict[str, Told] = {}
        self._job: Job | None = None
        self.told = Told()
        signals.project_closed.connect(self._forget)

    def ask(self, run: RunInfo | None) -> None:
        """Compare a run's model with what is used now (with what was used before, if it is that); returns at once.

        None, or a run that cannot be applied, ends what is being compared.
        """
        if run is None or run.checkpoint is None or run.stage not in SHELF_OF_STAGE:
            self._end()
        else:
            self._compare(partial(rivals_of, run), {"weights": run.checkpoint})

    def ask_last_change(self) -> None:
        """Compare the chain with what it was before the last change of refiners or parameters; returns at once."""
        self._compare(before_and_after, {"last_change": True})

    def _end(self) -> None:
        self._jobs.cancel(self._key)
        self._job = None
        self._tell(Told())

    def _compare(self, rivals: Rivals, options: Mapping[str, Any]) -> None:
        self._end()
        table = self._opened.or_none
        if table is None:
            return
        drawn = Criteria(states=("accepted", "draft"))
        if not table.project.catalog.count(drawn) and not newest_scribbles(table.project):
            self._tell(Told(line=NOTHING_GIVEN))
            return
        work = partial(self._judged, table.project, rivals, options)
        job = Job("comparing with what is used now", work, key=self._key, lane=JUDGE, quiet=True)
        job.progressed.connect(lambda progress: self._tell_of(job, comparing(progress)))
        job.succeeded.connect(lambda found: self._found(job, *found))
        job.failed.connect(lambda message, _error: self._tell_of(job, Told("failed", message)))
        self._job = job
        self._tell(comparing(Progress(JUDGE)))
        self._jobs.submit(job)

    def _judged(self, project: Project, rivals: Rivals, options: Mapping[str, Any]) -> Steps[tuple[str, Told]]:
        yield Progress(JUDGE)
        key = key_of(project, rivals(project))
        if key in self._kept:
            return key, self._kept[key]
        said = yield from run_stage(JUDGE, project.folder, {**options, "limit": MOST_IMAGES})
        found = next((record for record in said if "verdict" in record), None)
        if found is None:
            raise StepError("The comparison ended without a verdict; look at what it says in a terminal (judge).")
        return key, told_by(found)

    def _found(self, job: Job, key: str, told: Told) -> None:
        self._kept[key] = told
        self._tell_of(job, told)

    def _tell_of(self, job: Job, told: Told) -> None:
        """Tell what a job found, unless something else is asked for by now."""
        if self._job is job:
            self._tell(told)

    def _tell(self, told: Told) -> None:
        if told != self.told:
            self.told = told
            self.changed.emit()

    def _forget(self) -> None:
        self._kept.clear()
        self._end()


def rivals_of(run: RunInfo, project: Project) -> tuple[Plan, Plan]:
    """Return the plans with a run's model, and what it is held against; raises as `rival_of`."""
    assert run.checkpoint is not None
    shelf = SHELF_OF_STAGE[run.stage]
    method = str(run.config.get("method", method_of(project.plan, shelf)))
    candidate = with_applied(project, shelf, method, run.checkpoint)
    return candidate, rival_of(project, candidate)


def before_and_after(project: Project) -> tuple[Plan, Plan]:
    """Return the project's plan, and what it was before the last change of its chain (the same without one)."""
    change = last_change(project)
    return project.plan, change.taken_back(project.plan) if change is not None else project.plan


def key_of(project: Project, plans: tuple[Plan, Plan]) -> str:
    """Return the key of a verdict: both plans, the content of their models, and how far the person's work is.

    Raises
    ------
    StepError
        When a model is not there.
    """
    journal = [entry.number for entry in project.journal.recent(1)]
    facts = {"plans": [plan.to_dict() for plan in plans], "work": [*journal, newest_scribbles(project)]}
    parents = tuple(base_provenance(project, plan, applied_source(plan)) for plan in plans)
    return Provenance(JUDGE, facts, parents=parents).key


def comparing(progress: Progress) -> Told:
    """Return what is said while it is compared."""
    counted = f" · {progress.done}/{progress.total}" if progress.total else ""
    return Told("comparing", f"comparing with what is used now{counted}")


def told_by(record: dict[str, Any]) -> Told:
    """Return what the stage's report comes to."""
    verdict = record["verdict"]
    line = f"{verdict['headline']}. {verdict['advice']}"
    return Told("known", line, verdict["recommendation"], tuple(verdict["reasons"]), str(record["message"]))
