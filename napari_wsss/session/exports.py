"""Exports of the open project in the background, and the report of the last one."""

from functools import partial
from pathlib import Path

from psygnal import Signal

from napari_wsss.exchange.export import ExportReport
from napari_wsss.session.exporting import Choice, export_project
from napari_wsss.session.jobs import Job, Jobs
from napari_wsss.session.signals import Signals, reported
from napari_wsss.session.table.opened import Opened

EXPORT = "export"


class Exports:
    """Exports the open project.

    Parameters
    ----------
    opened : Opened
    jobs : Jobs
    signals : Signals

    Attributes
    ----------
    told : Signal(ExportReport)
        An export, or what one would do, is ready.
    failed : Signal(str)
        One ended without, and why.
    """

    told = Signal(object)
    failed = Signal(str)

    def __init__(self, opened: Opened, jobs: Jobs, signals: Signals) -> None:
        self._opened, self._jobs = opened, jobs
        self.signals = signals

    def usual_folder(self, kind: str) -> Path:
        """Return where an export in a format goes when nobody says otherwise: beside the project, one for each."""
        folder = self._opened.table.project.folder
        return folder.with_name(f"{folder.name}-{kind}")

    @reported
    def begin(self, folder: Path, choice: Choice, dry_run: bool = False) -> bool:
        """Export (or, on a dry run, look what would be written) in the background; unsaved strokes are saved before."""
        table = self._opened.table
        if not table.flush():
            return False
        steps = partial(export_project, table.project, folder, choice, dry_run=dry_run)
        job = Job(EXPORT, steps, key=EXPORT, lane=EXPORT)
        job.succeeded.connect(self._tell)
        job.failed.connect(self._fail)
        self._jobs.submit(job)
        return True

    def _fail(self, message: str, _error: BaseException) -> None:
        self.failed.emit(message)
        self.signals.failed.emit(message)

    def _tell(self, report: ExportReport) -> None:
        self.told.emit(report)
