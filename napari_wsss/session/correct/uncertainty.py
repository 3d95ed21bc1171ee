"""Where the maps of the shown image are unsure: as a picture while it is wanted, and as places to look at in turn."""

from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from psygnal import Signal

from napari_wsss.core.classes import IGNORE
from napari_wsss.core.maps import ActivationMaps
from napari_wsss.core.progress import Progress, Steps
from napari_wsss.pixels.regions import Box, strongest_regions
from napari_wsss.pixels.uncertainty import uncertainty
from napari_wsss.session.jobs import Job, Jobs
from napari_wsss.session.signals import Signals
from napari_wsss.session.table.opened import Opened
from napari_wsss.session.table.table import Table

UNCERTAINTY = "uncertainty"


class Doubts:
    """Uncertainty of a session's shown image (see `pixels.uncertainty` for the formula).

    Parameters
    ----------
    opened : Opened
    jobs : Jobs
    signals : Signals

    Attributes
    ----------
    wanted : bool
        True while the picture is shown with every image.
    values : (H, W) float32 in [0, 1] or None
        The picture; None while it is not wanted or not there.
    """

    changed = Signal()  # the picture is another one, or gone

    def __init__(self, opened: Opened, jobs: Jobs, signals: Signals) -> None:
        self._opened, self._jobs = opened, jobs
        self.wanted = False
        self.values: NDArray[np.float32] | None = None
        self._regions: tuple[Box, ...] = ()
        self._of: tuple[Any, ...] = ()  # what the regions were found in
        self._next = 0
        signals.image_changed.connect(self._on_image)
        signals.proposal_changed.connect(self._ask)
        signals.project_closed.connect(self._forget)

    def show(self, wanted: bool) -> None:
        """Have the picture of the shown image and of those that follow, or no longer."""
        self.wanted = wanted
        if wanted:
            self._ask()
        else:
            self._forget()

    @property
    def _source(self) -> tuple[ActivationMaps, float | None] | None:
        table = self._opened.or_none
        if table is None or (maps := table.maps) is None:
            return None
        return maps, table.machine.threshold or None  # without a background step maps have their own

    @property
    def _doubtful(self) -> NDArray[np.bool_]:
        """Where (H, W) the shown proposal has a class that the machine would have left out."""
        table = self._opened.table
        values = [table.classes.mask_value(name) for name in table.record.doubtful]
        proposal = table.proposal
        return np.zeros(table.image.shape[:2], bool) if proposal is None else np.isin(proposal, values)

    def _forget(self) -> None:
        self._regions, self._of = (), ()
        if self.values is not None:
            self.values = None
            self.changed.emit()

    def _on_image(self) -> None:
        self._forget()
        self._ask()

    def _ask(self) -> None:
        """Have the picture computed in the background; until it is there the old one stays."""
        if not self.wanted:
            return
        table, source = self._opened.or_none, self._source
        if table is None or source is None:
            return
        image_id = table.image_id
        work = partial(_computed, *source, self._doubtful)
        job = Job(UNCERTAINTY, work, key=UNCERTAINTY, lane=UNCERTAINTY, quiet=True)
        job.succeeded.connect(lambda values: self._found(table, image_id, values))
        self._jobs.submit(job)

    def _found(self, table: Table, image_id: str, values: NDArray[np.float32]) -> None:
        if self.wanted and self._opened.holds(table) and image_id == table.image_id:
            self.values = values
            self.changed.emit()

    # -- places to look at ------------------------------------------------------------------------------------

    def next_region(self) -> tuple[Box, int, int] | None:
        """Return the most uncertain region, its number from 1 and how many there are; again, the next one.

        After the last one comes the first again. Pixels that a person has made are no longer uncertain. None without
        maps, or where nothing is uncertain.
        """
        source = self._source
        if source is None:
            return None
        if not self._of or self._of[0] is not source[0] or self._of[1] != source[1]:
            self._of, self._next = source, 0
            values = uncertainty(*source)
            values[self._doubtful] = 1
            values[self._opened.table.person_pixels] = 0  # nobody need look again at what a person decided
            self._regions = strongest_regions(values)
        if not self._regions:
            return None
        number = self._next % len(self._regions)
        self._next = number + 1
        return self._regions[number], number + 1, len(self._regions)

    def rivals(self, box: Box) -> tuple[str, ...]:
        """Return the two classes (or ``background``) that the proposal gives most of a region to, the larger first."""
        table = self._opened.table
        proposal, classes = table.proposal, table.classes
        if proposal is None:
            return ()
        counts = np.bincount(proposal[box.top : box.bottom, box.left : box.right].ravel(), minlength=IGNORE + 1)
        most = np.argsort(-counts, kind="stable")[:2]
        return tuple(classes.name_of(int(value)) for value in most if counts[value])


def _computed(maps: ActivationMaps, threshold: float | None, doubtful: NDArray[np.bool_]) -> Steps[NDArray[np.float32]]:
    yield Progress(UNCERTAINTY, 0, 1)
    values = uncertainty(maps, threshold)
    values[doubtful] = 1
    return values
