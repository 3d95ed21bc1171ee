"""From scribbles to a mask, in the background: the latest request wins, and a person's pixels are seeds too.

While a person has not touched the mask, scribbles correct the proposal on the screen, so it is what the result starts
from; afterwards it is the mask.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from psygnal import Signal

from napari_wsss.core.background import DEFAULT_THRESHOLD
from napari_wsss.core.classes import BACKGROUND
from napari_wsss.core.maps import ActivationMaps
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
from napari_wsss.pixels.superpixels import Superpixels, find_superpixels
from napari_wsss.session.jobs import Job

if TYPE_CHECKING:
    from napari_wsss.session.session import Session

Mask = NDArray[np.uint8]
Flags = NDArray[np.bool_]
JOB = "propagate"


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


def mask_so_far(session: Session) -> Mask:
    """Return a copy of the shown mask (H, W) uint8, or of the proposal while nothing was drawn into the mask."""
    mask, proposal = session.mask, session.proposal
    assert mask is not None
    if proposal is None or mask.any() or persons_pixels(session).any() or is_accepted(session):
        return mask.copy()
    return proposal.copy()


def is_accepted(session: Session) -> bool:
    """True when the shown image has an accepted mask, which may well be empty."""
    return bool(session.project and session.current_id and session.project.has_accepted(session.current_id))


def persons_pixels(session: Session) -> Flags:
    """Return (H, W) bool: the pixels of the shown mask that a person drew."""
    assert session.mask is not None
    person = session.person_pixels
    return np.zeros(session.mask.shape, bool) if person is None else person


class Propagation:
    """Propagates the scribbles of the shown image.

    Attributes
    ----------
    around : bool
        Change only what hangs together with the scribbles, or the whole image.
    strength : float in [0, 1]
        How much activation maps are believed.
    busy_changed : Signal(bool)
    """

    busy_changed = Signal(bool)

    def __init__(self, session: Session) -> None:
        self._session = session
        self._patches: tuple[str, Superpixels] | None = None
        self.around = True
        self.strength = DEFAULT_STRENGTH
        session.image_changed.connect(self._forget)
        session.project_closed.connect(self._forget)

    @property
    def busy(self) -> bool:
        """True while a result is on its way."""
        job = self._session.jobs.find(JOB)
        return job is not None and not job.is_over

    @property
    def source(self) -> Source:
        """Who makes the pixels of a result."""
        scope = "around" if self.around else "whole image"
        return Source("propagated", method="random walk", parameters={"scope": scope, "maps": round(self.strength, 3)})

    def start(self) -> bool:
        """Propagate the scribbles into the mask, as one step. Return False, and say why, when there are none."""
        request = self._request()
        if request is None:
            self._session.notice.emit("Scribble on a few things first (O), then propagate.")
            return False
        image_id, source = str(self._session.current_id), self.source
        job = Job("propagate scribbles", partial(self._answer, image_id, request), key=JOB, lane=JOB, quiet=True)
        job.succeeded.connect(lambda values: self._arrived(image_id, request, values, source))
        job.failed.connect(lambda message, _: self._session.failed.emit(message))
        job.ended.connect(self._tell_busy)
        self._session.jobs.submit(job)
        self.busy_changed.emit(True)
        return True

    def prepare(self) -> None:
        """Look at the shown image now, so that the first result comes as fast as the others."""
        session = self._session
        if session.image is not None and session.current_id is not None and self._known() is None:
            find = partial(self._find_patches, session.current_id, session.image)
            session.jobs.submit(Job("look at the image", find, lane=JOB, quiet=True))

    def _request(self) -> Request | None:
        session = self._session
        classes, mask, image, drawn = session.classes, session.mask, session.image, session.scribbles.values
        if classes is None or mask is None or image is None or drawn is None or not drawn.any():
            return None
        seeds, seeded = as_seeds(drawn.copy(), classes)
        return Request(
            pixels=image,
            seeds=seeds,
            seeded=seeded,
            mask=mask.copy(),
            before=mask_so_far(session),
            person=persons_pixels(session),
            maps=session.maps,
            threshold=session.threshold or DEFAULT_THRESHOLD,
            strength=self.strength,
            around=self.around,
        )

    def _answer(self, image_id: str, request: Request) -> Steps[Mask]:
        patches = yield from self._find_patches(image_id, request.pixels)
        yield Progress(JOB, 1, 2)
        return request.answer(patches)

    def _find_patches(self, image_id: str, pixels: NDArray[np.uint8]) -> Steps[Superpixels]:
        yield Progress(JOB, 0, 2)
        known = self._patches  # one thread runs all of these
        if known is None or known[0] != image_id:
            known = self._patches = (image_id, find_superpixels(pixels))
        return known[1]

    def _known(self) -> Superpixels | None:
        known = self._patches
        return known[1] if known is not None and known[0] == self._session.current_id else None

    def _arrived(self, image_id: str, request: Request, values: Mask, source: Source) -> None:
        session = self._session
        if image_id != session.current_id or session.mask is None:
            return
        values = np.where(session.mask != request.mask, session.mask, values)  # what was painted since then stays
        changed = int(np.count_nonzero(values != session.mask))
        session.notice.emit(f"Propagated: {changed:,} pixels changed; Ctrl+Z takes it back.")
        on_proposal = not np.array_equal(request.before, request.mask)
        session.replace_mask(values, source, ground=session.proposal_as_mask() if on_proposal else None)

    def _tell_busy(self) -> None:
        self.busy_changed.emit(self.busy)

    def _forget(self, _image_id: str = "") -> None:
        self._session.jobs.cancel(JOB)
