"""Looking at class boundaries: those the applied affinity network sees in the shown image, while they are wanted."""

from functools import partial

import numpy as np
from numpy.typing import NDArray

from napari_wsss.core.plan import Plan
from napari_wsss.session.jobs import Job, Jobs
from napari_wsss.session.results import stages
from napari_wsss.session.signals import Signals, reported
from napari_wsss.session.table.opened import Opened
from napari_wsss.session.table.table import Table

BOUNDARY = "boundary"


class Boundaries:
    """The boundaries of the shown image.

    Parameters
    ----------
    opened : Opened
    jobs : Jobs
    signals : Signals

    Attributes
    ----------
    wanted : bool
        True while boundaries are shown with every image.
    values : (h, w) float32 in [0, 1] or None
        Those of the shown image on a grid over it; None when not wanted or not known.
    """

    def __init__(self, opened: Opened, jobs: Jobs, signals: Signals) -> None:
        self._opened, self._jobs, self.signals = opened, jobs, signals
        self.wanted = False
        self.values: NDArray[np.float32] | None = None

    @reported
    def show(self, wanted: bool) -> bool:
        """Show the boundaries of the shown image and of those that follow, or stop showing them.

        They are computed in the background; `boundary_changed` tells when they are there.
        """
        self.wanted = wanted
        self.begin()
        return True

    def begin(self, _image_id: str = "") -> None:
        """Have the boundaries of the image on the table computed, if they are wanted; forget those of another."""
        table = self._opened.table
        if self.values is not None:
            self.values = None
            self.signals.boundary_changed.emit(table.image_id)
        if not self.wanted or not table.image_id:
            return
        work = partial(stages.boundary, table.project, table.image_id)
        job = Job(BOUNDARY, work, key=BOUNDARY, lane=BOUNDARY, quiet=True)
        job.succeeded.connect(partial(self._found, table, table.image_id))
        job.failed.connect(lambda message, _error: self._failed(message))
        self._jobs.submit(job)

    def follow_plan(self, before: Plan) -> None:
        """Compute anew when another affinity network is applied."""
        plan = self._opened.table.plan
        if (before.affinity, before.affinity_checkpoint) != (plan.affinity, plan.affinity_checkpoint):
            self.begin()

    def _found(self, table: Table, image_id: str, values: NDArray[np.float32]) -> None:
        if self._opened.holds(table) and image_id == table.image_id and self.wanted:
            self.values = values
            self.signals.boundary_changed.emit(image_id)

    def _failed(self, message: str) -> None:
        self.wanted = False  # once is enough: the next images would fail for the same reason
        self.signals.failed.emit(message)
        table = self._opened.or_none
        self.signals.boundary_changed.emit(table.image_id if table is not None else "")
