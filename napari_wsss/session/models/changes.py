"""What the last applied model changed: of each proposal how much, and of accepted masks where it disagrees.

Undecided images come first, then the model looks at accepted ones again. Masks are only read. The figures
go to the catalog: `changed` (1 - mean IoU of the proposals before and after) and `disagrees` (1 - mean IoU of the
proposal and the accepted mask is above a threshold).
"""

from functools import partial

from napari_wsss.core.errors import WsssError
from napari_wsss.core.masks import overlap
from napari_wsss.core.plural import counted
from napari_wsss.core.progress import Progress, Steps
from napari_wsss.pipeline.apply import ModelChange, last_move
from napari_wsss.pipeline.lineage import has_model
from napari_wsss.project.criteria import Criteria
from napari_wsss.project.project import Project
from napari_wsss.session.jobs import Job, Jobs
from napari_wsss.session.proposals.inference import INFERENCE, Inference
from napari_wsss.session.results import stages
from napari_wsss.session.results.shown import resolve
from napari_wsss.session.results.wanted import Wanted
from napari_wsss.session.signals import Signals
from napari_wsss.session.table.navigation import Navigation
from napari_wsss.session.table.opened import Opened

CHANGES = "changes"
DISAGREES_ABOVE = 0.3
MUCH = 0.2
"""Share of a proposal from which the summary counts it as changed."""
ORDERS = ("changed", "disagrees")


class Changes:
    """Measures changes of one session in the background, whenever results of an image arrive.

    Parameters
    ----------
    opened : Opened
    navigation : Navigation
        Whose queue may be sorted by what changed.
    inference : Inference
        Proposes for accepted images.
    jobs : Jobs
    signals : Signals

    Attributes
    ----------
    disagrees_above : float
        1 - mean IoU above which an accepted mask is marked, in [0, 1].
    """

    def __init__(
        self, opened: Opened, navigation: Navigation, inference: Inference, jobs: Jobs, signals: Signals
    ) -> None:
        self.disagrees_above = DISAGREES_ABOVE
        self._opened, self._navigation, self._inference = opened, navigation, inference
        self._jobs, self._signals = jobs, signals
        self._waiting = Wanted()
        self._decided: set[str] = set()  # accepted when the model was applied, and not looked at since
        self._summary_due = False
        signals.project_opened.connect(self._forget)
        signals.project_closed.connect(self._forget)
        signals.model_applied.connect(self.compare_accepted)
        signals.maps_ready.connect(self._on_results)
        signals.state_changed.connect(self._on_state)
        jobs.ended.connect(self._on_job_ended)

    def _forget(self) -> None:
        self._waiting.clear()
        self._decided.clear()
        self._summary_due = False

    def compare_accepted(self) -> bool:
        """Have the model propose for accepted images too, after everything else, and mark where it disagrees."""
        project = self._opened.table.project
        if project.read_only or not has_model(project.plan):
            return False
        self._summary_due = True
        self._decided.update(accepted := list(project.catalog.ids(states=("accepted",))))
        return not accepted or self._inference.start(accepted)

    def _on_state(self, image_id: str) -> None:
        self._decided.discard(image_id)

    def _on_results(self, image_id: str) -> None:
        table = self._opened.table
        project = table.project
        if project.read_only:
            return
        record = table.record if image_id == table.image_id else project.catalog.get(image_id)
        if image_id not in self._decided and record.changed is not None:
            return
        self._waiting.add([image_id])
        running = self._jobs.find(CHANGES)
        if running is None or running.is_over:
            self._measure(project)

    def _measure(self, project: Project) -> None:
        work = partial(measure_waiting, project, self._waiting, self._decided, self.disagrees_above)
        job = Job("what the model changed", work, key=CHANGES, lane=CHANGES, quiet=True)
        job.failed.connect(lambda message, _error: self._signals.failed.emit(message))
        job.succeeded.connect(self._on_measured)
        self._jobs.submit(job)

    def _on_measured(self, measured: int) -> None:
        table = self._opened.or_none
        if measured and table is not None:
            table.refresh()
            self._signals.changes_measured.emit()

    def _on_job_ended(self, job: Job) -> None:
        table, jobs = self._opened.or_none, self._jobs
        if table is None or job.key not in (CHANGES, INFERENCE):
            return
        project = table.project
        # Results that arrived while the job was ending; another one may be at work on them, and is not to be cancelled.
        if job.key == CHANGES and len(self._waiting) and job.state == "done" and jobs.find(CHANGES) is None:
            self._measure(project)
        if jobs.find(CHANGES) is None and jobs.find(INFERENCE) is None:
            self._all_measured(project)

    def _all_measured(self, project: Project) -> None:
        if self._navigation.queue.order in ORDERS:
            self._navigation.refresh_queue()
        if self._summary_due and (text := self.summary(project)):
            self._signals.notice.emit(text)
        self._summary_due = False

    @staticmethod
    def summary(project: Project) -> str:
        """Return one line about what the last model changed, "" when nothing was compared."""
        known = project.catalog.count(Criteria(changed_above=-1.0))
        much = project.catalog.count(Criteria(changed_above=MUCH))
        disagree = project.catalog.count(Criteria(disagrees=True))
        if not known and not disagree:
            return ""
        return (
            f"{much} of {counted(known, 'proposal')} changed by more than {100 * MUCH:.0f} %, the model now disagrees "
            f"with {counted(disagree, 'accepted mask')} (Review: order by what changed; B compares)."
        )


def measure_waiting(project: Project, waiting: Wanted, decided: set[str], disagrees_above: float) -> Steps[int]:
    """Measure images until none waits; return of how many something is known.

    Parameters
    ----------
    project : Project
    waiting : Wanted
        May be filled by another thread meanwhile.
    decided : set of str
        Images whose accepted mask is compared with the proposal; others only with the proposal before.
    disagrees_above : float
        1 - mean IoU above which an accepted mask is marked.
    """
    move, measured = last_move(project), 0
    while ids := waiting.take():
        yield Progress(CHANGES, measured, measured + len(ids) + len(waiting))
        found = {image_id: change for image_id in ids if (change := _change(project, image_id, move)) is not None}
        project.catalog.set_changes(found)
        measured += len(found)
        for image_id in ids:
            if image_id in decided:
                measured += mark_disagreement(project, image_id, disagrees_above)
    return measured


def _change(project: Project, image_id: str, move: ModelChange | None) -> float | None:
    """Return 1 - mean IoU of the stored proposals before and after the last model; None where one is missing."""
    if move is None:
        return None
    now = resolve(project, project.plan, image_id)
    before, after = stages.stored_proposal(project, now.under(move.before)), stages.best_proposal(project, now)
    if before is None or after is None or before.shape != after.shape:
        return None
    return 1.0 - overlap(before, after)


def mark_disagreement(project: Project, image_id: str, above: float) -> bool:
    """Write down whether the stored proposal of an accepted image disagrees with its mask; False when unknown."""
    proposal = stages.best_proposal(project, resolve(project, project.plan, image_id))
    try:
        accepted = project.masks.read_accepted(image_id)
    except WsssError:  # damaged: opening the image says so
        accepted = None
    if proposal is None or accepted is None or proposal.shape != accepted.shape:
        return False
    disagrees = 1.0 - overlap(accepted, proposal) > above
    record = project.catalog.get(image_id)
    if record.state == "accepted" and record.disagrees != disagrees:
        project.catalog.set_facts(image_id, disagrees=disagrees)
    return True
