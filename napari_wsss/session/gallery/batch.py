"""Accepting what is sure enough in a cluster in one go: seen before it is done, and taken back in one step.

Only untouched images are accepted (nobody painted in them, flagged or excluded them) and only as they are proposed
under the plan of now. It is possible once a person has accepted `BY_HAND` images of the cluster one by one.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from threading import Event

import numpy as np
from numpy.typing import NDArray
from psygnal import Signal

from napari_wsss.core.errors import ProjectError, WsssError
from napari_wsss.core.plural import counted
from napari_wsss.core.progress import Progress, Steps
from napari_wsss.core.sources import Sources
from napari_wsss.pipeline.lineage import has_model
from napari_wsss.project.image_clusters import UNTOUCHED, ClusterFacts
from napari_wsss.project.journal import BATCH
from napari_wsss.session.jobs import Job, Jobs
from napari_wsss.session.proposals.inference import Inference
from napari_wsss.session.results.machine import proposed
from napari_wsss.session.results.shown import resolve
from napari_wsss.session.review.origins import proposal_source
from napari_wsss.session.signals import Signals
from napari_wsss.session.table.navigation import Navigation
from napari_wsss.session.table.opened import Opened
from napari_wsss.session.table.table import Table

ACCEPT = "accept batch"
BY_HAND = 5
PATIENCE = 0.1
"""Seconds between two looks whether the batch was cancelled while an acceptance waits."""


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
    opened : Opened
    navigation : Navigation
        Shows an accepted mask.
    inference : Inference
        Finds out how sure images are.
    jobs : Jobs
    signals : Signals

    Attributes
    ----------
    done : Signal(str, int, int)
        A cluster's batch is accepted: its name, how many images, how many of them were left out.
    """

    done = Signal(str, int, int)

    def __init__(
        self, opened: Opened, navigation: Navigation, inference: Inference, jobs: Jobs, signals: Signals
    ) -> None:
        self._opened, self._navigation, self._inference = opened, navigation, inference
        self._jobs, self._signals = jobs, signals

    def why_not(self, facts: ClusterFacts) -> str:
        """Return why a cluster cannot be accepted in one go, "" when it can."""
        table = self._opened.or_none
        if table is None or table.project.read_only:
            return "the project is open read-only" if table is not None else "no project is open"
        if self._jobs.find(ACCEPT) is not None:
            return "a batch is being accepted"
        if facts.by_hand < BY_HAND:
            missing = BY_HAND - facts.by_hand
            return f"accept {missing} more image{'s' if missing > 1 else ''} of this cluster one by one first"
        return ""

    def would_accept(self, cluster: str, confidence: float) -> tuple[str, ...]:
        """Return the images that `accept` would accept, the surest first."""
        project = self._opened.table.project
        skipped = set(project.catalog.ids(states=("skipped",)))  # the only ones that may hold work of a person
        sure = project.catalog.clusters.surer_than(cluster, confidence)
        return tuple(one for one in sure if one not in skipped or not project.masks.any(one))

    def unmeasured(self, cluster: str) -> tuple[str, ...]:
        """Return the untouched images whose confidence is not known yet."""
        return self._opened.table.project.catalog.clusters.unmeasured(cluster)

    def measure(self, cluster: str) -> int:
        """Have the confidence of images found out of which it is not known; return how many these are."""
        project, waiting = self._opened.table.project, self.unmeasured(cluster)
        if waiting and not project.read_only and has_model(project.plan):
            self._inference.start(waiting)
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
        wanted = self.would_accept(cluster, confidence)
        if not wanted:
            raise ProjectError(f"No untouched image of {cluster} is as sure as {confidence:.0%}; nothing is accepted.")
        self.accept_seen(wanted, cluster)

    def accept_seen(self, wanted: Sequence[str], of: str) -> None:
        """Accept the proposals of images that a person has looked at together, in the background.

        Parameters
        ----------
        wanted : sequence of str
            Those that were touched meanwhile are left out.
        of : str
            What they have in common: a cluster's full name, or the search they were found by.
        """
        table = self._opened.table
        if not wanted or not table.flush():
            return
        step, wanted = _Step(of), tuple(wanted)
        job = Job(ACCEPT, lambda: self._accept(table, step, wanted), key=ACCEPT, lane=ACCEPT)
        job.failed.connect(lambda message, _error: self._signals.failed.emit(message))
        job.ended.connect(lambda: self._ended(table, step, len(wanted)))
        self._jobs.submit(job)

    def _accept(self, table: Table, step: _Step, wanted: tuple[str, ...]) -> Steps[None]:
        """Read the proposals one by one, and have each accepted in the session's thread.

        The next one comes when that is done: between two of them the window does whatever else waits there.
        """
        for number, image_id in enumerate(wanted, 1):
            values, taken = proposed(table.project, image_id), Event()
            if values is not None:
                self._jobs.dispatch(partial(self._take_one, table, step, image_id, values, taken))
                while not taken.wait(PATIENCE):
                    yield Progress(ACCEPT, number - 1, len(wanted), image_id)
            yield Progress(ACCEPT, number, len(wanted), image_id)

    def _take_one(self, table: Table, step: _Step, image_id: str, values: NDArray[np.uint8], taken: Event) -> None:
        try:
            self._accept_one(table, step, image_id, values)
        finally:
            taken.set()

    def _accept_one(self, table: Table, step: _Step, image_id: str, values: NDArray[np.uint8]) -> None:
        project = table.project
        if not self._opened.holds(table) or project.catalog.state(image_id) not in UNTOUCHED:
            return  # the person was quicker
        if project.masks.any(image_id):  # also of an image that was skipped afterwards
            return
        if image_id == table.image_id and table.mask_is_touched:
            return
        source = proposal_source(project, resolve(project, project.plan, image_id))
        sources = Sources.uniform(values.shape, source)
        try:
            with project.review.as_one_step(step.group) as step.group:
                project.review.accept(image_id, values, {BATCH: step.cluster, "model": source.key}, sources)
        except WsssError as reason:
            self._signals.failed.emit(f"{image_id} was left out: {reason}")
            return
        step.accepted.append(image_id)
        table.tell_state(image_id)  # now, in this turn of the window: of a whole page it would be one long call

    def _ended(self, table: Table, step: _Step, wanted: int) -> None:
        if not self._opened.holds(table):
            return
        if table.image_id in step.accepted:
            self._navigation.go_to(table.image_id)  # shows the accepted mask
        left_out = wanted - len(step.accepted)
        remark = f"; {left_out} left out (no proposal of the plan of now)" if left_out else ""
        hint = ". Backspace takes it back." if step.accepted else "."
        self._signals.notice.emit(f"Accepted {counted(len(step.accepted), 'image')} of {step.cluster}{remark}{hint}")
        self.done.emit(step.cluster, len(step.accepted), left_out)
