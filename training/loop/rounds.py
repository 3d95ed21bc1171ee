"""Trainings that consist of several, one after the other: their folders inside the run's, counting, and resuming."""

import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from napari_wsss.core.files import publish, publish_json, read_object
from napari_wsss.core.inside import not_through_links
from napari_wsss.core.progress import Progress, Steps, retold
from napari_wsss.weights.checkpoint import load_checkpoint
from training.distributed import world
from training.loop.checkpoints import BEST, LAST, RESUME
from training.loop.milestones import Outcome
from training.run_folder import RunFolder

FINISHED = "outcome.json"
Result = TypeVar("Result")


class RoundFolder(RunFolder):
    """The files of one round inside the folder of its run, which it stops with."""

    def __init__(self, run: RunFolder, number: int) -> None:
        super().__init__(not_through_links(run.path, run.path / f"round-{number}"), {})
        self._run = run

    def stop_requested(self) -> bool:
        """Return whether the run is asked to stop."""
        return self._run.stop_requested()

    def has_stop(self) -> bool:
        """Return whether a `stop` file is seen in the run's folder."""
        return self._run.has_stop()

    def update(self, **changes: Any) -> None:
        """Change entries of the run's `run.json`: a round has none."""
        self._run.update(**changes)

    def resume(self, finished_steps: int) -> None:
        """Do nothing: the run as a whole was resumed."""

    def outcome(self) -> Outcome | None:
        """Return how the round ended, None when it did not yet."""
        try:
            kept = read_object(self.path / FINISHED)
            return Outcome(True, kept["steps"], kept["figures"], kept["tables"])
        except (OSError, ValueError, KeyError):
            return None

    def steps_kept(self) -> int:
        """Return the steps at which an unfinished round can go on."""
        kept = self.path / RESUME
        return int(load_checkpoint(kept)[1]["step"]) if kept.exists() else 0

    def conclude(self, outcome: Outcome) -> None:
        """Make the round's models those of the run and keep how it ended; what only resuming needs is deleted."""
        if not world().is_first:
            return
        self.publish_models()
        record = {"steps": outcome.steps, "figures": dict(outcome.figures), "tables": dict(outcome.tables)}
        publish_json(self.path / FINISHED, record)
        for name in (BEST, RESUME):
            (self.path / name).unlink(missing_ok=True)

    def publish_models(self) -> None:
        """Make the round's models those of the run."""
        for name in (BEST, LAST):
            if world().is_first and (self.path / name).exists():
                copy_file(self.path / name, self._run.path / name)


def copy_file(source: Path, target: Path) -> None:
    """Copy a file; at `target` there is never half of one."""
    with source.open("rb") as model, publish(target) as file:
        shutil.copyfileobj(model, file)


def steps_done(rounds: Sequence[RoundFolder], totals: Sequence[int]) -> int:
    """Return the steps of a whole run that are kept.

    Parameters
    ----------
    rounds : sequence of RoundFolder
        In their order.
    totals : sequence of int
        The steps of each.
    """
    before = 0
    for folder, total in zip(rounds, totals, strict=True):
        if not (folder.path / FINISHED).exists():
            return before + min(folder.steps_kept(), total)
        before += total
    return before


def counted(
    steps: Steps[Result], stage: str, before: int, total: int, what: str, *, standing: bool = False
) -> Steps[Result]:
    """Count the steps of one round as those of the whole run.

    Parameters
    ----------
    steps : generator of Progress
    stage : str
        Of the run.
    before, total : int
        Steps before the round, and of the whole run.
    what : str
        Put before every message.
    standing : bool
        True where they are no steps of a training: the count stands still.
    """

    def told(progress: Progress) -> Progress:
        done = before + (0 if standing else progress.done)
        return replace(progress, stage=stage, done=done, total=total, message=f"{what}: {progress.message}")

    return retold(steps, told)
