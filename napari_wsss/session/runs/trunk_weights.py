"""Which weights a project's trainings start their trunk from, once somebody chose, and whether they can be had.

The choice lies in the project's folder beside its runs, and every training started from the window takes it over.
"""

import json
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from psygnal import Signal

from napari_wsss.core.files import publish, read_object
from napari_wsss.core.inside import not_through_links
from napari_wsss.core.trunk_choice import PUBLISHED, TrunkChoice
from napari_wsss.session.jobs import Job, Jobs
from napari_wsss.session.runs.questions import find_missing_weights
from napari_wsss.session.signals import Signals, reported
from napari_wsss.session.table.opened import Opened

FILE = "trunk_weights.json"
OPTION = "trunk_weights"


class TrunkWeights:
    """Remembers the choice, and asks for the weights before a training starts.

    Parameters
    ----------
    opened : Opened
    jobs : Jobs
    signals : Signals

    Attributes
    ----------
    changed : Signal()
        Another choice, or something else is missing.
    missing : str
        What kept the last training from its weights, "" when nothing did.
    """

    changed = Signal()

    def __init__(self, opened: Opened, jobs: Jobs, signals: Signals) -> None:
        self._opened, self._jobs, self.signals = opened, jobs, signals
        self.missing = ""
        self._asked: Job | None = None
        signals.project_opened.connect(self._forget)
        signals.project_closed.connect(self._forget)

    @property
    def is_asking(self) -> bool:
        """True while it is being found out whether they are there."""
        return self._asked is not None

    @property
    def chosen(self) -> str:
        """What was chosen for the open project; the published weights by default."""
        table = self._opened.or_none
        if table is None:
            return PUBLISHED
        try:
            return str(read_object(table.project.training_folder / FILE).get(OPTION) or PUBLISHED)
        except (OSError, ValueError):  # nothing was chosen, or it cannot be read: the form shows what is used
            return PUBLISHED

    def options(self) -> dict[str, Any]:
        """Return the choice as an option of a training, nothing where it is the usual one."""
        chosen = self.chosen
        return {} if chosen == PUBLISHED else {OPTION: chosen}

    @reported
    def choose(self, source: str) -> bool:
        """Choose a file, the name of published weights, or ``none``; remembered for the project."""
        project = self._opened.table.project
        if source == self.chosen:
            return True
        if not project.read_only:
            with publish(not_through_links(project.folder, project.training_folder / FILE)) as file:
                file.write(json.dumps({OPTION: source}).encode())
        self._tell("")
        return True

    def when_there(self, options: Mapping[str, Any], start: Callable[[], object]) -> None:
        """Call `start` once the weights it wants are found; otherwise say in `missing` what is wrong.

        Parameters
        ----------
        options : mapping
            Of the training; what is not in it is as chosen.
        start : callable
        """
        told = {"trunk": TrunkChoice().name, OPTION: self.chosen, **options}
        question = partial(find_missing_weights, str(told["trunk"]), str(told[OPTION]))
        job = self._asked = Job("weights", question, key="weights", lane="weights", quiet=True)
        job.succeeded.connect(lambda missing: self._hear(job, missing, start))
        # Without an answer it is started: the training says itself what it lacks.
        job.failed.connect(lambda _message, _error: self._hear(job, "", start))
        self._jobs.submit(job)
        self._tell("")

    def _hear(self, job: Job, missing: str, start: Callable[[], object]) -> None:
        if job is not self._asked:
            return
        self._asked = None
        self._tell(missing)
        if not missing:
            start()

    def _forget(self) -> None:
        self._asked = None
        self._tell("")

    def _tell(self, missing: str) -> None:
        self.missing = missing
        self.changed.emit()
