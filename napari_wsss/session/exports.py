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
    """

    told = Signal(object)

    def __init__(self, opened: Opened, jobs: Jobs, signals: Signals) -> None:
        self._opened, self._jobs = opened, jobs
        self.signals = signals

    @property
    def usual_folder(self) -> Path:
        """Where an export of the open project goes when nobody says otherwise: beside the project."""
        folder = self._opened.table.project.folder
        return folder.with_name(f"{folder.name}-export")

    @reported
    def begin(self, folder: Path, choice: Choice, dry_run: bool = False) -> bool:
        """Export (or, on a dry run, look what would be written) in the background; unsaved strokes are saved before."""
        table = self._opened.table
        if not table.flush():
            return False
        steps = partial(export_project, table.project, folder, choice, dry_run=dry_run)
        job = Job(EXPORT, steps, key=EXPORT, lane=EXPORT)
        job.succeeded.connect(self._tell)
        job.failed.connect(lambda message, _error: self.signals.failed.emit(message))
        self._jobs.submit(job)
        return True

    def _tell(self, report: ExportReport) -> None:
        self.told.emit(report)
