"""Whether a run's model is better than what is used now, said before anyone applies it.

The stage ``judge`` compares both, class by class, on images a person said something about, as a child process in the
background. What it found is kept while models, chain and the person's work are the same.
"""

from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

from psygnal import Signal

from napari_wsss.core.errors import StepError
from napari_wsss.core.progress import Progress, Steps
from napari_wsss.core.provenance import Provenance
from napari_wsss.pipeline.applied_history import rival_of, with_applied
from napari_wsss.pipeline.chain import applied_source
from napari_wsss.pipeline.lineage import SHELF_OF_STAGE, base_provenance, method_of
from napari_wsss.project.criteria import Criteria
from napari_wsss.project.project import Project
from napari_wsss.session.jobs import Job, Jobs
from napari_wsss.session.runs.child import run_stage
from napari_wsss.session.runs.folders import RunInfo
from napari_wsss.session.signals import Signals
from napari_wsss.session.table.opened import Opened

JUDGE = "judge"
MOST_IMAGES = 100
NOTHING_ACCEPTED = "No mask is accepted yet, so this cannot be compared with what is used now."
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
    """Asks for the verdict about one run at a time, the latest wins.

    Parameters
    ----------
    opened : Opened
    jobs : Jobs
    signals : Signals

    Attributes
    ----------
    told : Told
        About the run asked for last.
    changed : Signal()
    """

    changed = Signal()

    def __init__(self, opened: Opened, jobs: Jobs, signals: Signals) -> None:
        self._opened, self._jobs = opened, jobs
        self._kept: dict[str, Told] = {}
        self.told = Told()
        signals.project_closed.connect(self._forget)

    def ask(self, run: RunInfo | None) -> None:
        """Compare a run's model with what is used now (with what was used before, if it is that); returns at once."""
        self._jobs.cancel(JUDGE)
        table = self._opened.or_none
        if table is None or run is None or run.checkpoint is None or run.stage not in SHELF_OF_STAGE:
            self._tell(Told())
            return
        if not table.project.catalog.count(Criteria(states=("accepted", "draft"))):
            self._tell(Told(line=NOTHING_ACCEPTED))
            return
        work = partial(self._judged, table.project, run)
        job = Job("comparing with what is used now", work, key=JUDGE, lane=JUDGE, quiet=True)
        job.progressed.connect(lambda progress: self._tell_of(job, comparing(progress)))
        job.succeeded.connect(lambda found: self._found(job, *found))
        job.failed.connect(lambda message, _error: self._tell_of(job, Told("failed", message)))
        job.cancelled.connect(lambda: self._tell_of(job, Told()))
        self._tell(comparing(Progress(JUDGE)))
        self._jobs.submit(job)

    def _judged(self, project: Project, run: RunInfo) -> Steps[tuple[str, Told]]:
        yield Progress(JUDGE)
        key = key_of(project, run)
        if key in self._kept:
            return key, self._kept[key]
        said = yield from run_stage(JUDGE, project.folder, {"weights": run.checkpoint, "limit": MOST_IMAGES})
        found = next((record for record in said if "verdict" in record), None)
        if found is None:
            raise StepError("The comparison ended without a verdict; look at what it says in a terminal (judge).")
        return key, told_by(found)

    def _found(self, job: Job, key: str, told: Told) -> None:
        self._kept[key] = told
        self._tell_of(job, told)

    def _tell_of(self, job: Job, told: Told) -> None:
        """Tell what a job found, unless another run is asked for by now."""
        if self._jobs.find(JUDGE) is job:
            self._tell(told)

    def _tell(self, told: Told) -> None:
        if told != self.told:
            self.told = told
            self.changed.emit()

    def _forget(self) -> None:
        self._kept.clear()
        self._tell(Told())


def key_of(project: Project, run: RunInfo) -> str:
    """Return the key of a verdict: both plans, the content of their models, and how far the person's work is.

    Raises
    ------
    StepError
        When there is nothing to compare with, or a model is gone.
    """
    shelf, before = SHELF_OF_STAGE[run.stage], project.plan
    assert run.checkpoint is not None
    candidate = with_applied(project, shelf, str(run.config.get("method", method_of(before, shelf))), run.checkpoint)
    plans = (candidate, rival_of(project, candidate))
    newest = project.journal.recent(1)
    facts = {"plans": [plan.to_dict() for plan in plans], "journal": newest[0].number if newest else 0}
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
