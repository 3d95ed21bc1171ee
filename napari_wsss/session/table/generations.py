"""Makes generations of the database while a project is open: after some time, and after a number of decisions."""

import time
from collections.abc import Callable

from napari_wsss.core.progress import Progress, Steps
from napari_wsss.project.project import Project
from napari_wsss.session.jobs import Job, Jobs

SECONDS = 600.0
"""After which a changed project is backed up."""
DECISIONS = 50
"""After so many it is backed up earlier."""
LEAST_SECONDS = 30.0
"""Between two generations, however quickly is decided: a large database takes a while to copy."""


class Generations:
    """When the next generation of an open project is due.

    Parameters
    ----------
    project : Project
    jobs : Jobs
        Copy the database in the background.
    clock : callable
        Returns seconds that only grow.
    """

    def __init__(self, project: Project, jobs: Jobs, clock: Callable[[], float] = time.monotonic) -> None:
        self._project, self._jobs, self._clock = project, jobs, clock
        self._made, self._decisions = clock(), 0

    def decided(self) -> None:
        """Count a decision."""
        self._decisions += 1
        self.look()

    def look(self) -> None:
        """Make a generation in the background if one is due; costs nothing otherwise."""
        passed = self._clock() - self._made
        due = passed >= SECONDS or (self._decisions >= DECISIONS and passed >= LEAST_SECONDS)
        if not due or self._project.read_only:
            return
        self._made, self._decisions = self._clock(), 0
        self._jobs.submit(Job("backup", self._copy, lane="backup", quiet=True))

    def _copy(self) -> Steps[None]:
        yield Progress("backup")
        self._project.try_backup()
