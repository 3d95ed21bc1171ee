"""What happens at the end of an epoch and when a run is asked to stop: validation, best and last model, checkpoint."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from napari_wsss.core.progress import Progress, Steps
from training.data.samplers import BatchOrder
from training.distributed import world
from training.loop.checkpoints import AVERAGED, BEST, LAST
from training.loop.learner import Learner
from training.run_folder import RunFolder, StopAsked


@dataclass(frozen=True)
class Outcome:
    """How a recipe ended.

    Parameters
    ----------
    finished : bool
        False when it was asked to stop; the run can be resumed.
    steps : int
        Steps taken since the very start of the run.
    figures : mapping of str to float
        Validation figures of the best model.
    tables : mapping of str to list of rows
        Per-class tables by name, header row first.
    """

    finished: bool
    steps: int
    figures: Mapping[str, float]
    tables: Mapping[str, list[list[str]]]


UNVALIDATED = "unvalidated"
"""Among a learner's figures: at this step a validation is still to be made."""


class Milestones:
    """Decides when a run keeps its state, and keeps it.

    Parameters
    ----------
    stage : str
        Named in the progress.
    learner, order, run
        Of the run.
    validate : callable
        Returns validation figures; the first one decides which model is best. May be empty.
    write : callable
        Publishes the model at the given path; it may raise `StopAsked` after that, to be called again later.
    """

    def __init__(
        self,
        stage: str,
        learner: Learner,
        order: BatchOrder,
        run: RunFolder,
        validate: Callable[[], Mapping[str, float]],
        write: Callable[[Path], None],
    ) -> None:
        self._stage, self._learner, self._order, self._run = stage, learner, order, run
        self._validate, self._write = validate, write
        self._is_cut_short = False  # a validation, by a stop

    def progress(self, figures: Mapping[str, float], message: str = "") -> Progress:
        """Return the progress after a step, with its figures."""
        epoch = self._order.epoch(self._learner.step - 1) + 1
        message, self._learner.said = message or self._learner.said or f"epoch {epoch}", ""
        return Progress(self._stage, self._learner.step, self._learner.total, message, figures)

    def due(self) -> bool:
        """Return whether the state must be kept now: epoch finished, run finished or stop requested."""
        return self._epoch_ended() or self._run.stop_requested()

    def stopping(self) -> bool:
        """Return whether the run has to end here although something is left to do."""
        return self._is_cut_short or (self._run.stop_requested() and self._learner.step < self._learner.total)

    def keep(self) -> Iterator[Progress]:
        """Validate if an epoch ended, then write the best and the last model and the checkpoint.

        A validation that a stop cuts short is made anew by `catch_up` when the run goes on.

        Raises
        ------
        StepError
            When a weight is no number: the checkpoint there is stays.
        """
        self._learner.check_weights()
        self._learner.figures.pop(UNVALIDATED, None)
        kept = yield from world().by_first(self._kept())
        self._is_cut_short, self._learner.figures = kept

    def _kept(self) -> Steps[tuple[bool, dict[str, Any]]]:
        """Keep everything; return whether a stop cut it short, and the learner's figures."""
        try:
            if self._epoch_ended():
                figures = dict(self._validate())
                figures |= {f"{name}_averaged": value for name, value in self._of_average(self._validate).items()}
                if figures:
                    yield self.progress(figures, "validated")
                self._keep_best(figures)
            self._write_model(LAST)
        except StopAsked:
            self._is_cut_short = self._learner.figures[UNVALIDATED] = True
            self._write_stopped()
        self._learner.save(self._run)
        return self._is_cut_short, self._learner.figures

    def _of_average(self, function: Callable[[], Mapping[str, float] | None]) -> Mapping[str, float]:
        """Do something with the mean of the weights in place of the weights, where there is one."""
        if self._learner.average is None:
            return {}
        with self._learner.average.in_place():
            return function() or {}

    def _write_model(self, name: str) -> None:
        """Publish the model, and beside it that of the mean weights."""
        self._write(self._run.path / name)
        self._of_average(lambda: self._write(self._run.path / AVERAGED[name]))

    def _write_stopped(self) -> None:
        """Write the last model of a run that is stopped, with what there was no time to measure as it was before."""
        with suppress(StopAsked):
            self._write_model(LAST)

    def catch_up(self) -> Iterator[Progress]:
        """Make the validation that a stop cut short before this run was resumed."""
        if self._learner.figures.get(UNVALIDATED):
            yield from self.keep()

    def ended(self, tables: Callable[[], Mapping[str, list[list[str]]]]) -> Outcome:
        """Return how the run ended at its last step; not finished where a stop leaves the tables to be made."""
        return world().first_does(lambda: self._ended(tables))

    def _ended(self, tables: Callable[[], Mapping[str, list[list[str]]]]) -> Outcome:
        step, best = self._learner.step, self._learner.best
        try:
            return Outcome(not self._is_cut_short, step, best, {} if self._is_cut_short else tables())
        except StopAsked:
            return Outcome(False, step, best, {})

    def _epoch_ended(self) -> bool:
        return self._order.ends_epoch(self._learner.step - 1) or self._learner.step == self._learner.total

    def _keep_best(self, figures: Mapping[str, float]) -> None:
        deciding = next(iter(figures.values()), None)
        best = self._learner.figures.get("deciding")
        if deciding is None or best is None or deciding >= best:
            self._write_model(BEST)
            self._learner.figures = {"deciding": deciding, "step": self._learner.step, "figures": dict(figures)}
