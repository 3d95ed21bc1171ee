"""Proposals taken over from corrections, in one sitting: asking for them, dismissing them, letting them end."""

from collections.abc import Sequence

from psygnal import Signal

from napari_wsss.core.errors import ProjectError, StepError
from napari_wsss.core.plural import counted
from napari_wsss.core.progress import Progress, Steps
from napari_wsss.pipeline import run as pipeline
from napari_wsss.pipeline.borrowing import STEP, BorrowReport, borrow, forget_outdated
from napari_wsss.project.criteria import Criteria
from napari_wsss.project.project import Project
from napari_wsss.session.gallery.following import Following
from napari_wsss.session.jobs import Job, Jobs
from napari_wsss.session.settings import Settings
from napari_wsss.session.signals import Signals
from napari_wsss.session.table.opened import Opened
from napari_wsss.session.table.table import Table

BORROW, CHECK = STEP, "check borrowed"


class Borrowing:
    """Proposals that come from other images' corrections.

    Parameters
    ----------
    opened : Opened
    following : Following
        Shows the proposals that images have now.
    jobs : Jobs
    signals : Signals
    settings : Settings
        Which device computes.

    Attributes
    ----------
    done : Signal(object)
        A `BorrowReport`: images have a proposal from a correction now.
    """

    done = Signal(object)

    def __init__(self, opened: Opened, following: Following, jobs: Jobs, signals: Signals, settings: Settings) -> None:
        self._opened, self._following, self._jobs = opened, following, jobs
        self._signals, self._settings = signals, settings
        signals.plan_changed.connect(self._check)
        signals.labels_changed.connect(self._on_labels)

    def source_of(self, image_id: str) -> str:
        """Return the image whose correction the proposal of an image was taken over from, "" for its own."""
        return self._opened.table.project.catalog.get(image_id).borrowed_from

    def why_not(self, source: str) -> str:
        """Return why an image's correction cannot be proposed for others, "" when it can."""
        table = self._opened.or_none
        if table is None or table.project.read_only:
            return "the project is open read-only" if table is not None else "no project is open"
        project = table.project
        if not project.plan.localizer_checkpoint:
            return "no localizer is applied"
        if not project.masks.any(source):
            return f"{source} has no mask yet: correct or accept it first"
        return ""

    def propose(self, source: str, image_ids: Sequence[str]) -> None:
        """Propose for images what a person's mask of `source` teaches, in the background; `done` tells when.

        Raises
        ------
        ProjectError
            When it is not possible (`why_not`).
        """
        reason = self.why_not(source)
        if reason:
            raise ProjectError(f"Nothing is proposed: {reason}.")
        table = self._opened.table
        project = table.project
        if not image_ids:
            raise StepError(f"There is no untouched image that is like {source}.")
        if not table.flush():
            return
        ids, device = tuple(image_ids), self._settings.device
        job = Job(f"propose from {source}", lambda: _propose(project, source, ids, device), key=BORROW)
        job.succeeded.connect(lambda report: self._arrived(table, report))
        job.failed.connect(lambda message, _error: self._signals.failed.emit(message))
        self._jobs.submit(job)

    def _arrived(self, table: Table, report: BorrowReport) -> None:
        if not self._opened.holds(table):
            return
        self._following.proposals_were_replaced(report.done)
        first = next(iter(report.failed.values()), "")
        remark = f"; {len(report.failed)} left out: {first}" if first else ""
        self._signals.notice.emit(
            f"{counted(len(report.done), 'image has', 'images have')} a proposal from {report.source} now{remark}"
        )
        self.done.emit(report)

    def dismiss(self, image_ids: Sequence[str]) -> None:
        """Give images their own proposals back."""
        self._opened.table.project.catalog.set_borrowed(image_ids, "")
        self._following.proposals_were_replaced(image_ids)

    def _on_labels(self, _image_id: str) -> None:
        self._check()

    def _check(self) -> None:
        """Find out which borrowed proposals plan, model or labels have made old; their images get their own back."""
        table = self._opened.table
        project = table.project
        if project.read_only:
            return
        borrowed = project.catalog.find(Criteria(borrowed_from=""))
        if borrowed:
            job = Job(CHECK, lambda: _outdated(project, borrowed), key=CHECK, lane=CHECK, quiet=True)
            job.succeeded.connect(lambda ids: self._checked(table, ids))
            self._jobs.submit(job)

    def _checked(self, table: Table, outdated: tuple[str, ...]) -> None:
        if outdated and self._opened.holds(table):
            self._following.proposals_were_replaced(outdated)


def _propose(project: Project, source: str, ids: tuple[str, ...], device: str) -> Steps[BorrowReport]:
    yield from pipeline.propose(project, (source, *ids), device)
    return (yield from borrow(project, source, ids, device))


def _outdated(project: Project, image_ids: Sequence[str]) -> Steps[tuple[str, ...]]:
    found: list[str] = []
    for number, image_id in enumerate(image_ids, 1):
        found += forget_outdated(project, [image_id])
        yield Progress(CHECK, number, len(image_ids), image_id)
    return tuple(found)
