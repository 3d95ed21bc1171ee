"""One folder per training run: `run.json`, `events.jsonl`, heartbeat and the stop file."""

from __future__ import annotations

import json
import os
import platform
import socket
import sys
import time
from collections.abc import Mapping
from contextlib import closing
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, TypeVar

from napari_wsss.core.errors import ProjectError
from napari_wsss.core.files import publish_bytes, publish_json, read_object
from napari_wsss.core.inside import not_through_links
from napari_wsss.core.progress import Progress, Steps, read_reports
from napari_wsss.core.provenance import Provenance
from napari_wsss.processes.identity import Process
from training.distributed import world

RECORD = "run.json"
EVENTS = "events.jsonl"
HEARTBEAT = "heartbeat"
STOP = "stop"
HEARTBEAT_SECONDS = 1.0
SILENT_SECONDS = 120.0
"""A run on another machine whose heartbeat is older than this is carried on by nobody."""
Result = TypeVar("Result")


class StopAsked(Exception):
    """Ends a look at many images in the midst of it, as the run is asked to stop."""


class RunFolder:
    """The files of one run; `create` a new one or `open` one to resume.

    Of several processes that train together only the first one writes, and whether a stop is asked for it decides for
    all.
    """

    def __init__(self, path: Path, record: dict[str, Any]) -> None:
        self.path = path
        self.record = record
        self._last_beat = 0.0

    @classmethod
    def create(cls, training_folder: Path, recipe: str, provenance: Provenance, record: Mapping[str, Any]) -> RunFolder:
        """Make ``<recipe>-<key>`` (``-2``, ``-3`` ... when that exists) and write its `run.json`.

        Parameters
        ----------
        record : mapping
            Plain JSON types to keep beside recipe, provenance and environment (``config``, ``classes`` ...).
        """
        not_through_links(training_folder.parent, training_folder).mkdir(parents=True, exist_ok=True)
        path = _new_folder(training_folder, f"{recipe}-{provenance.key}")
        run = cls(path, {"recipe": recipe, **record, "provenance": provenance.to_dict(), "environment": environment()})
        run.update(state="running", started=time.time(), **_this_process())
        return run

    @classmethod
    def open(cls, path: Path) -> RunFolder:
        """Return an existing run.

        Raises
        ------
        ProjectError
            When the folder holds no readable `run.json`, or a link, which going on would write through.
        """
        try:
            record = read_object(path / RECORD)
        except (OSError, ValueError) as reason:
            raise ProjectError(
                f"{path} is no training run ({reason}); give a folder below the project's training folder."
            ) from reason
        for inside in path.iterdir():
            not_through_links(path, inside)
        return cls(path, record)

    def update(self, **changes: Any) -> None:
        """Change entries of `run.json` and publish it."""
        self.record.update(changes)
        if world().is_first:
            publish_json(self.path / RECORD, self.record, indent=2, default=str)

    def resume(self, finished_steps: int) -> None:
        """Mark the run as running again: forget events after the checkpoint."""
        if not world().is_first:
            return
        kept = [event for event in self.events() if event.get("done", 0) <= finished_steps]
        publish_bytes(self.path / EVENTS, "".join(json.dumps(event) + "\n" for event in kept).encode())
        self.update(state="running", resumed=time.time(), **_this_process())

    def request_stop(self) -> None:
        """Ask the run to stop at its next step."""
        (self.path / STOP).touch()

    def forget_stop(self) -> None:
        """Take back what `request_stop` asked for."""
        if world().is_first:
            (self.path / STOP).unlink(missing_ok=True)

    def has_stop(self) -> bool:
        """Return whether a `stop` file is seen in the folder here and now."""
        return (self.path / STOP).exists()

    def stop_requested(self) -> bool:
        """Return whether somebody put a `stop` file into the folder; all processes ask at once and hear the same."""
        return world().agreed(self.has_stop())

    def ask(self) -> None:
        """Raise `StopAsked` when somebody put a `stop` file into the folder: between two images of a long look."""
        if self.stop_requested():
            raise StopAsked

    def note(self, progress: Progress, **facts: object) -> None:
        """Append one progress, and facts for programs that follow, to `events.jsonl` and refresh the heartbeat."""
        if not world().is_first:
            return
        with (self.path / EVENTS).open("a", encoding="utf-8") as file:
            file.write(json.dumps({**progress.to_dict(), **facts, "time": round(time.time(), 3)}) + "\n")
        self.beat()

    def beat(self) -> None:
        """Refresh the heartbeat (at most once a second): process id, host and time of this living run."""
        if time.monotonic() - self._last_beat < HEARTBEAT_SECONDS or not world().is_first:
            return
        self._last_beat = time.monotonic()
        living = {"pid": os.getpid(), "host": socket.gethostname(), "time": time.time()}
        temporary = self.path / f".{HEARTBEAT}.{os.getpid()}.tmp"
        temporary.unlink(missing_ok=True)
        temporary.write_text(json.dumps(living), encoding="utf-8")
        temporary.replace(self.path / HEARTBEAT)

    def is_carried_on(self) -> bool:
        """Return whether a process works on this run; one on another machine is known by its heartbeat."""
        if self.record.get("state") != "running":
            return False
        lives = Process.from_dict(self.record.get("process", {})).lives(float(self.record.get("started", 0.0)))
        if lives is not None:
            return lives
        try:
            beat = read_object(self.path / HEARTBEAT)
            return time.time() - float(beat["time"]) < SILENT_SECONDS
        except (OSError, ValueError, KeyError, TypeError):
            return False

    def events(self) -> list[dict[str, Any]]:
        """Return the noted progress as plain records; what is none (the torn last line of a killed run) is left out."""
        return read_reports(self.path / EVENTS)[0]

    def finish(self, state: str, **results: Any) -> None:
        """Write how the run ended (``done``, ``stopped``, ``failed``) and drop the heartbeat."""
        if world().is_first:
            (self.path / HEARTBEAT).unlink(missing_ok=True)
        self.update(state=state, ended=time.time(), **results)


def by_first(steps: Steps[Result], run: RunFolder) -> Steps[Result]:
    """Let the first process carry out steps alone; the others wait for the result and for what it noted of the run."""
    found, run.record = yield from world().by_first(_with_record(steps, run))
    return found


def _with_record(steps: Steps[Result], run: RunFolder) -> Steps[tuple[Result, dict[str, Any]]]:
    with closing(steps):
        found = yield from steps
    return found, run.record


def _this_process() -> dict[str, Any]:
    """Return what tells this process from a later one that gets its number."""
    mine = Process.this()
    return {"pid": mine.pid, "process": mine.to_dict()}


def _new_folder(parent: Path, name: str) -> Path:
    number = 1
    while True:
        path = parent / (name if number == 1 else f"{name}-{number}")
        try:
            path.mkdir()
        except FileExistsError:
            number += 1
        else:
            return path


def environment() -> dict[str, Any]:
    """Return what a result may depend on besides its configuration: versions, platform, command."""
    packages = {}
    for name in ("napari-wsss", "torch", "numpy", "pillow", "safetensors", "scikit-learn", "pydensecrf2"):
        try:
            packages[name] = version(name)
        except PackageNotFoundError:
            continue
    return {
        "python": platform.python_version(),
        "platform": platform.platform(),
        "cores": os.cpu_count(),
        "packages": packages,
        "command": [Path(sys.argv[0]).name, *sys.argv[1:]],
    }
