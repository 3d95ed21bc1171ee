"""The training runs of a project as their folders tell it: JSON only, so no torch is needed to look at them."""

import json
import socket
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal

from napari_wsss.core.progress import Progress
from napari_wsss.project.lock import process_start

RunState = Literal["running", "done", "stopped", "interrupted", "failed"]
CHECKPOINTS = ("best.safetensors", "last.safetensors")
OF_PARTS = ("start",)
"""Stages whose runs train nothing themselves: their parts are runs of their own."""
PAUSE = 600.0
SILENT_SECONDS = 120.0
"""A run on another machine whose heartbeat is older than this counts as interrupted."""


@dataclass(frozen=True)
class RunInfo:
    """One training run.

    Parameters
    ----------
    folder : Path
    stage : str
        ``classifier``, ``segmentation`` ...
    state : str
        ``interrupted`` means: it says it is running, but no process is; it can be resumed.
    message : str
        The last line it said.
    done, total : int
        Steps.
    started : float
        Seconds since the epoch.
    config : mapping
        What it was told (``config`` of run.json).
    pid : int
        Its process, 0 when unknown.
    figures : mapping of str to float
        Validation figures of its best model; empty before it ended.
    seconds : float
        From its first to its last report, 0.0 when unknown.
    platform : str
        Operating system and machine it ran on.
    """

    folder: Path
    stage: str
    state: RunState
    message: str = ""
    done: int = 0
    total: int = 0
    started: float = 0.0
    config: Mapping[str, Any] = field(default_factory=dict)
    pid: int = 0
    figures: Mapping[str, float] = field(default_factory=dict)
    seconds: float = 0.0
    platform: str = ""

    @property
    def checkpoint(self) -> Path | None:
        """The best checkpoint, else the last one; None before the first epoch ended."""
        return next((path for name in CHECKPOINTS if (path := self.folder / name).exists()), None)

    @property
    def can_resume(self) -> bool:
        """True when it ended before its time and left a checkpoint, or has parts that did."""
        left = self.stage in OF_PARTS or (self.folder / CHECKPOINTS[1]).exists()
        return left and self.state in ("stopped", "interrupted", "failed")

    def history(self) -> list[Progress]:
        """Return every report of the run, for the plot."""
        return [Progress.from_dict(record) for record in read_events(self.folder)]


def runs_in(training_folder: Path) -> list[RunInfo]:
    """Return the runs of a project's training folder, newest first; folders that are no runs are left out."""
    folders = [path.parent for path in training_folder.glob("*/run.json")] if training_folder.is_dir() else []
    found = [run for folder in folders if (run := read_run(folder)) is not None]
    return sorted(found, key=lambda run: run.started, reverse=True)


def read_run(folder: Path) -> RunInfo | None:
    """Return what a run folder tells, None when it holds no readable ``run.json``."""
    record = _read_json(folder / "run.json")
    if record is None:
        return None
    events = read_events(folder)
    last = events[-1] if events else {}
    return RunInfo(
        folder=folder,
        stage=str(record.get("recipe", record.get("stage", folder.name.partition("-")[0]))),
        state=_state(folder, record),
        message=str(record.get("error", "") or last.get("message", "")),
        done=int(last.get("done", 0)),
        total=int(last.get("total", 0)),
        started=float(record.get("started", 0.0)),
        config=dict(record.get("config", {})),
        pid=int(record.get("pid", 0)),
        figures=_numbers(record.get("figures")),
        seconds=seconds_between(events),
        platform=str(_mapping(record.get("environment")).get("platform", "")),
    )


def seconds_between(events: Sequence[Mapping[str, Any]]) -> float:
    """Return the seconds a run worked; pauses of more than `PAUSE` (it was stopped and resumed) do not count."""
    times = [float(event["time"]) for event in events if "time" in event]
    gaps = (after - before for before, after in pairwise(times))
    return sum(gap for gap in gaps if 0 < gap < PAUSE)


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _numbers(value: Any) -> dict[str, float]:
    return {str(k): float(v) for k, v in _mapping(value).items() if isinstance(v, int | float)}


def read_events(folder: Path) -> list[dict[str, Any]]:
    """Return the lines of ``events.jsonl``; a line torn by a killed run is left out."""
    try:
        lines = (folder / "events.jsonl").read_text(encoding="utf-8").splitlines()
    except OSError:
        return []
    return [record for line in lines if (record := parse_line(line)) is not None]


def parse_line(line: str) -> dict[str, Any] | None:
    """Return the JSON object in a line, None when it is something else."""
    try:
        record = json.loads(line)
    except ValueError:
        return None
    return record if isinstance(record, dict) else None


def is_alive(folder: Path, record: Mapping[str, Any]) -> bool:
    """Return True when a process is still working on a run that says it is running."""
    beat = _read_json(folder / "heartbeat") or {}
    host = str(beat.get("host", socket.gethostname()))
    if host != socket.gethostname():
        return time.time() - float(beat.get("time", 0.0)) < SILENT_SECONDS
    pid = int(record.get("pid", beat.get("pid", 0)))
    return pid > 0 and process_start(pid) != ""


def _state(folder: Path, record: Mapping[str, Any]) -> RunState:
    said = str(record.get("state", "interrupted"))
    if said in ("done", "stopped", "failed"):
        return said  # type: ignore[return-value]
    return "running" if is_alive(folder, record) else "interrupted"


def _read_json(path: Path) -> dict[str, Any] | None:
    try:
        return parse_line(path.read_text(encoding="utf-8"))
    except OSError:
        return None
