"""Accepting what is sure enough in a cluster in one go: seen before it is done, and taken back in one step.

Only untouched images are accepted (nobody painted in them, flagged or excluded them) and only as they are proposed
under the plan of now. It is possible once a person has accepted `BY_HAND` images of the cluster one by one.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from psygnal import Signal

from napari_wsss.core.errors import ProjectError, WsssError
from napari_wsss.core.progress import Progress, Steps
from napari_wsss.core.sources import Sources
from napari_wsss.pipeline.lineage import has_model
from napari_wsss.project.image_clusters import UNTOUCHED, ClusterFacts
from napari_wsss.project.project import Project
from napari_wsss.session.gallery.following import SubCategories
from napari_wsss.session.jobs import Job
from napari_wsss.session.results import stages
from napari_wsss.session.review.origins import proposal_source
from napari_wsss.session.table.canvas import read_machine

ACCEPT = "accept batch"
BATCH = "batch"
"""Names the cluster in the journal's entries of images that were accepted together."""
BY_HAND = 5


@dataclass
class _Step:
    """One batch while it is being accepted."""

    cluster: str
    group: int = 0
    accepted: list[str] = field(default_factory=list)


class BatchAccept:
    """Accepts the sure proposals of a cluster.

    Parameters
    ----------
    session : SubCategories

    Attributes
    ----------
    done : Signal(str, int, int)
        A cluster's batch is accepted: its name, how many images, how many of them were left out.
    """

    done = Signal(str, int, int)

    def __init__(self, session: SubCategories) -> None:
        self._session = session

    def why_not(self, facts: ClusterFacts) -> str:
        """Return why a cluster cannot be accepted in one go, "" when it can."""
        project = self._session.project
        if project is None or project.read_only:
            return "the project is open read-only" if project is not None else "no project is open"
        if self._session.jobs.find(ACCEPT) is not None:
            return "a batch is being accepted"
        if facts.by_hand < BY_HAND:
            missing = BY_HAND - facts.by_hand
            return f"accept {missing} more image{'s' if missing > 1 else ''} of this cluster one by one first"
        return ""

    def would_accept(self, cluster: str, confidence: float) -> tuple[str, ...]:
        """Return the images that `accept` would accept, the surest first."""
        project = self._session.project
        if project is None:
            return ()
        skipped = set(project.catalog.ids(states=("skipped",)))  # the only ones that may hold work of a person
        sure = project.catalog.clusters.surer_than(cluster, confidence)
        return tuple(one for one in sure if one not in skipped or not _holds_work(project, one))

    def unmeasured(self, cluster: str) -> tuple[str, ...]:
        """Return the untouched images whose confidence is not known yet."""
        project = self._session.project
        return project.catalog.clusters.unmeasured(cluster) if project is not None else ()

    def measure(self, cluster: str) -> int:
        """Have the confidence of images found out of which it is not known; return how many these are."""
        project, waiting = self._session.project, self.unmeasured(cluster)
        if waiting and project is not None and not project.read_only and has_model(project.plan):
            self._session.start_inference(waiting)
        return len(waiting)

    def accept(self, cluster: str, confidence: float) -> None:
        """Accept the proposals of the untouched images whose confidence is at least `confidence`, in the background.

        Parameters
        ----------
        cluster : str
            By its full name.
        confidence : float
            In [0, 1]; an image has 1 - uncertainty.

        Raises
        ------
        ProjectError
            When there is nothing to accept.
        """
        session, project = self._session, self._session.project
        wanted = self.would_accept(cluster, confidence)
        if project is None or not wanted:
            raise ProjectError(f"No untouched image of {cluster} is as sure as {confidence:.0%}; nothing is accepted.")
        if not session.flush():
            return
        step = _Step(cluster)
        job = Job(ACCEPT, lambda: self._accept(project, step, wanted), key=ACCEPT, lane=ACCEPT)
        job.failed.connect(lambda message, _error: session.failed.emit(message))
        job.ended.connect(lambda: self._ended(project, step, len(wanted)))
        session.jobs.submit(job)

    def _accept(self, project: Project, step: _Step, wanted: tuple[str, ...]) -> Steps[None]:
        """Read the proposals one by one, and have each accepted in the session's thread."""
        for number, image_id in enumerate(wanted, 1):
            values = read_machine(project, image_id, stages.stored_maps(project, image_id)).proposal
            if values is not None:
                self._session.jobs.dispatch(lambda i=image_id, v=values: self._accept_one(project, step, i, v))  # type: ignore[misc]
            yield Progress(ACCEPT, number, len(wanted), image_id)

    def _accept_one(self, project: Project, step: _Step, image_id: str, values: NDArray[np.uint8]) -> None:
        session = self._session
        if project is not session.project or project.catalog.state(image_id) not in UNTOUCHED:
            return  # the person was quicker
        if _holds_work(project, image_id):
            return
        if image_id == session.current_id and session.mask_is_touched:
            return
        source = proposal_source(project, image_id)
        sources = Sources.uniform(values.shape, source)
        try:
            with project.as_one_step(step.group) as step.group:
                project.accept(image_id, values, {BATCH: step.cluster, "model": source.key}, sources)
        except WsssError as reason:
            session.failed.emit(f"{image_id} was left out: {reason}")
            return
        step.accepted.append(image_id)

    def _ended(self, project: Project, step: _Step, wanted: int) -> None:
        session = self._session
        if project is not session.project:
            return
        for image_id in step.accepted:
            session.state_changed.emit(image_id)
        if session.current_id in step.accepted:
            session.go_to(session.current_id)  # shows the accepted mask
        left_out = wanted - len(step.accepted)
        remark = f"; {left_out} left out (no proposal of the plan of now)" if left_out else ""
        hint = ". Backspace takes it back." if step.accepted else "."
        session.notice.emit(f"Accepted {len(step.accepted)} images of {step.cluster}{remark}{hint}")
        self.done.emit(step.cluster, len(step.accepted), left_out)


def _holds_work(project: Project, image_id: str) -> bool:
    """Return True when a person painted or accepted a mask of an image, also where it was skipped afterwards."""
    return project.has_draft(image_id) or project.has_accepted(image_id)
