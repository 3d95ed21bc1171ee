"""Regions that are given a class whole: superpixels, or the instances another program found.

A click gives the region under it the class, a drag all regions it crosses; one step that Ctrl+Z takes back. What a
person drew stays.
"""

from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from psygnal import Signal

from napari_wsss.core.progress import Steps
from napari_wsss.core.sources import Source
from napari_wsss.pixels.instance_masks import instance_file, read_instances
from napari_wsss.session.correct.filling import fill
from napari_wsss.session.correct.patches import LANE, Patches
from napari_wsss.session.jobs import Job, Jobs
from napari_wsss.session.review.decisions import Decisions
from napari_wsss.session.signals import Signals
from napari_wsss.session.table.opened import Opened
from napari_wsss.session.table.table import Table

JOB = "regions"
Numbers = NDArray[np.int32]


class Regions:
    """The regions of the shown image, while they are wanted.

    Parameters
    ----------
    opened : Opened
    patches : Patches
        The superpixels.
    decisions : Decisions
        Says where a proposal comes from.
    jobs : Jobs
    signals : Signals

    Attributes
    ----------
    numbers : (H, W) int32, optional
        A number for each region, 0 for none; None while they are not wanted or not there.
    folder : Path, optional
        Of the instance masks that are used; without one superpixels are.
    changed : Signal()
    """

    changed = Signal()

    def __init__(self, opened: Opened, patches: Patches, decisions: Decisions, jobs: Jobs, signals: Signals) -> None:
        self._opened, self._patches, self._decisions = opened, patches, decisions
        self._jobs, self._signals = jobs, signals
        self.numbers: Numbers | None = None
        self.folder: Path | None = None
        self._are_wanted = False
        signals.image_changed.connect(self._find)
        signals.project_closed.connect(self._on_closed)

    def want(self, wanted: bool) -> None:
        """Find the regions of the shown image and of those that come, or no longer."""
        self._are_wanted = wanted
        self._find()

    def use_folder(self, folder: Path | None) -> None:
        """Take the instance masks in a folder as regions; None takes superpixels."""
        self.folder = folder
        self._find()

    def give(self, places: Sequence[tuple[int, int]], value: int) -> bool:
        """Give every region at one of some places (row, column) a mask value; return False where there is none."""
        table, numbers = self._opened.or_none, self.numbers
        if table is None or numbers is None or table.project.read_only:
            return False
        meant = np.unique([numbers[place] for place in places])
        meant = meant[meant > 0]
        if not len(meant):
            self._signals.notice.emit("There is no region here.")
            return False
        source = Source("clicked", method="superpixels" if self.folder is None else "instance masks")
        fill(table, self._decisions, np.isin(numbers, meant), value, source)
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
        run = partial(self._found, image_id, table.image, self.folder)
        job = Job("find regions", run, key=JOB, lane=LANE, quiet=True)
        job.succeeded.connect(lambda numbers: self._arrived(table, image_id, numbers))
        job.failed.connect(lambda message, _: self._signals.failed.emit(message))
        self._jobs.submit(job)

    def _found(self, image_id: str, pixels: NDArray[np.uint8], folder: Path | None) -> Steps[Numbers | None]:
        if folder is None:
            patches = yield from self._patches.found(image_id, pixels)
            return 1 + patches.enlarged(patches.numbers.astype(np.int32))
        path = instance_file(folder, image_id)
        return None if path is None else read_instances(path, (pixels.shape[0], pixels.shape[1]))

    def _arrived(self, table: Table, image_id: str, numbers: Numbers | None) -> None:
        if not self._opened.holds(table) or image_id != table.image_id or not self._are_wanted:
            return
        if numbers is None:
            self._signals.notice.emit(f"{self.folder} holds no instance mask of {image_id}.")
        self.numbers = numbers
        self.changed.emit()

    def _on_closed(self) -> None:
        self._are_wanted = False
        self._find()
