"""Keeps a second writer out of a project: a lock file naming machine, process and start time of its holder."""

from __future__ import annotations

import errno
import os
import secrets
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from napari_wsss.core.errors import ProjectError
from napari_wsss.core.files import publish_json, read_object, text
from napari_wsss.core.inside import not_through_links
from napari_wsss.processes.identity import Process

LOCK_NAME = "project.lock"
MOST_BYTES = 2**16


@dataclass(frozen=True)
class Holder:
    """Who holds a lock: a process, and a token that tells one holding from the next."""

    process: Process
    token: str

    @classmethod
    def this_process(cls) -> Holder:
        """Return a new holder for the running process."""
        return cls(Process.this(), secrets.token_hex(8))

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON types."""
        return {**self.process.to_dict(), "token": self.token}


class ProjectLock:
    """The lock of one project folder, held from `acquire` to `release`."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / LOCK_NAME
        self._held: Holder | None = None

    def acquire(self, *, take_over: bool = False) -> None:
        """Take the lock, also from a holder that has died.

        Parameters
        ----------
        take_over : bool
            A person says that nobody else has the project open: take it too from a holder of whom that is not known.

        Raises
        ------
        ProjectError
            When a living process holds it, or one that may live on another machine or in another container (then
            ``take_over_possible`` is True); ``read_only_possible`` is True in both cases. Also when it is a link.
        """
        mine = Holder.this_process()
        guard = self.path.with_name(f".{LOCK_NAME}.guard")
        for path in (self.path, guard):
            not_through_links(self.path.parent, path)
        try:
            with _guard(guard) as file:
                _check_locks(self.path.parent, file)
                self._take(mine, take_over)
        except OSError as reason:
            raise ProjectError(
                f"The folder {self.path.parent} cannot be written ({reason.strerror}), so the project cannot be "
                "opened for changes. Open it read-only, or correct the permissions.",
                read_only_possible=True,
            ) from reason
        self._held = mine

    def _take(self, mine: Holder, take_over: bool) -> None:
        holder = read_holder(self.path)
        lives = holder.process.lives(_written(self.path)) if holder is not None else False
        if holder is not None and (lives or (lives is None and not take_over)):
            raise _held(self.path, holder.process, lives is None)
        publish_json(self.path, mine.to_dict())

    def release(self) -> None:
        """Give the lock back; does nothing when it is not (or no longer) ours.

        A file that the disk does not let go stays: who opens the project next finds that its process is gone.
        """
        held, self._held = self._held, None
        with suppress(OSError):
            if held is not None and read_holder(self.path) == held:
                self.path.unlink(missing_ok=True)


def _held(path: Path, process: Process, is_unknown: bool) -> ProjectError:
    where = f"in process {process.pid} on {process.host}"
    if not is_unknown:
        words = f"The project {path.parent} is open {where}. Close it there, or open it read-only here."
    elif process.host == socket.gethostname():
        words = (
            f"The project {path.parent} was opened {where}: another machine or container that is also called so, or "
            "this one before it was started again. Open it read-only, or make sure that nobody has it open and take "
            f"it over (in the window, or delete {path})."
        )
    else:
        words = (
            f"The project {path.parent} is open {where}. Close it there, or open it read-only here. If that process no "
            f"longer exists, take it over (in the window, or delete {path})."
        )
    return ProjectError(words, read_only_possible=True, take_over_possible=is_unknown)


def read_holder(path: Path) -> Holder | None:
    """Return who holds the lock file `path`; None when it is absent or was never completely written."""
    try:
        record = read_object(path, MOST_BYTES)
    except (FileNotFoundError, ValueError):
        return None
    holder = Holder(Process.from_dict(record), text(record, "token"))
    return holder if holder.process.host and holder.token else None


def _written(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0


def is_held(folder: Path) -> bool:
    """Tell whether a living process, or perhaps one on another machine, has the project in `folder` open."""
    path = folder / LOCK_NAME
    try:
        holder = read_holder(path)
    except OSError:  # not even a file
        return False
    return holder is not None and holder.process.lives(_written(path)) is not False


def _check_locks(folder: Path, file: IO[bytes]) -> None:
    """Raise `ProjectError` where the file system has no POSIX locks: SQLite would wait for them in vain."""
    if os.name != "posix":
        return
    import fcntl

    try:
        fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as reason:
        if reason.errno in (errno.EACCES, errno.EAGAIN):
            return
        raise ProjectError(
            f"{folder} is on a share or file system without file locks ({reason.strerror}), which the project's "
            "database needs; nothing is wrong with the project. Mount the share with locks, put the project on "
            "another disk, or open it read-only.",
            read_only_possible=True,
        ) from reason


@contextmanager
def _guard(path: Path) -> Iterator[IO[bytes]]:
    """Let one process at a time look at and take the lock; the system frees the guard when a process dies."""
    with path.open("a+b") as file:
        if os.name == "posix":
            import fcntl

            with suppress(OSError):  # some network file systems know no such locks; the lock file must do there
                fcntl.flock(file, fcntl.LOCK_EX)
        elif sys.platform == "win32":
            import msvcrt

            msvcrt.locking(file.fileno(), msvcrt.LK_LOCK, 1)
        yield file
