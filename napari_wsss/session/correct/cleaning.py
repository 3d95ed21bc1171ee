"""Cleaning the mask with a look before: what the chosen steps would change, computed in the background."""

from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray
from psygnal import Signal

from napari_wsss.core.masks import Mask
from napari_wsss.core.progress import Progress, Steps
from napari_wsss.core.sources import Source
from napari_wsss.pixels.cleanup import CleanUp, changed_regions, clean
from napari_wsss.session.correct.propagation import mask_so_far
from napari_wsss.session.jobs import Job, Jobs
from napari_wsss.session.review.decisions import Decisions
from napari_wsss.session.signals import Signals
from napari_wsss.session.table.opened import Opened
from napari_wsss.session.table.table import Table

JOB = "clean-up"


@dataclass(frozen=True)
class Preview:
    """What cleaning would make of the mask.

    Parameters
    ----------
    mask : (H, W) uint8
        The layer's mask it was computed from.
    before, after : (H, W) uint8
        What is cleaned (the mask, or the proposal while nothing was drawn), and the result.
    steps : CleanUp
    pixels, regions : int
        How many would change.
    """

    mask: Mask
    before: Mask
    after: Mask
    steps: CleanUp
    pixels: int
    regions: int

    def text(self) -> str:
        """Return one line for a person."""
        if not self.pixels:
            return "Would change nothing."
        return f"Would change {self.pixels:,} px in {self.regions:,} region{'s' * (self.regions != 1)}."


class Cleaning:
    """Clean-up of the shown mask.

    Parameters
    ----------
    opened : Opened
    decisions : Decisions
        Says where a proposal comes from.
    jobs : Jobs
    signals : Signals

    Attributes
    ----------
    steps : CleanUp
    only : int, optional
        A mask value to which the changes are confined.
    protect : bool
        Leave every pixel that a person drew.
    preview : Preview, optional
        None while nothing is asked for; the old one stays until the new one is whole.
    preview_changed : Signal(str)
    busy_changed : Signal(bool)
    """

    preview_changed = Signal(str)
    busy_changed = Signal(bool)

    def __init__(self, opened: Opened, decisions: Decisions, jobs: Jobs, signals: Signals) -> None:
        self._opened, self._decisions, self._jobs, self._signals = opened, decisions, jobs, signals
        self.steps = CleanUp()
        self.only: int | None = None
        self.protect = True
        self.preview: Preview | None = None
        signals.image_changed.connect(self.cancel)
        signals.project_closed.connect(self.cancel)
        signals.save_state_changed.connect(self._follow)

    @property
    def busy(self) -> bool:
        """True while a preview is on its way."""
        job = self._jobs.find(JOB)
        return job is not None and not job.is_over

    def ask(self, steps: CleanUp, only: int | None = None, protect: bool = True) -> None:
        """Compute what these steps would change; `preview_changed` tells when it is there."""
        self.steps, self.only, self.protect = steps, only, protect
        table = self._opened.or_none
        if not steps.does_anything or table is None or not table.image_id:
            self.cancel()
            return
        image_id, mask = table.image_id, table.mask.copy()
        protected = table.person_pixels.copy() if protect else None
        run = partial(_previewed, table.image, mask, mask_so_far(table), steps, only, protected)
        job = Job(JOB, run, key=JOB, lane=JOB, quiet=True)
        job.succeeded.connect(lambda preview: self._arrived(table, image_id, preview))
        job.failed.connect(lambda message, _: self._signals.failed.emit(message))
        job.ended.connect(lambda: self.busy_changed.emit(self.busy))
        self._jobs.submit(job)
        self.busy_changed.emit(True)

    def cancel(self, _image_id: str = "") -> None:
        """Forget the preview; nothing was changed."""
        self._jobs.cancel(JOB)
        self.steps = CleanUp()
        if self.preview is not None:
            self.preview = None
            table = self._opened.or_none
            self.preview_changed.emit(table.image_id if table is not None else "")

    def apply(self) -> bool:
        """Make the preview the mask, as one step; return False when there is nothing to change."""
        preview, table = self.preview, self._opened.or_none
        if preview is None or table is None or table.mask.shape != preview.after.shape:
            return False
        values = np.where(table.mask != preview.mask, table.mask, preview.after)  # what was painted since then stays
        self.cancel()
        on_proposal = not np.array_equal(preview.before, preview.mask)
        ground = self._decisions.proposal_as_mask() if on_proposal else None
        table.replace_mask(values, _source(preview.steps), ground=ground)
        self._signals.notice.emit(f"Cleaned {preview.pixels:,} px; Ctrl+Z takes it back.")
        return True

    def _arrived(self, table: Table, image_id: str, preview: Preview) -> None:
        if self._opened.holds(table) and image_id == table.image_id and self.steps.does_anything:
            self.preview = preview
            self.preview_changed.emit(image_id)

    def _follow(self, _state: object) -> None:
        """Compute the preview again after a stroke."""
        preview = self.preview
        if preview is not None and not np.array_equal(self._opened.table.mask, preview.mask):
            self.ask(self.steps, self.only, self.protect)


def _previewed(
    image: NDArray[np.uint8],
    mask: Mask,
    before: Mask,
    steps: CleanUp,
    only: int | None,
    protected: NDArray[np.bool_] | None,
) -> Steps[Preview]:
    yield Progress(JOB, 0, 1)
    after = clean(image, before, steps, only, protected)
    return Preview(mask, before, after, steps, *changed_regions(before, after))


def _source(steps: CleanUp) -> Source:
    names = {"snap": "snap to edges", "smooth": "smooth", "hole": "fill holes", "smallest": "drop small regions"}
    chosen = {name: getattr(steps, name) for name in names if getattr(steps, name)}
    return Source("clean-up", method=", ".join(names[name] for name in chosen), parameters=chosen)
