"""What other tools show of a run: its events, as they come, for TensorBoard, Weights & Biases or MLflow.

Each is an extra of its own. What lies in ``events.jsonl`` is told again when a run goes on, so that a tool that was
chosen later, or one whose last lines were lost, has everything.
"""

import os
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Protocol

from napari_wsss.core.errors import ParameterError, StepError, WsssError
from training.run_folder import RunFolder

FOLDER, STORE = "tensorboard", "mlruns"
LONGEST = 600
"""Characters of what a tool says of a failure."""


class Log(Protocol):
    """Where the figures of a run go besides its own folder."""

    def note(self, step: int, figures: Mapping[str, float]) -> None:
        """Take the figures of a step."""

    def close(self) -> None:
        """End the log."""


def open_logs(names: str, run: RunFolder, say: Callable[[str], None] | None = None) -> list[Log]:
    """Return the logs named in a list like ``tensorboard,mlflow``, with what the run has noted so far.

    Parameters
    ----------
    names : str
        Of `LOGS`, separated by commas.
    run : RunFolder
    say : callable, optional
        Takes a sentence where a tool fails later on: the run goes on without it.

    Raises
    ------
    ParameterError
        For a name that is none.
    StepError
        When a tool is not installed, does not know where to, or cannot begin there.
    """
    wanted = [name.strip() for name in names.split(",") if name.strip()]
    unknown = [name for name in wanted if name not in LOGS]
    if unknown:
        raise ParameterError(f"Unknown log {', '.join(unknown)}; choose among: {', '.join(LOGS)}.", name="log")
    logs: list[Log] = []
    for name in wanted:
        try:
            logs.append(Lasting(LOGS[name](run), name, say))
        except WsssError:
            raise
        except ModuleNotFoundError as missing:
            raise StepError(
                f"--log {name} needs the package {str(missing.name).partition('.')[0]}, which is not installed: "
                f'pip install "napari-wsss[{name}]".'
            ) from missing
        except Exception as reason:  # of a server, an account, a folder: each tool has errors of its own
            raise StepError(
                f"--log {name} cannot begin: {_first_words(reason).rstrip('.')}. "
                "Mend that, or leave it out: events.jsonl has all figures."
            ) from reason
    note(logs, run.events())
    return logs


def note(logs: Sequence[Log], events: Sequence[Mapping[str, Any]]) -> None:
    """Tell logs the figures of events (lines of ``events.jsonl``)."""
    for event in events:
        figures = {f"{event['stage']}/{name}": float(value) for name, value in dict(event.get("metrics", {})).items()}
        if figures:
            for log in logs:
                log.note(int(event.get("done", 0)), figures)


class Lasting:
    """A log whose tool may fail: from then on the run goes on without it.

    Parameters
    ----------
    log : Log
    name : str
        Of the tool.
    say : callable, optional
        Takes the sentence that tells so.
    """

    def __init__(self, log: Log, name: str, say: Callable[[str], None] | None = None) -> None:
        self._log: Log | None = log
        self._name, self._say = name, say

    def note(self, step: int, figures: Mapping[str, float]) -> None:
        """Take the figures of a step."""
        if self._log is not None:
            self._tell(partial(self._log.note, step, figures))

    def close(self) -> None:
        """End the log."""
        if self._log is not None:
            self._tell(self._log.close)

    def _tell(self, what: Callable[[], None]) -> None:
        try:
            what()
        except Exception as reason:  # noqa: BLE001 - a server that is gone costs no training
            self._log = None
            if self._say is not None:
                told = "its figures stay in events.jsonl and are told anew by --resume"
                self._say(f"--log {self._name} follows no further ({_first_words(reason)}); the run goes on, {told}.")


def _first_words(reason: Exception) -> str:
    """Return what went wrong, cut where a tool tells a story."""
    text = " ".join(str(reason).split()) or type(reason).__name__
    return text if len(text) <= LONGEST else f"{text[:LONGEST]} ..."


class TensorBoard:
    """Files in the folder ``tensorboard`` of the run; ``tensorboard --logdir PROJECT/training`` shows all runs."""

    def __init__(self, run: RunFolder) -> None:
        from torch.utils.tensorboard import SummaryWriter

        # All that was noted is told anew; what lies there from an earlier sitting would be drawn twice.
        for old in sorted((run.path / FOLDER).glob("events.out.tfevents.*")):
            old.unlink()
        self._writer: Any = SummaryWriter(str(run.path / FOLDER))

    def note(self, step: int, figures: Mapping[str, float]) -> None:
        """Take the figures of a step."""
        for name, value in figures.items():
            self._writer.add_scalar(name, value, step)

    def close(self) -> None:
        """Write what is not written yet."""
        self._writer.close()


class WeightsAndBiases:
    """A run of Weights & Biases with the name of the run; `WANDB_MODE=offline` keeps it here."""

    def __init__(self, run: RunFolder) -> None:
        import wandb

        config = run.record.get("config", {})
        self._run: Any = wandb.init(
            project="napari-wsss",
            id=run.path.name,
            name=run.path.name,
            config=config,
            dir=str(run.path),
            resume="allow",
        )

    def note(self, step: int, figures: Mapping[str, float]) -> None:
        """Take the figures of a step; those of steps it has already it leaves out by itself."""
        self._run.log(dict(figures), step=step)

    def close(self) -> None:
        """Send what is not sent yet."""
        self._run.finish()


class MlFlow:
    """A run of MLflow called as the run, where `MLFLOW_TRACKING_URI` says; else in ``mlruns`` beside the runs."""

    def __init__(self, run: RunFolder) -> None:
        # Newer versions write to folders only where this is set; who said false is heard.
        os.environ.setdefault("MLFLOW_ALLOW_FILE_STORE", "true")
        import mlflow

        self._mlflow: Any = mlflow
        place = os.environ.get("MLFLOW_TRACKING_URI") or (run.path.parent / STORE).absolute().as_uri()
        mlflow.set_tracking_uri(place)
        mlflow.set_experiment("napari-wsss")
        known: Path = run.path / "mlflow_run.txt"
        identity, _, noted_at = known.read_text(encoding="utf-8").partition("\n") if known.exists() else ("", "", "")
        goes_on = identity and noted_at in ("", place)  # another store does not know it
        started = mlflow.start_run(run_id=identity if goes_on else None, run_name=run.path.name)
        known.write_text(f"{started.info.run_id}\n{place}", encoding="utf-8")

    def note(self, step: int, figures: Mapping[str, float]) -> None:
        """Take the figures of a step."""
        self._mlflow.log_metrics({name.replace("/", "."): value for name, value in figures.items()}, step=step)

    def close(self) -> None:
        """End the run."""
        self._mlflow.end_run()


LOGS: dict[str, Callable[[RunFolder], Log]] = {
    "tensorboard": TensorBoard,
    "wandb": WeightsAndBiases,
    "mlflow": MlFlow,
}
