"""Regions that are given a class whole: superpixels, all that a promptable segmenter finds, or somebody's instances.

A click gives the region under it the class, a drag all regions it crosses, if asked for with all that look alike; one
step that Ctrl+Z takes back. What a person drew stays.
"""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from psygnal import Signal

from napari_wsss.core.plural import counted
from napari_wsss.core.progress import Progress, Steps
from napari_wsss.core.sources import Source
from napari_wsss.pixels.clicks.alike import alike_regions
from napari_wsss.pixels.instance_masks import instance_file, read_instances
from napari_wsss.processes.apart import Apart
from napari_wsss.session.correct.embeddings import Embedding
from napari_wsss.session.correct.filling import fill
from napari_wsss.session.correct.patches import LANE
from napari_wsss.session.correct.pointing import Engines
from napari_wsss.session.correct.propagation import mask_so_far
from napari_wsss.session.jobs import Job, Jobs
from napari_wsss.session.review.decisions import Decisions
from napari_wsss.session.signals import Signals
from napari_wsss.session.table.opened import Opened
from napari_wsss.session.table.table import Table

JOB = "regions"
SLOW_LANE = "regions of the segmenter"
Numbers = NDArray[np.int32]
Kind = Literal["superpixels", "segmenter", "instances"]
METHODS: dict[Kind, str] = {
    "superpixels": "superpixels",
    "segmenter": "promptable segmenter",
    "instances": "instance masks",
}
"""What made a region, as the mask's pixels tell it."""
KEPT = 16
"""Images whose regions of the segmenter, which take seconds, are remembered."""


class Regions:
    """The regions of the shown image, while they are wanted.

    Parameters
    ----------
    opened : Opened
    engines : Engines
        The superpixels, and the embeddings of a promptable segmenter.
    decisions : Decisions
        Says where a proposal comes from.
    jobs : Jobs
    signals : Signals

    Attributes
    ----------
    numbers : (H, W) int32, optional
        A number for each region, 0 for none; None while they are not wanted or not there.
    kind : str
        ``superpixels``, ``segmenter`` or ``instances``.
    folder : Path, optional
        Of the instance masks.
    changed : Signal()
    """

    changed = Signal()

    def __init__(self, opened: Opened, engines: Engines, decisions: Decisions, jobs: Jobs, signals: Signals) -> None:
        self._opened, self._engines, self._decisions = opened, engines, decisions
        self._jobs, self._signals = jobs, signals
        self.numbers: Numbers | None = None
        self.kind: Kind = "superpixels"
        self.folder: Path | None = None
        self._kept: dict[tuple[Path, str], Numbers] = {}  # of the segmenter, the newest last
        self._apart = Apart("napari_wsss.promptable.everything:divided")
        self._are_wanted = False
        engines.embeddings.arrived.connect(self._on_embedding)
        signals.image_changed.connect(self._find)
        signals.project_closed.connect(self._on_closed)

    def want(self, wanted: bool) -> None:
        """Find the regions of the shown image and of those that come, or no longer."""
        self._are_wanted = wanted
        self._find()

    def use(self, kind: Kind, folder: Path | None = None) -> None:
        """Take another kind of regions; instance masks lie in a folder, named like the images."""
        if kind == "segmenter" and not self._engines.embeddings.is_chosen:
            self._signals.notice.emit("Choose the files of a segmenter first.")
            return
        self.kind, self.folder = kind, folder
        self._find()

    def give(self, places: Sequence[tuple[int, int]], value: int, alike: bool = False) -> bool:
        """Give every region at one of some places (row, column) a mask value; return False where there is none.

        Parameters
        ----------
        places : sequence of (int, int)
        value : int
        alike : bool
            Those that look like one of them, too, where mask or proposal took them for the same class so far.
        """
        table, numbers = self._opened.or_none, self.numbers
        if table is None or numbers is None or table.project.read_only:
            return False
        meant = np.unique([numbers[place] for place in places])
        meant = meant[meant > 0]
        if not len(meant):
            self._signals.notice.emit("There is no region here.")
            return False
        if alike:
            meant = alike_regions(numbers, table.image, meant, mask_so_far(table))
            self._signals.notice.emit(f"{counted(len(meant), 'region')} in one step; Ctrl+Z takes it back.")
        fill(table, self._decisions, np.isin(numbers, meant), value, Source("clicked", method=METHODS[self.kind]))
        return True

    def _find(self, _image_id: str = "") -> None:
        if not self._are_wanted and self.numbers is None:
            return
        self._jobs.cancel(JOB)
        if self.numbers is not None:
            self.numbers = None
            self.changed.emit()
        table = self._opened.or_none
        if not self._are_wanted or table is None or not table.image_id:
            return
        image_id = table.image_id
        run, lane = self._run(table)
        if run is None:
            return
        job = Job("find regions", run, key=JOB, lane=lane, quiet=self.kind != "segmenter")
        job.succeeded.connect(lambda numbers: self._arrived(table, image_id, numbers))
        job.failed.connect(lambda message, _: self._signals.failed.emit(message))
        self._jobs.submit(job)

    def _run(self, table: Table) -> tuple[Callable[[], Steps[Numbers | None]] | None, str]:
        """Return what finds the regions of the shown image, and its lane; None while its embedding is on its way."""
        image_id, pixels = table.image_id, table.image
        if self.kind == "instances":
            assert self.folder is not None
            return partial(self._instances, image_id, pixels, self.folder), LANE
        if self.kind == "superpixels":
            return partial(self._superpixels, image_id, pixels), LANE
        embeddings = self._engines.embeddings
        embedding, decoder = embeddings.of(image_id), embeddings.decoder
        if embedding is None or decoder is None:
            embeddings.want()
            return None, SLOW_LANE
        return partial(self._segmented, (decoder, image_id), embedding, pixels.shape[:2]), SLOW_LANE

    def _superpixels(self, image_id: str, pixels: NDArray[np.uint8]) -> Steps[Numbers | None]:
        patches = yield from self._engines.patches.found(image_id, pixels)
        return 1 + patches.enlarged(patches.numbers.astype(np.int32))

    @staticmethod
    def _instances(image_id: str, pixels: NDArray[np.uint8], folder: Path) -> Steps[Numbers | None]:
        path = instance_file(folder, image_id)
        yield Progress(JOB, 0, 1)
        return None if path is None else read_instances(path, (pixels.shape[0], pixels.shape[1]))

    def _segmented(self, of: tuple[Path, str], embedding: Embedding, size: tuple[int, ...]) -> Steps[Numbers | None]:
        """Ask the segmenter at the points of a grid, once for an image."""
        kept = self._kept.pop(of, None)
        if kept is None:
            kept = yield from self._apart.steps(of[0], embedding, size)
        self._kept[of] = kept
        while len(self._kept) > KEPT:
            del self._kept[next(iter(self._kept))]
        return kept

    def _on_embedding(self, image_id: str) -> None:
        table = self._opened.or_none
        if self.kind == "segmenter" and self._are_wanted and table is not None and image_id in ("", table.image_id):
            if not self._engines.embeddings.is_chosen:
                self.kind = "superpixels"  # the segmenter failed, which was said
            self._find()

    def _arrived(self, table: Table, image_id: str, numbers: Numbers | None) -> None:
        if not self._opened.holds(table) or image_id != table.image_id or not self._are_wanted:
            return
        if numbers is None:
            self._signals.notice.emit(f"{self.folder} holds no instance mask of {image_id}.")
        self.numbers = numbers
        self.changed.emit()

    def _on_closed(self) -> None:
        self._are_wanted = False
        self._kept.clear()
        self._find()
