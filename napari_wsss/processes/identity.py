"""Which process wrote something down, and whether it still runs: machine, start of the machine, start of the process.

Host names and process numbers come again: machines and containers share names, numbers are used anew after a restart.
"""

from __future__ import annotations

import os
import socket
import sys
import uuid
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from napari_wsss.core.files import text, whole

MACHINE_FILES = ("/etc/machine-id", "/var/lib/dbus/machine-id")
BOOT_FILE = Path("/proc/sys/kernel/random/boot_id")
FIRST_SPACE = "pid:[4026531836]"
"""What Linux calls the process numbers of the machine itself; a container has its own."""
_MULTICAST = 1 << 40


@dataclass(frozen=True)
class System:
    """A running operating system, as a process sees it.

    Parameters
    ----------
    machine : str
        Stays when it is started again; "" where nothing tells.
    boot : str
        Changes when it is started again; "" where nothing tells.
    space : str
        Of process numbers: every container has its own.
    """

    machine: str
    boot: str
    space: str

    @classmethod
    @lru_cache(maxsize=1)
    def here(cls) -> System:
        """Return the system this process runs on."""
        if not sys.platform.startswith("linux"):
            node = uuid.getnode()
            return cls("" if node & _MULTICAST else f"{node:012x}", "", "")  # that bit marks an invented number
        machine = next((found for path in MACHINE_FILES if (found := _line(Path(path)))), "")
        try:
            space = os.readlink("/proc/self/ns/pid")
        except OSError:
            space = ""
        return cls(machine, _line(BOOT_FILE), space)

    def __str__(self) -> str:
        return " ".join(part or "-" for part in (self.machine, self.boot, self.space))

    def was_started_again_after(self, noted: float) -> bool:
        """Tell whether this is surely the machine that is here, which has started again since the time `noted`."""
        here = System.here()
        plain = self.space == here.space == FIRST_SPACE
        return plain and bool(self.machine) and self.machine == here.machine and 0 < noted < boot_time()


@dataclass(frozen=True)
class Process:
    """A process as it is written down. `started` tells it from a later one that got the same number."""

    host: str
    pid: int
    started: str
    system: str = ""

    @classmethod
    def this(cls) -> Process:
        """Return the running process."""
        return cls(socket.gethostname(), os.getpid(), process_start(os.getpid()), str(System.here()))

    @classmethod
    def from_dict(cls, record: Mapping[str, Any]) -> Process:
        """Return what `to_dict` wrote; whatever is missing or of another kind is "" or 0."""
        return cls(text(record, "host"), whole(record, "pid"), text(record, "started"), text(record, "system"))

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON types."""
        return asdict(self)

    def lives(self, noted: float = 0.0) -> bool | None:
        """Tell whether it still runs; None where that cannot be known from here.

        Parameters
        ----------
        noted : float
            When it was written down, in seconds since 1970; 0 when unknown.
        """
        if self.host != socket.gethostname() or not self.started:
            return None
        if self._is_of_here():
            return self.pid > 0 and process_start(self.pid) == self.started
        parts = self.system.split(maxsplit=2)
        if len(parts) == 3 and System(*parts).was_started_again_after(noted):
            return False
        return None

    def _is_of_here(self) -> bool:
        here = System.here()
        if self.system:
            return self.system == str(here)
        return not here.boot or self.started.startswith(here.boot)  # as written by earlier versions


def process_start(pid: int) -> str:
    """Return what identifies the run of process `pid` on this machine, "" when no such process runs."""
    if not sys.platform.startswith("linux"):
        return _start_by_psutil(pid)
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return ""
    ended = fields[0] in "ZX"  # a zombie holds nothing any more
    return "" if ended else f"{System.here().boot} {fields[19]}"


def _start_by_psutil(pid: int) -> str:
    import psutil

    try:
        found = psutil.Process(pid)
        return "" if found.status() == psutil.STATUS_ZOMBIE else f"{found.create_time():.2f}"
    except (psutil.Error, ValueError, OverflowError):
        return ""


@lru_cache(maxsize=1)
def boot_time() -> float:
    """Return when this Linux was started, in seconds since 1970; 0.0 when unknown."""
    try:
        lines = Path("/proc/stat").read_text().splitlines()
    except OSError:
        return 0.0
    return next((float(line.split()[1]) for line in lines if line.startswith("btime ")), 0.0)


def _line(path: Path) -> str:
    try:
        return path.read_text().strip()
    except OSError:
        return ""
