"""From scribbles to a mask, in the background: the latest request wins, and a person's pixels are seeds too.

While a person has not touched the mask, scribbles correct the proposal on the screen, so it is what the result starts
from; afterwards it is the mask.
"""

from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray
from psygnal import Signal

from napari_wsss.core.background import DEFAULT_THRESHOLD
from napari_wsss.core.classes import BACKGROUND
from napari_wsss.core.maps import ActivationMaps
from napari_wsss.core.masks import Mask
from napari_wsss.core.plural import counted
from napari_wsss.core.progress import Progress, Steps
from napari_wsss.core.scribbles import as_seeds
from napari_wsss.core.sources import Source
from napari_wsss.pixels.propagate import (
    DEFAULT_STRENGTH,
    Prior,
    around_scribbles,
    blended,
    prior_of,
    prior_of_mask,
    propagate,
)
from napari_wsss.pixels.superpixels import Superpixels
from napari_wsss.session.correct.patches import LANE, Patches
from napari_wsss.session.correct.scribbles import Scribbles
from napari_wsss.session.jobs import Job, Jobs
from napari_wsss.session.review.decisions import Decisions
from napari_wsss.session.signals import Signals
from napari_wsss.session.table.opened import Opened
from napari_wsss.session.table.table import Table

Flags = NDArray[np.bool_]
JOB = LANE


@dataclass(frozen=True)
class Request:
    """Everything a propagation needs, as it was when a person asked.

    Parameters
    ----------
    pixels : (H, W, 3) uint8 RGB
    seeds, seeded : (H, W) uint8, (H, W) bool
        The scribbles.
    mask : (H, W) uint8
        The layer's mask.
    before : (H, W) uint8
        What the result starts from: the mask, or the proposal.
    person : (H, W) bool
        Pixels of `before` that a person made.
    maps : ActivationMaps, optional
    threshold : float
    strength : float in [0, 1]
    around : bool
        True takes only what hangs together with the scribbles.
    """

    pixels: NDArray[np.uint8]
    seeds: Mask
    seeded: Flags
    mask: Mask
    before: Mask
    person: Flags
    maps: ActivationMaps | None
    threshold: float
    strength: float
    around: bool

    def prior(self) -> Prior | None:
        """Return what maps, and around the scribbles also the mask drawn so far, expect."""
        said = [int(value) for value in np.unique(self.seeds[self.seeded])]
        known = None if self.maps is None else prior_of(self.maps, self.threshold, extra=tuple(said))
        if not self.around or not self.mask.any():
            return known
        allowed = {BACKGROUND, *said} if known is None else {*known.values}
        drawn = prior_of_mask(np.where(np.isin(self.before, list(allowed)), self.before, np.uint8(BACKGROUND)))
        return drawn if known is None else blended(known, drawn)

    def answer(self, patches: Superpixels) -> Mask:
        """Return the new mask (H, W) uint8."""
        seeded = self.seeded | self.person
        seeds = np.where(self.seeded, self.seeds, self.before)
        found = propagate(self.pixels, patches, seeds, seeded, self.prior(), self.strength)
        if self.around:
            found = around_scribbles(found, self.before, self.seeded)
        return np.where(self.person & ~self.seeded, self.before, found)


def mask_so_far(table: Table) -> Mask:
    """Return a copy of the shown mask (H, W) uint8, or of the proposal while nothing was drawn into the mask."""
    mask, proposal = table.mask, table.proposal
    drawn = proposal is None or mask.any() or table.person_pixels.any()
    if proposal is None or drawn or table.project.masks.has_accepted(table.image_id):
        return mask.copy()
    return proposal.copy()


class Propagation:
    """Propagates the scribbles of the shown image.

    Parameters
    ----------
    opened : Opened
    scribbles : Scribbles
    patches : Patches
    decisions : Decisions
        Says where a proposal comes from.
    jobs : Jobs
    signals : Signals

    Attributes
    ----------
    around : bool
        Change only what hangs together with the scribbles, or the whole image.
    strength : float in [0, 1]
        How much activation maps are believed.
    busy_changed : Signal(bool)
    """

    busy_changed = Signal(bool)

    def __init__(
        self, opened: Opened, scribbles: Scribbles, patches: Patches, decisions: Decisions, jobs: Jobs, signals: Signals
    ) -> None:
        self._opened, self._scribbles, self._patches, self._decisions = opened, scribbles, patches, decisions
        self._jobs, self._signals = jobs, signals
        self.around = True
        self.strength = DEFAULT_STRENGTH
        signals.image_changed.connect(self._forget)
        signals.project_closed.connect(self._forget)

    @property
    def busy(self) -> bool:
        """True while a result is on its way."""
        job = self._jobs.find(JOB)
        return job is not None and not job.is_over

    @property
    def source(self) -> Source:
        """Who makes the pixels of a result."""
        scope = "around" if self.around else "whole image"
        return Source("propagated", method="random walk", parameters={"scope": scope, "maps": round(self.strength, 3)})

    def start(self) -> bool:
        """Propagate the scribbles into the mask, as one step. Return False, and say why, when there are none."""
        table = self._opened.or_none
        request = self._request(table) if table is not None else None
        if table is None or request is None:
            self._signals.notice.emit("Scribble on a few things first (O), then propagate.")
            return False
        image_id, source = table.image_id, self.source
        job = Job("propagate scribbles", partial(self._answer, image_id, request), key=JOB, lane=JOB, quiet=True)
        job.succeeded.connect(lambda values: self._arrived(table, image_id, request, values, source))
        job.failed.connect(lambda message, _: self._signals.failed.emit(message))
        job.ended.connect(self._tell_busy)
        self._jobs.submit(job)
        self.busy_changed.emit(True)
        return True

    def prepare(self) -> None:
        """Look at the shown image now, so that the first result comes as fast as the others."""
        self._patches.prepare()

    def _request(self, table: Table) -> Request | None:
        drawn = self._scribbles.values
        if drawn is None or not drawn.any():
            return None
        seeds, seeded = as_seeds(drawn.copy(), table.classes)
        return Request(
            pixels=table.image,
            seeds=seeds,
            seeded=seeded,
            mask=table.mask.copy(),
            before=mask_so_far(table),
            person=table.person_pixels,
            maps=table.maps,
            threshold=table.machine.threshold or DEFAULT_THRESHOLD,
            strength=self.strength,
            around=self.around,
        )

    def _answer(self, image_id: str, request: Request) -> Steps[Mask]:
        patches = yield from self._patches.found(image_id, request.pixels)
        yield Progress(JOB, 1, 2)
        return request.answer(patches)

    def _arrived(self, table: Table, image_id: str, request: Request, values: Mask, source: Source) -> None:
        if not self._opened.holds(table) or image_id != table.image_id:
            return
        values = np.where(table.mask != request.mask, table.mask, values)  # what was painted since then stays
        changed = int(np.count_nonzero(values != table.mask))
        self._signals.notice.emit(f"Propagated: {counted(changed, 'pixel')} changed; Ctrl+Z takes it back.")
        on_proposal = not np.array_equal(request.before, request.mask)
        table.replace_mask(values, source, ground=self._decisions.proposal_as_mask() if on_proposal else None)

    def _tell_busy(self) -> None:
        self.busy_changed.emit(self.busy)

    def _forget(self, _image_id: str = "") -> None:
        self._jobs.cancel(JOB)
