"""The automatic background strength follows the model and what a person decided, without being asked.

While maps are computed for a model it was not yet estimated for, those that are there tell it; proposals of undecided
images are then drawn anew. Whatever a person chose stays.
"""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from napari_wsss.core.background import AutomaticBackground
from napari_wsss.core.errors import StepError
from napari_wsss.core.plural import counted
from napari_wsss.pipeline.background import ENOUGH, SAMPLE, estimate_background, sample_of, wants_estimate
from napari_wsss.session.jobs import Job, Jobs
from napari_wsss.session.proposals.inference import Inference
from napari_wsss.session.proposals.sliders import Sliders
from napari_wsss.session.signals import Signals
from napari_wsss.session.table.opened import Opened
from napari_wsss.session.table.table import Table

BACKGROUND = "background"


class AutomaticStrength:
    """Estimates the background strength of the open project in the background.

    Parameters
    ----------
    opened : Opened
    inference : Inference
        Tells which images have maps now, and draws them anew.
    sliders : Sliders
        Change the plan.
    jobs : Jobs
    signals : Signals
    """

    def __init__(self, opened: Opened, inference: Inference, sliders: Sliders, jobs: Jobs, signals: Signals) -> None:
        self._opened, self._inference, self._sliders = opened, inference, sliders
        self._jobs, self.signals = jobs, signals
        self._ready: dict[str, None] = {}

    def begin(self) -> None:
        """Know of no maps yet: another project."""
        self._ready.clear()

    def take(self, finished: Sequence[str]) -> None:
        """Note images that have maps now; estimate when they are enough for the first time, and when they are many."""
        before = len(self._ready)
        self._ready.update(dict.fromkeys(finished))
        if any(before < enough <= len(self._ready) for enough in (ENOUGH, SAMPLE)):
            self.estimate(tuple(self._ready))

    def settle(self) -> None:
        """Estimate from all there is: no more maps are being computed."""
        if len(self._ready) >= ENOUGH:
            self.estimate(sample_of(self._opened.table.project))

    def estimate(self, ids: Sequence[str]) -> bool:
        """Estimate from the maps of images where that says more than what is known; return False where it does not."""
        table = self._opened.table
        project = table.project
        try:
            wanted = not project.read_only and wants_estimate(project, images=len(ids))
        except StepError:  # the model is gone; proposals say so
            return False
        if wanted:
            work = partial(estimate_background, project, ids)
            job = Job("background strength", work, key=BACKGROUND, lane=BACKGROUND, quiet=True)
            job.succeeded.connect(lambda found: self._found(table, found))
            self._jobs.submit(job)
        return wanted

    def _found(self, table: Table, found: AutomaticBackground) -> None:
        if not self._opened.holds(table) or found == table.plan.automatic:
            return
        self._sliders.keep()
        self._sliders.change_plan(replace(table.plan, automatic=found))
        told = f"The automatic background threshold is {found.threshold:.2f} now, by {counted(found.images, 'image')}."
        self.signals.notice.emit(told)
        self._inference.refine()
