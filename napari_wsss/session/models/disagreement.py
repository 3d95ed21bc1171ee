"""Where accepted masks and second ones (the model's, or another person's) differ, class by class."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray
from psygnal import Signal

from napari_wsss.core.classes import BACKGROUND, IGNORE, ClassList
from napari_wsss.core.errors import WsssError
from napari_wsss.core.masks import Mask
from napari_wsss.core.progress import Progress, Steps
from napari_wsss.project.project import Project
from napari_wsss.session.jobs import Job, Jobs
from napari_wsss.session.models.second_masks import Second, second_masks
from napari_wsss.session.signals import Signals
from napari_wsss.session.table.navigation import Navigation
from napari_wsss.session.table.opened import Opened
from napari_wsss.session.table.queue import COMPARED
from napari_wsss.session.table.table import Table

DISAGREEMENT = "disagreement"
MODEL = Second()
LEAST = 1e-4
"""Share of an image's pixels that a class must have in mask or proposal to be listed."""


@dataclass(frozen=True)
class Difference:
    """One class of one image.

    Parameters
    ----------
    image_id, class_name : str
    share : float
        1 - IoU of the class in both masks, in [0, 1].
    missed, added : float
        Share of the image's pixels that only the person, or only the second mask, gives to the class.
    """

    image_id: str
    class_name: str
    share: float
    missed: float
    added: float


class Disagreement:
    """The differences of one session's accepted images, as measured last.

    Parameters
    ----------
    opened : Opened
    navigation : Navigation
        Its queue can be sorted by what was measured.
    jobs : Jobs
    signals : Signals

    Attributes
    ----------
    found : tuple of Difference
        The largest first.
    without : int
        Accepted images of which there is no second mask to compare with.
    second : Second
        What the masks were compared with, or are to be.
    measured : bool
        Whether anything was compared yet.
    changed : Signal()
        Something else was found.
    """

    changed = Signal()

    def __init__(self, opened: Opened, navigation: Navigation, jobs: Jobs, signals: Signals) -> None:
        self._opened, self._navigation, self._jobs = opened, navigation, jobs
        self.found: tuple[Difference, ...] = ()
        self.without, self.measured = 0, False
        self.second = Second()
        self._signals = signals
        signals.project_opened.connect(self._forget)
        signals.project_closed.connect(self._forget)

    def measure(self, second: Second | None = None) -> bool:
        """Compare all accepted images in the background with what was compared with last, or with another second.

        Returns
        -------
        bool
            False while no project is open.
        """
        table = self._opened.or_none
        if table is None:
            return False
        if second is not None and second != self.second:  # what was found of another one is not of this
            self.found, self.without, self.measured, table.queue.differs = (), 0, False, {}
            self.second = second
            self.changed.emit()
        work = partial(differences, table.project, self.second)
        job = Job("comparing masks", work, key=DISAGREEMENT, lane=DISAGREEMENT)
        job.failed.connect(lambda message, _error: self._signals.failed.emit(message))
        job.succeeded.connect(lambda found: self._take(table, *found))
        self._jobs.submit(job)
        return True

    def by_class(self) -> Mapping[str, tuple[Difference, ...]]:
        """Return the differences of each class, the class with the largest mean first, in each the largest first."""
        groups: dict[str, list[Difference]] = {}
        for one in self.found:
            groups.setdefault(one.class_name, []).append(one)
        order = sorted(groups, key=lambda name: -sum(one.share for one in groups[name]) / len(groups[name]))
        return {name: tuple(groups[name]) for name in order}

    def by_image(self) -> Mapping[str, float]:
        """Return for each compared image with any class how far the class that differs most does, in [0, 1]."""
        found: dict[str, float] = {}
        for one in self.found:  # the largest first
            found.setdefault(one.image_id, one.share)
        return found

    def _take(self, table: Table, found: tuple[Difference, ...], without: int) -> None:
        if self._opened.holds(table):
            self.found, self.without, self.measured = found, without, True
            table.queue.differs = self.by_image()
            if table.queue.order == COMPARED:
                self._navigation.refresh_queue()
            self.changed.emit()

    def _forget(self) -> None:
        self.found, self.without, self.measured = (), 0, False
        self.second = Second()
        self.changed.emit()


def differences(project: Project, second: Second = MODEL) -> Steps[tuple[tuple[Difference, ...], int]]:
    """Return where accepted masks and second ones differ, the largest first, and how many have no second one.

    Errors are those of `second_masks`.
    """
    ids = list(project.catalog.ids(states=("accepted",)))
    found: list[Difference] = []
    without = 0
    with second_masks(project, second) as other_of:
        for done, image_id in enumerate(ids):
            yield Progress(DISAGREEMENT, done, len(ids), image_id)
            try:
                accepted, other = project.masks.read_accepted(image_id), other_of(image_id)
            except (WsssError, OSError):  # damaged: opening the image says so
                accepted = other = None
            if accepted is None or other is None or accepted.shape != other.shape:
                without += 1
            else:
                found += differences_of(image_id, accepted, other, project.classes)
    return tuple(sorted(found, key=lambda one: (-one.share, one.class_name, one.image_id))), without


def differences_of(image_id: str, accepted: Mask, second: Mask, classes: ClassList) -> list[Difference]:
    """Return the differences of each class of two masks (H, W) uint8; pixels that one of them ignores do not count."""
    counted = (accepted != IGNORE) & (second != IGNORE)
    pairs = accepted[counted].astype(np.intp) * 256 + second[counted]
    table: NDArray[np.intp] = np.bincount(pairs, minlength=256 * 256).reshape(256, 256)
    pixels = max(1, accepted.size)
    found = []
    for value in classes.values():
        both, mine, theirs = int(table[value, value]), int(table[value].sum()), int(table[:, value].sum())
        union = mine + theirs - both
        if value not in (BACKGROUND, IGNORE) and union >= max(1, LEAST * pixels):
            missed, added = (mine - both) / pixels, (theirs - both) / pixels
            found.append(Difference(image_id, classes.name_of(value), 1 - both / union, missed, added))
    return found
