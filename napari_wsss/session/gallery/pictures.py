"""Pictures of images with the contour of a class's map, or their proposal, made in the background for what is seen."""

import threading
from collections import OrderedDict
from functools import partial
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from psygnal import Signal

from napari_wsss.core.errors import WsssError
from napari_wsss.core.progress import Progress, Steps
from napari_wsss.project.project import Project
from napari_wsss.session.jobs import Job, Jobs
from napari_wsss.session.pictures.contours import with_contour
from napari_wsss.session.pictures.drawing import small_picture, with_mask
from napari_wsss.session.results import stages
from napari_wsss.session.results.machine import proposed
from napari_wsss.session.results.shown import resolve
from napari_wsss.session.review.mismatch import Mismatch
from napari_wsss.session.signals import Signals
from napari_wsss.session.table.opened import Opened

GALLERY = "gallery pictures"
KEPT = 400
WISHES = 120

Pixels = NDArray[np.uint8]


class Wish(NamedTuple):
    """A picture somebody wants: which image, the class whose map is drawn in ("": the proposal), its longer side."""

    image_id: str
    class_name: str
    side: int


class GalleryPictures:
    """The pictures of one session's gallery; touched in the thread that owns the session only.

    Parameters
    ----------
    opened : Opened
    jobs : Jobs
    signals : Signals

    Attributes
    ----------
    ready : Signal(object)
        The picture of this `Wish` was made.
    """

    ready = Signal(object)

    def __init__(self, opened: Opened, jobs: Jobs, signals: Signals) -> None:
        self._opened, self._jobs = opened, jobs
        self._lock = threading.Lock()
        self._wishes: OrderedDict[Wish, int] = OrderedDict()
        self._pictures: OrderedDict[Wish, Pixels | None] = OrderedDict()
        self._lacking: dict[str, tuple[str, ...]] = {}
        self._age = 0
        for signal in (signals.project_opened, signals.project_closed, signals.classes_changed):
            signal.connect(self._clear)
        signals.maps_ready.connect(self._outdate)

    def get(self, image_id: str, class_name: str, side: int) -> Pixels | None:
        """Return a picture (h, w, 3) uint8, None when it cannot be made or is not there yet (then `ready` tells)."""
        wish = Wish(image_id, class_name, side)
        if wish in self._pictures:
            self._pictures.move_to_end(wish)
            return self._pictures[wish]
        with self._lock:
            self._wishes[wish] = self._age
            self._wishes.move_to_end(wish)
            while len(self._wishes) > WISHES:
                self._wishes.popitem(last=False)
        self._start()
        return None

    def lacking(self, image_id: str) -> tuple[str, ...]:
        """Return the labelled classes of which the proposal has no pixel, () while no picture of it was made."""
        return self._lacking.get(image_id, ())

    def _outdate(self, image_id: str) -> None:
        self._lacking.pop(image_id, None)
        for wish in [wish for wish in self._pictures if wish.image_id == image_id]:
            del self._pictures[wish]
            self.ready.emit(wish)  # whoever shows it asks again

    def _clear(self) -> None:
        self._age += 1
        self._pictures.clear()
        self._lacking.clear()
        with self._lock:
            self._wishes.clear()

    def _start(self) -> None:
        table, running = self._opened.or_none, self._jobs.find(GALLERY)
        if table is None or (running is not None and running.state != "cancelling"):
            return
        project = table.project
        job = Job(GALLERY, lambda: self._make(project), key=GALLERY, lane=GALLERY, quiet=True)
        job.ended.connect(lambda: self._ended(job))
        self._jobs.submit(job)

    def _ended(self, job: Job) -> None:
        if job.state == "done" and self._wishes:  # wished for while the job was ending
            self._start()

    def _make(self, project: Project) -> Steps[None]:
        done = 0
        while (taken := self._take()) is not None:
            wish, age = taken
            made = (
                (picture_with_contour(project, wish), ()) if wish.class_name else picture_with_proposal(project, wish)
            )
            self._jobs.dispatch(partial(self._made, wish, age, *made))
            done += 1
            yield Progress(GALLERY, done, done + len(self._wishes), wish.image_id)

    def _take(self) -> tuple[Wish, int] | None:
        """Remove and return the newest wish."""
        with self._lock:
            return self._wishes.popitem() if self._wishes else None

    def _made(self, wish: Wish, age: int, picture: Pixels | None, lacking: tuple[str, ...]) -> None:
        if age != self._age:
            return
        if not wish.class_name:
            self._lacking[wish.image_id] = lacking
        self._pictures[wish] = picture
        while len(self._pictures) > KEPT:
            self._pictures.popitem(last=False)
        self.ready.emit(wish)


def picture_with_contour(project: Project, wish: Wish) -> Pixels | None:
    """Return an image (h, w, 3) uint8 with the contour of a class's map; None when the image cannot be read."""
    try:
        path = project.image_path(wish.image_id)
        picture = small_picture(path, wish.side, project.deep_percentiles, project.channels)
        maps = stages.base_maps(project, resolve(project, project.plan, wish.image_id))
    except (WsssError, OSError):  # the gallery shows a grey field then
        return None
    classes = project.classes
    if maps is None or wish.class_name not in classes.names or classes.index(wish.class_name) not in maps.classes:
        return picture
    scores = maps.scores[maps.classes.index(classes.index(wish.class_name))]
    colour = np.asarray(classes.colour(wish.class_name)[:3])
    bright = np.rint(255 * colour / max(float(colour.max()), 1 / 255)).astype(np.uint8)  # dark ones would not show
    return with_contour(picture, scores, bright)


def picture_with_proposal(project: Project, wish: Wish) -> tuple[Pixels | None, tuple[str, ...]]:
    """Return an image (h, w, 3) uint8 with its proposal (None: cannot be read), and the labels that has no pixel of."""
    try:
        path = project.image_path(wish.image_id)
        picture = small_picture(path, wish.side, project.deep_percentiles, project.channels)
        mask = proposed(project, wish.image_id)
        if mask is None:
            return picture, ()
        lacking = Mismatch.of(project.catalog.get(wish.image_id), project.classes, mask).missing
    except (WsssError, OSError):
        return None, ()
    return with_mask(picture, mask, project.classes.screen, tinted=False), lacking
