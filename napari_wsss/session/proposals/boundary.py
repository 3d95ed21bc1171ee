"""Looking at class boundaries: those the applied affinity network sees in the shown image, while they are wanted."""

from __future__ import annotations

from functools import partial

import numpy as np
from numpy.typing import NDArray

from napari_wsss.core.plan import Plan
from napari_wsss.session.jobs import Job
from napari_wsss.session.models.applied import Models
from napari_wsss.session.results import stages
from napari_wsss.session.signals import reported

BOUNDARY = "boundary"


class BoundaryView(Models):
    """The boundaries of the shown image."""

    _boundary: NDArray[np.float32] | None = None
    _boundary_wanted: bool = False

    @property
    def boundary(self) -> NDArray[np.float32] | None:
        """Boundaries (h, w) float32 in [0, 1] on a grid over the shown image; None when not wanted or not known."""
        return self._boundary

    @property
    def boundary_wanted(self) -> bool:
        """True while boundaries are shown with every image."""
        return self._boundary_wanted

    @reported
    def show_boundary(self, wanted: bool) -> bool:
        """Show the boundaries of the shown image and of those that follow, or stop showing them.

        They are computed in the background; `boundary_changed` tells when they are there.
        """
        self._boundary_wanted = wanted
        self._ask_for_boundary()
        return True

    def _arrived(self, image_id: str) -> None:
        super()._arrived(image_id)
        self._ask_for_boundary()

    def _change_plan(self, plan: Plan) -> bool:
        before = (self.plan.affinity, self.plan.affinity_checkpoint)
        changed = super()._change_plan(plan)
        if changed and before != (plan.affinity, plan.affinity_checkpoint):
            self._ask_for_boundary()
        return changed

    def _ask_for_boundary(self) -> None:
        if self._boundary is not None:
            self._boundary = None
            self.boundary_changed.emit(self.current_id or "")
        project, image_id = self.project, self.current_id
        if not self._boundary_wanted or project is None or image_id is None:
            return
        job = Job(BOUNDARY, partial(stages.boundary, project, image_id), key=BOUNDARY, lane=BOUNDARY, quiet=True)
        job.succeeded.connect(lambda values: self._boundary_found(image_id, values))
        job.failed.connect(lambda message, _error: self._boundary_failed(message))
        self.jobs.submit(job)

    def _boundary_found(self, image_id: str, values: NDArray[np.float32]) -> None:
        if image_id == self.current_id and self._boundary_wanted:
            self._boundary = values
            self.boundary_changed.emit(image_id)

    def _boundary_failed(self, message: str) -> None:
        self._boundary_wanted = False  # once is enough: the next images would fail for the same reason
        self.failed.emit(message)
        self.boundary_changed.emit(self.current_id or "")
