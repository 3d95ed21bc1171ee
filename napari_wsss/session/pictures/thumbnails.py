"""Small pictures of the images with their mask or proposal drawn in, made in the background for the rows that are seen.

Whoever draws a row asks `Thumbnails.get`; what is missing is made latest wish first, so that the rows seen now come
before those that were scrolled past. Pictures are kept in memory (bounded) and below ``results/thumbnails``, which may
be deleted at any time.
"""

import hashlib
import json
import threading
from collections import OrderedDict
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from psygnal import Signal

from napari_wsss.core.errors import WsssError
from napari_wsss.core.inside import below, not_through_links
from napari_wsss.core.progress import Progress, Steps
from napari_wsss.core.spread import spread
from napari_wsss.pipeline.lineage import Lineage, has_model
from napari_wsss.pixels.decoding.stacks import file_and_page
from napari_wsss.project.project import Project
from napari_wsss.session.jobs import Job, Jobs
from napari_wsss.session.pictures.drawing import keep_picture, kept_picture, small_picture, with_mask
from napari_wsss.session.results.machine import proposed
from napari_wsss.session.signals import Signals
from napari_wsss.session.table.opened import Opened
from napari_wsss.session.table.table import Table

THUMBNAILS = "thumbnails"
KEPT = 600
"""Pictures in memory, some 60 kB each."""
WISHES = 200
DRAWING = 1
"""To be raised when pictures are drawn in another way, so that kept ones are made again."""

Picture = NDArray[np.uint8]
Age = tuple[int, int]


class Thumbnails:
    """The pictures of one session's images; touched in the thread that owns the session only.

    Parameters
    ----------
    opened : Opened
    jobs : Jobs
    signals : Signals

    Attributes
    ----------
    ready : Signal(str)
        A picture of this image was made.
    """

    ready = Signal(str)

    def __init__(self, opened: Opened, jobs: Jobs, signals: Signals) -> None:
        self._opened, self._jobs = opened, jobs
        self._wishes = Wishes()
        self._pictures: OrderedDict[str, tuple[Age, Picture | None]] = OrderedDict()
        self._ages: dict[str, int] = {}
        self._age = 0
        self._shown = ""
        self._starting = False
        for signal in (signals.state_changed, signals.labels_changed, signals.maps_ready, signals.mask_replaced):
            signal.connect(self.outdate)
        signals.classes_changed.connect(self._on_classes)
        signals.image_changed.connect(self._on_image)
        signals.project_opened.connect(self._clear)
        signals.project_closed.connect(self._clear)

    def get(self, image_id: str) -> Picture | None:
        """Return the picture (h, w, 3) uint8 of an image; None when it is not made yet, or cannot be.

        A missing or outdated one is made in the background, then `ready` is emitted; meanwhile the old one is returned.
        """
        age, picture = self._pictures.get(image_id, (None, None))
        if age != self._age_of(image_id) and self._opened.or_none is not None:
            self._wishes.add(image_id, self._age_of(image_id))
            self._start_soon()
        elif image_id in self._pictures:
            self._pictures.move_to_end(image_id)
        return picture

    def outdate(self, image_id: str) -> None:
        """Have the picture of an image made again when it is next asked for."""
        self._ages[image_id] = self._ages.get(image_id, 0) + 1

    def outdate_all(self) -> None:
        """Have all pictures made again when they are next asked for: the plan changed."""
        self._age += 1

    def _on_classes(self) -> None:
        """Have all pictures made again at once: colours and what pixels count as may be others."""
        self.outdate_all()
        for image_id in list(self._pictures):
            self.ready.emit(image_id)

    def _age_of(self, image_id: str) -> Age:
        return self._age, self._ages.get(image_id, 0)

    def _on_image(self, image_id: str) -> None:
        if self._shown and self._shown != image_id:
            self.outdate(self._shown)  # strokes of an image that was a draft before are not told one by one
            if self._shown in self._pictures:
                self.ready.emit(self._shown)
        self._shown = image_id

    def _clear(self) -> None:
        self._wishes.clear()
        self._pictures.clear()
        self._ages.clear()
        self._shown, self._starting = "", False

    def _start_soon(self) -> None:
        """Start making pictures once the caller is done.

        A window asks for them while it paints itself, and whoever hears of a new job may want to paint too.
        """
        if not self._starting:
            self._starting = True
            self._jobs.dispatch(self._start)

    def _start(self) -> None:
        """Start the job that makes what is wished for; a running one takes later wishes too."""
        self._starting = False
        table, running = self._opened.or_none, self._jobs.find(THUMBNAILS)
        goes_on = running is not None and running.state != "cancelling" and not running.is_over
        if table is None or not len(self._wishes) or goes_on:
            return
        job = Job("thumbnails", lambda: self._make(table), key=THUMBNAILS, lane=THUMBNAILS, quiet=True)
        job.ended.connect(lambda: self._ended(job))
        self._jobs.submit(job)

    def _ended(self, job: Job) -> None:
        if job.state == "done" and len(self._wishes):  # wished for while the job was ending
            self._start()

    def _make(self, table: Table) -> Steps[None]:
        done = 0
        while (wish := self._wishes.take()) is not None:
            image_id, age = wish
            picture = picture_of(table.project, image_id)
            self._jobs.dispatch(lambda i=image_id, a=age, p=picture: self._made(table, i, a, p))  # type: ignore[misc]
            done += 1
            yield Progress(THUMBNAILS, done, done + len(self._wishes), image_id)

    def _made(self, table: Table, image_id: str, age: Age, picture: Picture | None) -> None:
        if not self._opened.holds(table):
            return
        self._pictures[image_id] = (age, picture)
        self._pictures.move_to_end(image_id)
        while len(self._pictures) > KEPT:
            self._pictures.popitem(last=False)
        self.ready.emit(image_id)


class Wishes:
    """Images that wait for their picture, the latest wish first; the oldest are given up beyond `WISHES`."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: OrderedDict[str, Age] = OrderedDict()
        self._taken: tuple[str, Age] | None = None

    def __len__(self) -> int:
        with self._lock:
            return len(self._waiting)

    def add(self, image_id: str, age: Age) -> None:
        """Put an image before all others, unless it is being made already."""
        with self._lock:
            if self._taken == (image_id, age):
                return
            self._waiting[image_id] = age
            self._waiting.move_to_end(image_id)
            if len(self._waiting) > WISHES:
                self._waiting.popitem(last=False)

    def take(self) -> tuple[str, Age] | None:
        """Remove and return the latest wish, None when there is none."""
        with self._lock:
            self._taken = self._waiting.popitem() if self._waiting else None
            return self._taken

    def clear(self) -> None:
        """Forget all wishes."""
        with self._lock:
            self._waiting.clear()
            self._taken = None


def picture_of(project: Project, image_id: str) -> Picture | None:
    """Return the kept picture of an image, or one made now; None when the image cannot be read."""
    try:
        key, tinted = _content(project, image_id)
        path = below(project.results_folder, f"{THUMBNAILS}/{spread(image_id)}.jpg")
        picture = kept_picture(path, key)
        return _drawn(project, image_id, path, key, tinted) if picture is None else picture
    except (WsssError, OSError):  # no image file, a damaged mask: the row shows that there is no picture
        return None


def _drawn(project: Project, image_id: str, path: Path, key: str, tinted: bool) -> Picture:
    picture = small_picture(
        project.image_path(image_id), percentiles=project.deep_percentiles, channels=project.channels
    )
    mask = project.masks.read_working(image_id) if tinted else proposed(project, image_id)
    if mask is not None:
        picture = with_mask(picture, mask, project.classes.screen, tinted)
    if not project.read_only:
        keep_picture(not_through_links(project.folder, path), picture, key)
    return picture


def _content(project: Project, image_id: str) -> tuple[str, bool]:
    """Return a key of everything the picture shows, and whether its mask is a person's."""
    record = project.catalog.get(image_id)
    by_person = project.masks.any(image_id)
    file, _ = file_and_page(project.image_path(image_id))
    shows: list[object] = [DRAWING, by_person, _changed(file), project.deep_percentiles]
    shows += [project.channels] if project.channels else []
    classes = project.classes
    if classes.gone or classes.colours:
        shows += [sorted(classes.gone.items()), sorted(classes.colours.items())]
    if by_person:
        files = (project.masks.draft_path(image_id), project.masks.accepted_path(image_id))
        shows += [project.journal.last_of(image_id), *map(_changed, files)]
    elif has_model(project.plan):
        shows += [sorted(record.labels), record.borrowed_from, *_results(project, image_id)]
    return hashlib.sha256(json.dumps(shows, sort_keys=True).encode()).hexdigest()[:32], by_person


def _results(project: Project, image_id: str) -> list[object]:
    """Return what decides the machine's results of an image, and when they were written."""
    try:
        lineage = Lineage.of(project, image_id)
    except WsssError:  # whatever is wrong with the plan, there is no proposal then
        return []
    paths = (project.store.path(lineage.base, image_id), project.store.path(lineage.result, image_id, ".png"))
    return [lineage.result.key, lineage.content, *map(_changed, paths)]


def _changed(path: Path) -> tuple[int, int]:
    """Return a file's time and size, zeros when there is none."""
    try:
        facts = path.stat()
    except OSError:
        return 0, 0
    return facts.st_mtime_ns, facts.st_size
