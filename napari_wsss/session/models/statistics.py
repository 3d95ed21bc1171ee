"""The statistics of one session: read in the background, only when somebody looks or decides."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field

from psygnal import Signal

from napari_wsss.core.progress import Steps
from napari_wsss.pipeline.apply import ModelChange, model_changes
from napari_wsss.project.catalog import Catalog
from napari_wsss.project.criteria import Criteria
from napari_wsss.project.project import Project
from napari_wsss.project.states import STATES
from napari_wsss.session.jobs import Job, Jobs
from napari_wsss.session.models.history import Acceptance, History
from napari_wsss.session.signals import Signals
from napari_wsss.session.table.opened import Opened

STATISTICS = "statistics"
MOST_MODELS = 100
NOTHING = "(none of the classes)"


@dataclass(frozen=True)
class Figures:
    """What is known at one moment.

    Parameters
    ----------
    acceptances : tuple of Acceptance
        Oldest first.
    changes : tuple of ModelChange
        When other models were applied, oldest first.
    states : dict of str to int
        Images in each review state.
    labelled, accepted : dict of str to int
        Images with each class as image-level label, all and accepted ones; `NOTHING` counts those labelled none,
        where there are any.
    unlabelled : int
        Images that nobody labelled yet, without the excluded ones.
    mismatched : int
        Images whose accepted mask paints other classes than the labels.
    unknown : int
        Images of which it is not known whether some class is there, though of others it is.
    """

    acceptances: tuple[Acceptance, ...] = ()
    changes: tuple[ModelChange, ...] = ()
    states: dict[str, int] = field(default_factory=dict)
    labelled: dict[str, int] = field(default_factory=dict)
    accepted: dict[str, int] = field(default_factory=dict)
    unlabelled: int = 0
    mismatched: int = 0
    unknown: int = 0

    @property
    def since_model(self) -> tuple[Acceptance, ...]:
        """The acceptances since the last model was applied; all when there never was another one."""
        last = self.changes[-1].number if self.changes else 0
        return tuple(one for one in self.acceptances if one.number > last)


class Statistics:
    """Keeps the figures of the open project.

    Parameters
    ----------
    opened : Opened
    jobs : Jobs
    signals : Signals

    Attributes
    ----------
    figures : Figures
        As last read.
    changed : Signal()
        New figures were read.
    """

    changed = Signal()

    def __init__(self, opened: Opened, jobs: Jobs, signals: Signals) -> None:
        self.figures = Figures()
        self._opened, self._jobs, self._signals = opened, jobs, signals
        self._reader = _Reader()
        signals.project_opened.connect(self._forget)
        signals.project_closed.connect(self._forget)

    def _forget(self) -> None:
        self._reader, self.figures = _Reader(), Figures()
        self.changed.emit()

    def refresh(self) -> None:
        """Read what is new in the background; `changed` tells when it is there."""
        table, reader = self._opened.or_none, self._reader
        if table is None:
            return
        project = table.project
        # A reading that is cut short by the next one keeps what it has read.
        job = Job(STATISTICS, lambda: reader.read(project), lane=STATISTICS, key=STATISTICS, quiet=True)
        job.succeeded.connect(lambda figures: self._found(reader, figures))
        job.failed.connect(lambda message, _error: self._signals.failed.emit(message))
        self._jobs.submit(job)

    def _found(self, reader: _Reader, figures: Figures) -> None:
        if reader is self._reader:
            self.figures = figures
            self.changed.emit()


def _negatives(catalog: Catalog, states: Collection[str] | None = None) -> dict[str, int]:
    count = catalog.count(Criteria(states=states, negative=True))
    return {NOTHING: count} if count else {}


class _Reader:
    """Reads one project's journal further and further (in one lane, so never twice at a time)."""

    def __init__(self) -> None:
        self._history = History()
        self._changes: tuple[int, tuple[ModelChange, ...]] = (-1, ())

    def read(self, project: Project) -> Steps[Figures]:
        acceptances = yield from self._history.read(project.journal)
        catalog = project.catalog
        return Figures(
            acceptances,
            self._models(project),
            catalog.counts(),
            catalog.class_counts() | _negatives(catalog),
            catalog.class_counts("accepted") | _negatives(catalog, ("accepted",)),
            catalog.count(Criteria(states=set(STATES) - {"excluded"}, unlabelled=True)),
            catalog.count(Criteria(mismatch=True)),
            catalog.count(Criteria(unknown=True)),
        )

    def _models(self, project: Project) -> tuple[ModelChange, ...]:
        newest = project.journal.recent(1, ("plan",))
        number = newest[0].number if newest else 0
        if self._changes[0] != number:
            self._changes = (number, tuple(reversed(model_changes(project, MOST_MODELS))))
        return self._changes[1]
