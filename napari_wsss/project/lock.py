"""Keeps a second writer out of a project: a lock file naming host, process and start time of its holder."""

from __future__ import annotations

import json
import os
import secrets
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from napari_wsss.core.children import said_by
from napari_wsss.core.errors import ProjectError

LOCK_NAME = "project.lock"


@dataclass(frozen=True)
class Holder:
    """Who holds a lock. `started` tells a process from a later one that got the same number."""

    host: str
    pid: int
    started: str
    token: str

    @classmethod
    def this_process(cls) -> Holder:
        """Return a new holder for the running process."""
        return cls(socket.gethostname(), os.getpid(), process_start(os.getpid()), secrets.token_hex(8))

    def is_gone(self) -> bool:
        """Tell whether the holder is known to have ended; never for a holder on another machine."""
        return self.host == socket.gethostname() and process_start(self.pid) != self.started


class ProjectLock:
    """The lock of one project folder, held from `acquire` to `release`."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / LOCK_NAME
        self._held: Holder | None = None

    def acquire(self) -> None:
        """Take the lock, also from a holder that has died.

        Raises
        ------
        ProjectError
            When a living process (or one on another machine) holds it; ``read_only_possible`` is then True.
        """
        mine = Holder.this_process()
        try:
            with _guard(self.path.with_name(f".{LOCK_NAME}.guard")):
                self._take(mine)
        except OSError as reason:
            raise ProjectError(
                f"The folder {self.path.parent} cannot be written ({reason.strerror}), so the project cannot be "
                "opened for changes. Open it read-only, or correct the permissions.",
                read_only_possible=True,
            ) from reason
        self._held = mine

    def _take(self, mine: Holder) -> None:
        holder = read_holder(self.path)
        if holder is not None and not holder.is_gone():
            raise ProjectError(
                f"The project {self.path.parent} is open in process {holder.pid} on {holder.host}. Close it there, "
                f"or open it read-only here. If that process no longer exists, delete {self.path}.",
                read_only_possible=True,
            )
        self.path.write_text(json.dumps(asdict(mine)), encoding="utf-8")

    def release(self) -> None:
        """Give the lock back; does nothing when it is not (or no longer) ours."""
        if self._held is not None and read_holder(self.path) == self._held:
            self.path.unlink(missing_ok=True)
        self._held = None


def read_holder(path: Path) -> Holder | None:
    """Return who holds the lock file `path`; None when it is absent or was never completely written."""
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        return Holder(str(record["host"]), int(record["pid"]), str(record["started"]), str(record["token"]))
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return None


def is_held(folder: Path) -> bool:
    """Tell whether a living process, or one on another machine, has the project in `folder` open for writing."""
    holder = read_holder(folder / LOCK_NAME)
    return holder is not None and not holder.is_gone()


def process_start(pid: int) -> str:
    """Return what identifies the run of process `pid` on this machine, "" when no such process runs."""
    if sys.platform.startswith("linux"):
        try:
            boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            return ""
        ended = fields[0] in "ZX"  # a zombie holds nothing any more
        return "" if ended else f"{boot} {fields[19]}"
    if os.name == "nt":
        command = ["tasklist", "/FI", f"PID eq {pid}", "/FO", "CSV", "/NH"]
        return "running" if f'"{pid}"' in said_by(command) else ""
    return said_by(["ps", "-o", "lstart=", "-p", str(pid)]).strip()


@contextmanager
def _guard(path: Path) -> Iterator[None]:
    """Let one process at a time look at and take the lock; the system frees the guard when a process dies."""
    with path.open("a+b") as file:
        if os.name == "posix":
            import fcntl

            with suppress(OSError):  # some network file systems know no such locks; the lock file must do there
                fcntl.flock(file, fcntl.LOCK_EX)
        elif sys.platform == "win32":
            import msvcrt

            msvcrt.locking(file.fileno(), msvcrt.LK_LOCK, 1)
        yield
