"""Proposals taken over from corrections, in one sitting: asking for them, dismissing them, letting them end."""

from __future__ import annotations

from collections.abc import Sequence

from psygnal import Signal

from napari_wsss.core.errors import ProjectError, StepError
from napari_wsss.core.progress import Progress, Steps
from napari_wsss.pipeline import run as pipeline
from napari_wsss.pipeline.borrowing import STEP, BorrowReport, borrow, forget_outdated
from napari_wsss.project.criteria import Criteria
from napari_wsss.project.project import Project
from napari_wsss.session.gallery.following import SubCategories
from napari_wsss.session.jobs import Job

BORROW, CHECK = STEP, "check borrowed"


class Borrowing:
    """Proposals that come from other images' corrections.

    Parameters
    ----------
    session : SubCategories

    Attributes
    ----------
    done : Signal(object)
        A `BorrowReport`: images have a proposal from a correction now.
    """

    done = Signal(object)

    def __init__(self, session: SubCategories) -> None:
        self._session = session
        session.plan_changed.connect(self._check)
        session.labels_changed.connect(lambda _image_id: self._check())

    def source_of(self, image_id: str) -> str:
        """Return the image whose correction the proposal of an image was taken over from, "" for its own."""
        project = self._session.project
        return project.catalog.get(image_id).borrowed_from if project is not None else ""

    def why_not(self, source: str) -> str:
        """Return why an image's correction cannot be proposed for others, "" when it can."""
        project = self._session.project
        if project is None or project.read_only:
            return "the project is open read-only" if project is not None else "no project is open"
        if not project.plan.localizer_checkpoint:
            return "no localizer is applied"
        if not (project.has_accepted(source) or project.has_draft(source)):
            return f"{source} has no mask yet: correct or accept it first"
        return ""

    def propose(self, source: str, image_ids: Sequence[str]) -> None:
        """Propose for images what a person's mask of `source` teaches, in the background; `done` tells when.

        Raises
        ------
        ProjectError
            When it is not possible (`why_not`).
        """
        session, project = self._session, self._session.project
        reason = self.why_not(source)
        if project is None or reason:
            raise ProjectError(f"Nothing is proposed: {reason}.")
        if not image_ids:
            raise StepError(f"There is no untouched image that is like {source}.")
        if not session.flush():
            return
        ids, device = tuple(image_ids), session.device
        job = Job(f"propose from {source}", lambda: _propose(project, source, ids, device), key=BORROW)
        job.succeeded.connect(lambda report: self._arrived(project, report))
        job.failed.connect(lambda message, _error: session.failed.emit(message))
        session.jobs.submit(job)

    def _arrived(self, project: Project, report: BorrowReport) -> None:
        session = self._session
        if project is not session.project:
            return
        session.proposals_were_replaced(report.done)
        first = next(iter(report.failed.values()), "")
        remark = f"; {len(report.failed)} left out: {first}" if first else ""
        session.notice.emit(f"{len(report.done)} images have a proposal from {report.source} now{remark}")
        self.done.emit(report)

    def dismiss(self, image_ids: Sequence[str]) -> None:
        """Give images their own proposals back."""
        if self._session.project is not None:
            self._session.project.catalog.set_borrowed(image_ids, "")
            self._session.proposals_were_replaced(image_ids)

    def _check(self) -> None:
        """Find out which borrowed proposals plan, model or labels have made old; their images get their own back."""
        session, project = self._session, self._session.project
        if project is None or project.read_only:
            return
        borrowed = project.catalog.find(Criteria(borrowed_from=""))
        if borrowed:
            job = Job(CHECK, lambda: _outdated(project, borrowed), key=CHECK, lane=CHECK, quiet=True)
            job.succeeded.connect(lambda ids: session.proposals_were_replaced(ids) if ids else None)
            session.jobs.submit(job)


def _propose(project: Project, source: str, ids: tuple[str, ...], device: str) -> Steps[BorrowReport]:
    yield from pipeline.propose(project, (source, *ids), device)
    return (yield from borrow(project, source, ids, device))


def _outdated(project: Project, image_ids: Sequence[str]) -> Steps[tuple[str, ...]]:
    found: list[str] = []
    for number, image_id in enumerate(image_ids, 1):
        found += forget_outdated(project, [image_id])
        yield Progress(CHECK, number, len(image_ids), image_id)
    return tuple(found)
