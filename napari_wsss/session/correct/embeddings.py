"""Embeddings of the shown image and the next ones for a promptable segmenter, computed in the background and kept.

An embedding takes seconds and is the same for every click, so it is made before it is asked for: once a person points
at things, for the image that is shown and for the next ones of the queue. At most `CAPACITY` are kept, 2 MiB each. The
network runs in a process of its own and is never imported here.
"""

from collections import OrderedDict
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from psygnal import Signal

from napari_wsss.core.progress import Progress, Steps
from napari_wsss.processes.apart import Apart
from napari_wsss.project.project import Project
from napari_wsss.session.jobs import Job, Jobs
from napari_wsss.session.settings import Settings
from napari_wsss.session.signals import Signals
from napari_wsss.session.table.navigation import Navigation
from napari_wsss.session.table.opened import Opened

Embedding = NDArray[np.float16]
KEY = "embeddings"
CAPACITY = 32


class Embeddings:
    """Keeps embeddings of images; only touched in the window's thread.

    Parameters
    ----------
    opened : Opened
    navigation : Navigation
        Says which images come next.
    jobs : Jobs
    settings : Settings
        Which segmenter, and how many images ahead.
    signals : Signals

    Attributes
    ----------
    arrived : Signal(str)
        The embedding of this image is there; "" where none will be.
    """

    arrived = Signal(str)

    def __init__(
        self, opened: Opened, navigation: Navigation, jobs: Jobs, settings: Settings, signals: Signals
    ) -> None:
        self._opened, self._navigation, self._jobs = opened, navigation, jobs
        self._settings, self._signals = settings, signals
        self._kept: OrderedDict[str, Embedding] = OrderedDict()
        self._encoder: Path | None = None  # that made what is kept
        self._refused: Path | None = None  # the encoder that failed: said once, not asked again
        self._apart = Apart("napari_wsss.promptable.answering:embedded")
        self.is_wanted = False
        signals.project_closed.connect(self.forget)

    def of(self, image_id: str) -> Embedding | None:
        """Return the embedding of an image, None while it is not there (or of no use)."""
        self._take_settings()
        return self._kept.get(image_id)

    @property
    def is_chosen(self) -> bool:
        """True while there is a segmenter that has not failed."""
        self._take_settings()
        return self._encoder is not None and self._encoder != self._refused

    @property
    def decoder(self) -> Path | None:
        """The file that answers clicks from what is kept here."""
        return self._settings.segmenter[1] if self._settings.segmenter else None

    def want(self) -> None:
        """Compute the shown image's and the next ones' from now on: a person points at things."""
        self._signals.image_changed.connect(self._on_image, unique=True)
        self.is_wanted = True
        self._on_image()

    def forget(self) -> None:
        """Drop everything: the project was closed, or the files are others."""
        self._jobs.cancel(KEY)
        self._kept.clear()
        self.is_wanted, self._refused = False, None

    def follow_settings(self) -> None:
        """Begin anew where another encoder was chosen."""
        if self._take_settings():
            self._on_image()

    def _take_settings(self) -> bool:
        encoder = self._settings.segmenter[0] if self._settings.segmenter else None
        if encoder != self._encoder:
            self._kept.clear()
            self._encoder, self._refused = encoder, None
            return True
        return False

    def _on_image(self, _image_id: str = "") -> None:
        if not self.is_wanted:
            return
        self._take_settings()
        table, encoder = self._opened.or_none, self._encoder
        if not (self.is_wanted and self.is_chosen) or encoder is None or table is None or not table.image_id:
            return
        queue = self._navigation.queue
        position = queue.position(table.image_id)
        after = () if position is None else queue.ids(position + 1, position + 1 + self._settings.ahead)
        missing = [one for one in (table.image_id, *after) if one not in self._kept]
        if missing:
            run = partial(self._computed, table.project, encoder, missing)
            job = Job("look at the next images", run, key=KEY, lane=KEY, quiet=True)
            job.failed.connect(lambda message, _: self.refuse(message))
            self._jobs.submit(job)

    def _computed(self, project: Project, encoder: Path, ids: Sequence[str]) -> Steps[None]:
        """Compute in the background thread, the shown image first; each is handed over as it is there."""
        for done, image_id in enumerate(ids, 1):
            embedding = yield from self._apart.steps(encoder, project.load_image(image_id).pixels)
            self._jobs.dispatch(partial(self._keep, encoder, image_id, embedding))
            yield Progress(KEY, done, len(ids), image_id)

    def _keep(self, encoder: Path, image_id: str, embedding: Embedding) -> None:
        if encoder != self._encoder or self._opened.or_none is None:
            return
        self._kept[image_id] = embedding
        self._kept.move_to_end(image_id)
        while len(self._kept) > CAPACITY:
            self._kept.popitem(last=False)
        self.arrived.emit(image_id)

    def refuse(self, message: str) -> None:
        """Say, once, why these files cannot be used; colours and maps answer until others are chosen."""
        if self.is_chosen:
            self._refused = self._encoder
            self._kept.clear()
            self._signals.failed.emit(message)
            self.arrived.emit("")
