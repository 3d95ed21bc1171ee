"""The training runs of a project as their folders tell it: JSON only, so no torch is needed to look at them."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from socket import gethostname
from typing import Any, Literal

from napari_wsss.core.files import mapping, number, numbers, parsed_object, read_object, text, whole
from napari_wsss.core.inside import is_link
from napari_wsss.core.progress import Progress, read_reports
from napari_wsss.processes.identity import Process, process_start

RunState = Literal["running", "done", "stopped", "interrupted", "failed"]
RECORD, EVENTS, HEARTBEAT = "run.json", "events.jsonl", "heartbeat"
CHECKPOINTS = ("best.safetensors", "last.safetensors")
_KINDS: Mapping[str, tuple[type, ...]] = {
    **dict.fromkeys(("recipe", "stage", "state", "error"), (str,)),
    **dict.fromkeys(("config", "figures", "environment", "process"), (dict,)),
    **dict.fromkeys(("started", "pid"), (float, int)),
}
"""Entry of a run's record -> what it may be."""
LATEST = 2.0**32
"""Seconds since 1970 that every system can turn into a date."""
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
    process : Process, optional
        That works on it; None in runs of earlier versions.
    lost_lines : int
        Of its reports, that cannot be read.
    left_out : mapping of str to str
        Image id -> why it went on without that image.
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
    process: Process | None = None
    lost_lines: int = 0
    left_out: Mapping[str, str] = field(default_factory=dict)

    @property
    def clock(self) -> str:
        """When it began, as a person knows it by: ``30 Nov 17:55``."""
        return time.strftime("%d %b %H:%M", time.localtime(self.started))

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
    found = [run for folder in _run_folders(training_folder) if (run := read_run(folder)) is not None]
    return sorted(found, key=lambda run: run.started, reverse=True)


def unreadable_in(training_folder: Path) -> dict[str, str]:
    """Return the runs of a training folder that `runs_in` leaves out, wholly or in part, and why."""
    found: dict[str, str] = {}
    for folder in _run_folders(training_folder):
        try:
            _read_record(folder)
        except (OSError, ValueError) as reason:
            found[folder.name] = f"its {RECORD} cannot be read ({reason})"
            continue
        run = read_run(folder)
        if run is not None and run.lost_lines:
            found[folder.name] = f"{run.lost_lines} of its reports cannot be read"
    return found


def _run_folders(training_folder: Path) -> list[Path]:
    """Return the folders that say they are runs; a link is none, as going on with it would write elsewhere."""
    if not training_folder.is_dir() or is_link(training_folder):
        return []
    return [path.parent for path in sorted(training_folder.glob(f"*/{RECORD}")) if not is_link(path.parent)]


def _read_record(folder: Path) -> dict[str, Any]:
    """Return a run's record; raise `OSError` or `ValueError` where it cannot be read or holds other kinds of values."""
    record = read_object(folder / RECORD)
    for name, kinds in _KINDS.items():
        if not isinstance(record.get(name, kinds[0]()), kinds):
            raise ValueError(f"its entry {name!r} is a {type(record[name]).__name__}")
    return record


def read_run(folder: Path) -> RunInfo | None:
    """Return what a run folder tells, None when it holds no readable ``run.json``."""
    try:
        record = _read_record(folder)
    except (OSError, ValueError):
        return None
    events, lost = read_reports(folder / EVENTS)
    last = Progress.from_dict(events[-1] if events else {})
    return RunInfo(
        folder=folder,
        stage=text(record, "recipe") or text(record, "stage") or folder.name.partition("-")[0],
        state=_state(folder, record),
        message=text(record, "error") or last.message,
        done=last.done,
        total=last.total,
        started=min(max(0.0, number(record, "started")), LATEST),
        config=mapping(record, "config"),
        pid=whole(record, "pid"),
        figures=numbers(record, "figures"),
        seconds=seconds_between(events),
        platform=text(mapping(record, "environment"), "platform"),
        process=_process_of(record),
        lost_lines=lost,
        left_out={name: why for name, why in mapping(record, "left_out").items() if isinstance(why, str)},
    )


def seconds_between(events: Sequence[Mapping[str, Any]]) -> float:
    """Return the seconds a run worked; pauses of more than `PAUSE` (it was stopped and resumed) do not count."""
    times = [number(event, "time") for event in events if "time" in event]
    gaps = (after - before for before, after in pairwise(times))
    return sum(gap for gap in gaps if 0 < gap < PAUSE)


def read_events(folder: Path) -> list[dict[str, Any]]:
    """Return the reports of a run; a line that is none (torn by a killed run) is left out."""
    return read_reports(folder / EVENTS)[0]


def parse_line(line: str) -> dict[str, Any] | None:
    """Return the JSON object in a line, None when it is something else."""
    try:
        return parsed_object(line)
    except ValueError:
        return None


def is_running(folder: Path) -> bool:
    """Tell whether a run says it is running and a process works on it; its reports are not read."""
    try:
        return _state(folder, _read_record(folder)) == "running"
    except (OSError, ValueError):
        return False


def is_alive(folder: Path, record: Mapping[str, Any]) -> bool:
    """Return True when a process is still working on a run that says it is running."""
    process = _process_of(record)
    lives = process.lives() if process is not None else None
    if lives is not None:
        return lives
    try:
        beat = read_object(folder / HEARTBEAT)
    except (OSError, ValueError):
        beat = {}
    if process is None and text(beat, "host", gethostname()) == gethostname():  # written by an earlier version
        pid = whole(record, "pid") or whole(beat, "pid")
        return pid > 0 and process_start(pid) != ""
    return time.time() - number(beat, "time") < SILENT_SECONDS


def _process_of(record: Mapping[str, Any]) -> Process | None:
    return Process.from_dict(mapping(record, "process")) if mapping(record, "process") else None


def _state(folder: Path, record: Mapping[str, Any]) -> RunState:
    said = text(record, "state", "interrupted")
    if said in ("done", "stopped", "failed"):
        return said  # type: ignore[return-value]
    return "running" if is_alive(folder, record) else "interrupted"
