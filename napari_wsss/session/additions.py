"""Photographs that came into the image folder since the project was made: noticed at opening, looked at, then added."""

from typing import cast

from psygnal import Signal

from napari_wsss.core.errors import ProjectError
from napari_wsss.core.plan import HELD_OUT
from napari_wsss.core.plural import counted
from napari_wsss.core.progress import Progress, Steps
from napari_wsss.exchange.new_images import NewImages, count_new_images, find_new_images
from napari_wsss.session.jobs import Job, Jobs
from napari_wsss.session.signals import Signals, reported
from napari_wsss.session.table.navigation import Navigation
from napari_wsss.session.table.opened import Opened
from napari_wsss.session.table.table import Table

MOST_NOTICED = 50_000
"""Images of a project whose folder is listed at opening; of larger ones a person asks."""
LOOK = "new pictures"


class Additions:
    """Adds pictures of the image folder to the open project.

    Parameters
    ----------
    opened : Opened
    navigation : Navigation
        Has the queue that they come into.
    jobs : Jobs
    signals : Signals

    Attributes
    ----------
    count : int
        New pictures that were noticed.
    report : NewImages or None
        What was found when a person looked.
    changed : Signal()
        Either is another one.
    """

    changed = Signal()

    def __init__(self, opened: Opened, navigation: Navigation, jobs: Jobs, signals: Signals) -> None:
        self._opened, self._navigation, self._jobs, self.signals = opened, navigation, jobs, signals
        self.count = 0
        self.report: NewImages | None = None
        signals.project_opened.connect(self._notice)
        signals.project_closed.connect(lambda: self._set(0, None))

    def _set(self, count: int, report: NewImages | None) -> None:
        self.count, self.report = count, report
        self.changed.emit()

    def _notice(self) -> None:
        """Count new pictures in the background; a folder that cannot be listed is told by its images."""
        table = self._opened.table
        self._set(0, None)
        if table.project.read_only or len(table.project.catalog) > MOST_NOTICED:
            return
        job = Job(LOOK, lambda: count_new_images(table.project), key=LOOK, lane=LOOK, quiet=True)
        job.succeeded.connect(lambda count: self._noticed(table, cast(int, count)))
        self._jobs.submit(job)

    def _noticed(self, table: Table, count: int) -> None:
        if not self._opened.holds(table) or not count:
            return
        self._set(count, None)
        # Left out when the project was made, or come since: nobody noted which.
        are = counted(count, "picture of the image folder is", "pictures of the image folder are")
        self.signals.notice.emit(f"{are} not in this project; the page Project adds more.")

    @reported
    def look(self) -> bool:
        """Find the new pictures and their labels in the background; `report` has them then, and nothing is changed."""
        table = self._opened.table

        def steps() -> Steps[NewImages]:
            yield Progress(LOOK, 0, 0, str(table.project.images_root))
            return find_new_images(table.project)

        job = Job("looking for new pictures", steps, key=LOOK, lane=LOOK)
        job.succeeded.connect(lambda found: self._found(table, cast(NewImages, found)))
        job.failed.connect(lambda message, _error: self.signals.failed.emit(message))
        self._jobs.submit(job)
        return True

    def _found(self, table: Table, found: NewImages) -> None:
        if self._opened.holds(table):
            self._set(len(found.images), found)

    @reported
    def add(self) -> bool:
        """Add the pictures of `report` behind all others, a share of them for validation."""
        table, report = self._opened.table, self.report
        if table.project.read_only:
            raise ProjectError("This project is open read-only, so no pictures are added.")
        if report is None or not report.images:
            raise ProjectError("There are no new pictures to add; look for them first.")
        table.project.add_images(report.images)
        table.project.hold_out(HELD_OUT)
        self._set(0, None)
        self._navigation.refresh_queue()
        self.signals.labels_changed.emit(table.image_id)
        self.signals.notice.emit(f"{counted(len(report.images), 'picture')} added, at the end of the queue.")
        return True
