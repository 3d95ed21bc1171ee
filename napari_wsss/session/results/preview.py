"""Live sliders of slow refiners: the shown image refined in the background, at half size first.

The newest request counts. While requests keep coming, each first look (at half the size) is finished and shown, so
that a moving slider always has an answer; the whole image follows once nothing new was asked for a moment, and stops
when something is. What a chain's first steps gave is kept, so that only the changed step and those after it run again.
Nothing is stored.
"""

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_wsss.core.evidence import Evidence
from napari_wsss.core.maps import ActivationMaps
from napari_wsss.core.masks import Mask
from napari_wsss.core.plan import Plan, Step
from napari_wsss.core.progress import Progress, Steps
from napari_wsss.pipeline.chain import drawn, handed_on, refiner_for
from napari_wsss.session.jobs import Job, Jobs
from napari_wsss.session.results.halved import FACTOR, HalvedEvidence, doubled_mask, halved_image, halved_maps

PREVIEW = "preview"
REST = 0.3
"""Seconds without a newer request after which the whole image is refined."""
SMALL = 40_000
"""Pixels up to which an image is refined at once at its full size."""
QUICK = 0.1
"""Seconds below which a chain needs no first look."""
_TICK = 0.02


@dataclass(frozen=True, eq=False)
class Subject:
    """What is refined.

    Parameters
    ----------
    image_id : str
    pixels : (H, W, 3) uint8
    maps : ActivationMaps
        Base maps (K, H, W).
    evidence : Evidence
        What the steps may ask for.
    """

    image_id: str
    pixels: NDArray[np.uint8]
    maps: ActivationMaps
    evidence: Evidence


@dataclass(frozen=True)
class _Request:
    subject: Subject
    plan: Plan
    steps: tuple[Step, ...]
    is_last: bool


@dataclass(frozen=True, eq=False)
class _Done:
    """A step of a chain, what it gave, and what the next one is given of it."""

    step: Step
    maps: ActivationMaps
    given: ActivationMaps


class Chain:
    """Runs chains of refiners over one image at one scale, the unchanged first steps from what is kept.

    Parameters
    ----------
    subject : Subject
    scale : float
        Size of the subject beside the image's own.
    """

    def __init__(self, subject: Subject, scale: float = 1.0) -> None:
        self.subject, self._scale = subject, scale
        self._kept: list[_Done] = []

    def run(self, steps: Sequence[Step]) -> Steps[ActivationMaps]:
        """Return the maps after a chain; closing the generator keeps the steps that were finished."""
        subject = self.subject
        same = 0
        while same < min(len(steps), len(self._kept)) and self._kept[same].step == steps[same]:
            same += 1
        del self._kept[same:]
        maps, given = (self._kept[-1].maps, self._kept[-1].given) if same else (subject.maps, subject.maps)
        for step in steps[same:]:
            yield Progress(PREVIEW, len(self._kept), len(steps))
            refiner = refiner_for(step, maps.classes)
            if refiner is not None:
                maps = yield from refiner.at_scale(self._scale).steps(subject.pixels, given, subject.evidence)
                given = handed_on(refiner, maps)
            self._kept.append(_Done(step, maps, given))
        return maps


def half_of(subject: Subject) -> Subject:
    """Return the subject at half its size."""
    halves = halved_image(subject.pixels), halved_maps(subject.maps)
    return Subject(subject.image_id, *halves, HalvedEvidence(subject.evidence))


class Preview:
    """Draws the pseudo mask of one image under changing chains; all methods belong to the session's thread.

    Parameters
    ----------
    jobs : Jobs
        Runs the work in a lane of its own.
    show : callable
        Called with the image's id, a mask (H, W) uint8 and its plan, first looks included, newer ones later.
    tell : callable
        Called when drawing begins or ends.
    fail : callable
        Called with one line when a chain cannot be computed.
    """

    def __init__(
        self,
        jobs: Jobs,
        show: Callable[[str, Mask, Plan], object],
        tell: Callable[[], object],
        fail: Callable[[str], object],
    ) -> None:
        self._jobs, self._show, self._tell, self._fail = jobs, show, tell, fail
        self._lock = threading.Lock()
        self._next: _Request | None = None
        self._job: Job | None = None
        self._subject: Subject | None = None
        # Only touched by the lane's thread.
        self._chains: tuple[Subject | None, Chain | None, Chain | None] = (None, None, None)
        self._seconds: dict[tuple[str, ...], float] = {}

    @property
    def is_busy(self) -> bool:
        """True while something is being drawn."""
        return self._job is not None

    def request(self, subject: Subject, plan: Plan, steps: Sequence[Step], is_last: bool = False) -> None:
        """Draw a chain over the subject; a newer request overtakes it.

        Parameters
        ----------
        plan : Plan
            The one that has these steps, handed back with what was drawn.
        is_last : bool
            True when a slider was let go: the whole image is refined at once.
        """
        self._subject = subject
        with self._lock:
            self._next = _Request(subject, plan, tuple(steps), is_last)
        if self._job is None:
            self._start()

    def forget(self) -> None:
        """Draw nothing more and let go of what was kept (another image is shown)."""
        self._subject = None
        with self._lock:
            self._next = None
        if self._job is not None:
            self._job.cancel()

    def _start(self) -> None:
        job = self._job = Job("refine", self._work, key=PREVIEW, lane=PREVIEW, quiet=True)
        job.failed.connect(lambda message, _: self._fail(message))
        job.ended.connect(self._ended)
        self._jobs.submit(job)
        self._tell()

    def _ended(self) -> None:
        self._job = None
        if self._next is not None:  # asked for while the job was ending
            self._start()
        else:
            self._tell()

    # -- in the background ------------------------------------------------------------------------------------

    def _take(self) -> _Request | None:
        with self._lock:
            request, self._next = self._next, None
            return request

    def _work(self) -> Steps[None]:
        self._drop_chains_of_others()
        while (request := self._take()) is not None:
            yield Progress(PREVIEW)
            yield from self._draw(request)

    def _drop_chains_of_others(self) -> None:
        if self._chains[0] is not self._subject:
            self._chains = (None, None, None)

    def _draw(self, request: _Request) -> Steps[None]:
        whole, half = self._chains_of(request)
        if half is not None and not request.is_last:
            self._deliver(request, half.subject, (yield from half.run(request.steps)))
            if (yield from self._is_overtaken()):
                return
        begin = time.perf_counter()
        running = whole.run(request.steps)
        try:
            while True:
                yield next(running)
                if self._next is not None and half is not None:
                    return
        except StopIteration as stop:
            methods = tuple(step.method for step in request.steps)
            self._seconds[methods] = time.perf_counter() - begin
            self._deliver(request, request.subject, stop.value)
        finally:
            running.close()

    def _chains_of(self, request: _Request) -> tuple[Chain, Chain | None]:
        """Return the chains at full and at half size, None where a first look does not pay."""
        subject, whole, half = self._chains
        if subject is not request.subject or whole is None:
            whole, half = Chain(request.subject), None
        height, width = request.subject.maps.size
        seconds = self._seconds.get(tuple(step.method for step in request.steps), QUICK)
        pays = height * width > SMALL and seconds >= QUICK
        if half is None and pays:
            half = Chain(half_of(request.subject), FACTOR)
        self._chains = (request.subject, whole, half)
        return whole, half if pays else None

    def _is_overtaken(self) -> Steps[bool]:
        """Rest; return True as soon as there is a newer request."""
        begin = time.perf_counter()
        while self._next is None and time.perf_counter() - begin < REST:
            time.sleep(_TICK)
            yield Progress(PREVIEW)
        return self._next is not None

    def _deliver(self, request: _Request, subject: Subject, maps: ActivationMaps) -> None:
        """Show what a chain gave of the request's subject, or of that at half its size."""
        if maps.background is None:  # nothing decides what is background
            return
        methods = (step.method for step in request.steps)
        mask = drawn(maps, subject.maps, methods, request.plan.every_pixel).mask
        if subject is not request.subject:
            mask = doubled_mask(mask, request.subject.maps.size)
        self._jobs.dispatch(lambda: self._arrived(request, mask))

    def _arrived(self, request: _Request, mask: Mask) -> None:
        if request.subject is self._subject:
            self._show(request.subject.image_id, mask, request.plan)
