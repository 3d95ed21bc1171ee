"""Leases: for a while one worker alone works on something, wherever the others run; a dead one's work is taken over.

A lease is a file ``<name>.<generation>`` that says who holds it, since when and until when it holds unless it is
renewed. One file each instead of one SQLite file for all: making a file that must not exist yet is the one thing that
every shared file system (NFS from version 3, Lustre, GPFS, BeeGFS, SMB) does for one of several machines only, while
locks of parts of a file, which SQLite stands on, are often switched off there or only pretended.

- Whether a lease is over is asked of its process, where that runs on this machine, and else of the file server's own
  clock: the file's time of change against that of a file written now. The clocks of the machines need not agree.
- A lease that is over is never changed or removed to be taken: its taker makes the next generation, which again one of
  several succeeds in. Whoever finds somebody else's beside his own steps back.
- A holder who slept too long finds the next generation, and stops: `Lease.is_held`.
"""

from __future__ import annotations

import json
import os
import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from napari_wsss.core.files import number, parsed_object, read_regular
from napari_wsss.core.inside import not_through_links
from napari_wsss.processes.identity import Process

SECONDS = 120.0
"""How long a lease holds without being renewed; it is renewed four times as often."""
_RENEWALS = 4
_MOST_BYTES = 2**16
_CLOCK = ".clock-"


@dataclass(frozen=True)
class Holding:
    """A lease as others see it.

    Parameters
    ----------
    name : str
        Of what is leased.
    generation : int
        From 1; above that it was taken over so many times.
    process : Process
        Who holds it.
    since, until : float
        When it was taken, and how long it holds unless it is renewed, in seconds since 1970.
    is_over : bool
        True when its holder has died, or has not renewed it in time.
    """

    name: str
    generation: int
    process: Process
    since: float
    until: float
    is_over: bool


class Lease:
    """A lease this process holds, until `release`; made by `Leases.take`."""

    def __init__(self, path: Path, name: str, generation: int, before: tuple[Path, ...]) -> None:
        self.name, self.generation = name, generation
        self._path, self._before, self._held = path, before, True

    @property
    def is_held(self) -> bool:
        """False once somebody else has taken it over, because it was not renewed in time."""
        return self._held

    def renew(self, later: int) -> None:
        """Let it hold on from now; it is lost where there is a `later` generation."""
        if later > self.generation:
            self._held = False
        elif self._held:
            with suppress(FileNotFoundError):  # somebody deleted all results: nobody else can hold it then
                os.utime(self._path)

    def release(self) -> None:
        """Give it back, and clear away those it was taken over from: oldest first, so that one stands to the end."""
        for path in (*self._before, self._path):
            path.unlink(missing_ok=True)
        self._held = False


class Leases:
    """The leases in one folder; a context manager that gives back whatever it still holds.

    Parameters
    ----------
    folder : Path
        Made when the first lease is taken.
    seconds : float
        How long a lease holds without being renewed.
    """

    def __init__(self, folder: Path, seconds: float = SECONDS) -> None:
        self.folder, self.seconds = folder, seconds
        self._process = Process.this()
        self._mine: dict[str, Lease] = {}
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._renewer: threading.Thread | None = None

    def __enter__(self) -> Leases:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def take(self, name: str) -> Lease | None:
        """Return the lease of `name`, None while somebody else (or this process) holds it.

        Parameters
        ----------
        name : str
            A file's name without a dot.
        """
        found = self._generations(name)
        if any(not self._is_over(path) for path in found.values()):
            return None
        generation = max(found, default=0) + 1
        mine = self.folder / f"{name}.{generation}"
        not_through_links(self.folder.parent, mine)
        self.folder.mkdir(parents=True, exist_ok=True)
        try:
            with mine.open("xb") as file:
                file.write(self._words())
        except FileExistsError:
            return None
        # One who looked before this and was slower than a whole lease has made another one: both step back.
        if self._generations(name).keys() - found.keys() - {generation}:
            mine.unlink(missing_ok=True)
            return None
        lease = Lease(mine, name, generation, tuple(found[at] for at in sorted(found)))
        with self._lock:
            self._mine[name] = lease
            if self._renewer is None:
                self._renewer = threading.Thread(target=self._renew, name="wsss-leases", daemon=True)
                self._renewer.start()
        return lease

    def release(self, lease: Lease) -> None:
        """Give one back."""
        with self._lock:
            self._mine.pop(lease.name, None)
        lease.release()

    def close(self) -> None:
        """Give all back and end the renewing; safe to call twice."""
        self._over.set()
        if self._renewer is not None:
            self._renewer.join()
        for lease in list(self._mine.values()):
            self.release(lease)

    def holdings(self) -> Iterator[Holding]:
        """Yield the newest lease of every name, in the order of the names."""
        newest: dict[str, int] = {}
        for name, generation in self._entries():
            newest[name] = max(generation, newest.get(name, 0))
        for name, generation in sorted(newest.items()):
            path = self.folder / f"{name}.{generation}"
            process, since, seconds, renewed = _read(path)
            if renewed is not None:
                yield Holding(name, generation, process, since, renewed + seconds, self._is_over(path))

    # -- the files ----------------------------------------------------------------------------------------

    def _words(self) -> bytes:
        now = time.time()
        record = {**self._process.to_dict(), "since": now, "until": now + self.seconds, "seconds": self.seconds}
        return json.dumps(record).encode()

    def _entries(self) -> Iterator[tuple[str, int]]:
        try:
            names = os.listdir(self.folder)
        except FileNotFoundError:
            return
        for entry in names:
            name, _, generation = entry.rpartition(".")
            if name and generation.isdecimal():
                yield name, int(generation)

    def _generations(self, name: str) -> dict[int, Path]:
        return {at: self.folder / f"{name}.{at}" for found, at in self._entries() if found == name}

    def _is_over(self, path: Path) -> bool:
        process, _, seconds, renewed = _read(path)
        if renewed is None:  # given back just now
            return True
        if process.host and process.lives(renewed) is False:
            return True
        return self._now() - renewed > seconds

    def _now(self) -> float:
        """Return the time by the clock that the files' times of change are by."""
        path = self.folder / f"{_CLOCK}{secrets.token_hex(8)}"
        try:
            path.touch(exist_ok=False)
            return path.stat().st_mtime
        except OSError:  # who only looks may not be allowed to write
            return time.time()
        finally:
            with suppress(OSError):
                path.unlink(missing_ok=True)

    def _renew(self) -> None:
        while not self._over.wait(self.seconds / _RENEWALS):
            with suppress(OSError):  # a share that is gone for a moment
                self.renew()

    def renew(self) -> None:
        """Renew all that are held; a thread does it in time."""
        newest: dict[str, int] = {}
        for name, generation in self._entries():
            newest[name] = max(generation, newest.get(name, 0))
        with self._lock:
            for lease in self._mine.values():
                lease.renew(newest.get(lease.name, 0))


def _read(path: Path) -> tuple[Process, float, float, float | None]:
    """Return holder, when it was taken, for how many seconds, and when it was renewed last (None: it is gone)."""
    try:
        renewed = path.stat().st_mtime
        content = read_regular(path, _MOST_BYTES)
    except OSError:
        return Process("", 0, ""), 0.0, SECONDS, None
    try:
        record = parsed_object(content)
    except ValueError:  # being written just now, or its writer was killed then
        record = {}
    return Process.from_dict(record), number(record, "since"), number(record, "seconds", SECONDS) or SECONDS, renewed
