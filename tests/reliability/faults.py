"""Lets every system call of a save fail once, one after another, and looks at what is on disk and what was said.

``python -m tests.reliability.faults --faults 1000`` (``make fault-test``). Needs Linux and a C compiler. A fault must
leave the old state or the new one, never say *saved* of the old one, raise nothing, and the next try must succeed. The
last line is ``faults=N lost=L told_wrong=W``; the exit code is 1 when L or W is not 0.
"""

from __future__ import annotations

import argparse
import errno
import itertools
import mmap
import os
import shutil
import struct
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from napari_wsss.core.sources import Source
from napari_wsss.project.project import Project
from napari_wsss.session.session import Session
from tests.reliability.sitting import Known, put_methods_on_the_shelf, same
from tests.session.conftest import Sitting, build_project, colours_plan, write_checkpoint

CALLS = {1: "open", 2: "write", 3: "fsync", 4: "rename", 5: "close", 6: "unlink", 7: "ftruncate", 8: "mkdir"}
ERRORS = {
    **dict.fromkeys((1, 4, 6, 8), ("EACCES", "ENOSPC")),
    **dict.fromkeys((2, 3, 7), ("ENOSPC", "EIO")),
    5: ("EIO",),
}
SOURCE = Path(__file__).with_name("faults.c")
Deed = Callable[[Sitting, Session], object]


def compiled(folder: Path) -> Path:
    """Build the library that is preloaded; return where it is."""
    library = folder / "faults.so"
    subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-o", str(library), str(SOURCE), "-ldl"], check=True)
    return library


class Control:
    """The numbers that the preloaded library reads."""

    def __init__(self) -> None:
        self._block = mmap.mmap(os.open(os.environ["FI_CTL"], os.O_RDWR), 4096)

    def arm(self, call: int = 0, which: int = 0, error: int = 0, lasting: bool = False) -> None:
        self._block[:128] = bytes(128)
        for place, value in ((0, call), (1, which), (2, error), (3, int(lasting)), (7, 1)):
            self._block[4 * place : 4 * place + 4] = struct.pack("i", value)

    def disarm(self) -> int:
        """Let everything succeed again; return how many calls failed."""
        self._block[28:32] = bytes(4)
        return self._number(5)

    def counts(self) -> dict[int, int]:
        return {call: self._number(8 + call) for call in CALLS}

    def _number(self, place: int) -> int:
        return int(struct.unpack("i", self._block[4 * place : 4 * place + 4])[0])


def _paint(sitting: Sitting, value: int, top: int = 0) -> None:
    sitting.paint(value, slice(top, top + 6), slice(0, 9))


def _accept(_sitting: Sitting, session: Session) -> object:
    return session.decisions.accept(False) or session.decisions.accept(False)


def _painted(sitting: Sitting, _session: Session) -> None:
    _paint(sitting, 1)


def _accepted(sitting: Sitting, session: Session) -> None:
    _paint(sitting, 1)
    assert _accept(sitting, session)


def _painted_over(sitting: Sitting, session: Session) -> None:
    _accepted(sitting, session)
    _paint(sitting, 2, 8)


def _clean_up(_sitting: Sitting, session: Session) -> None:
    new = session.table.mask.copy()
    new[:5] = 2
    session.table.replace_mask(new, Source("clean-up", method="test"), None)


def _skipped(sitting: Sitting, session: Session) -> None:
    _paint(sitting, 1)
    session.decisions.skip()


def _labelled(sitting: Sitting, session: Session) -> None:
    _paint(sitting, 1)
    session.labels.set(session.shown_id, ["blue"])


SAVES: dict[str, tuple[Deed, Deed]] = {
    "stroke": (lambda sitting, session: None, lambda sitting, session: _paint(sitting, 2, 3)),
    "stroke on accepted": (_accepted, lambda sitting, session: _paint(sitting, 2, 3)),
    "draft": (_painted, lambda sitting, session: session.flush()),
    "accept": (_painted, _accept),
    "accept over accepted": (_painted_over, _accept),
    "labels": (_painted, lambda sitting, session: session.labels.set(session.shown_id, ["blue"])),
    "undo": (_accepted, lambda sitting, session: session.decisions.undo()),
    "clean-up": (_painted, _clean_up),
    "clean-up on accepted": (_accepted, _clean_up),
    "labels taken back": (_labelled, lambda sitting, session: session.labels.undo()),
    "flag": (_painted, lambda sitting, session: session.decisions.toggle_flag()),
    "exclude": (_painted, lambda sitting, session: session.decisions.exclude()),
    "skip": (_painted, lambda sitting, session: session.decisions.skip()),
    "skip taken back": (_skipped, lambda sitting, session: session.decisions.undo()),
    "close": (_painted, lambda sitting, session: session.close_project()),
}


@dataclass
class Outcome:
    """What all faults came to."""

    faults: int = 0
    lost: int = 0
    told_wrong: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    problems: list[str] = field(default_factory=list)

    def line(self) -> str:
        return f"faults={self.faults} lost={self.lost} told_wrong={self.told_wrong}"


class Faults:
    """Injects faults into the saves of fresh sittings in a folder (``FI_PREFIX`` names its project)."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._control, self.outcome = folder, Control(), Outcome()

    def run(self, most: int, seconds: float, every: int = 1) -> Outcome:
        """Inject up to `most` faults, each `every`-th there is, spread over all saves."""
        begun = time.monotonic()
        lists = [list(self._of(name)) for name in SAVES]
        mixed = [one for group in itertools.zip_longest(*lists) for one in group if one is not None]
        for fault in mixed[::every][:most]:
            if time.monotonic() - begun > seconds:
                break
            self._inject(*fault)
        return self.outcome

    def _of(self, name: str) -> Iterator[tuple[str, int, int, str, bool]]:
        """Yield every fault of a save: its name, the call, which one, the error, and whether it stays."""
        sitting = self._fresh(name)
        self._control.arm()
        SAVES[name][1](sitting, sitting.session)
        self._control.disarm()
        counts = self._control.counts()
        sitting.session.close_project(True)
        for call, count in counts.items():
            for which in range(1, count + 1):
                for error in ERRORS[call]:
                    yield name, call, which, error, False
                    if which in (1, count):
                        yield name, call, which, error, True

    def _fresh(self, name: str) -> Sitting:
        shutil.rmtree(self._folder, ignore_errors=True)
        project = build_project(self._folder / "live", 3)
        write_checkpoint(project)
        with Project.open(project) as opened:
            opened.set_plan(colours_plan())
        sitting = Sitting(self._folder / "config")
        sitting.session.open_project(project)
        SAVES[name][0](sitting, sitting.session)
        sitting.mailbox.drain()
        sitting.notices.clear()
        sitting.failures.clear()
        return sitting

    def _on_disk(self) -> Known:
        """Return what another process would find now, as after a crash: in a copy, without the lock."""
        copy = self._folder / "copy"
        shutil.rmtree(copy, ignore_errors=True)
        ignored = shutil.ignore_patterns("project.lock", "results")
        shutil.copytree(self._folder / "live", copy, ignore=ignored)
        with Project.open(copy / "project") as project:
            return Known.stored(project, "p0.png")

    def _inject(self, name: str, call: int, which: int, error: str, lasting: bool) -> None:
        sitting = self._fresh(name)
        session, deed = sitting.session, SAVES[name][1]
        tag = f"{name}: {CALLS[call]} {which} {error}{' and all later ones' if lasting else ''}"
        self.outcome.faults += 1
        before = self._on_disk()
        self._control.arm(call, which, getattr(errno, error), lasting)
        try:
            deed(sitting, session)
        except Exception as raised:  # noqa: BLE001
            self._wrong(f"{tag}: raised {raised!r}")
        finally:
            self.outcome.counts["fired" if self._control.disarm() else "not fired"] += 1
        table = session.table
        said_safe = (table is None or table.save_state.safe) and not sitting.failures
        after = self._on_disk()
        deed_again = table is not None and (not said_safe or name == "close")
        if deed_again:
            self._retry(name, sitting)
        wanted = self._wanted(name)
        retried = self._on_disk()
        if not (_fits(after, before) or _fits(after, wanted)):
            self._lost(f"{tag}: neither old nor new: {after.state}")
        if said_safe and not _fits(after, wanted):
            self._wrong(f"{tag}: said to be saved, and is not")
        if not _fits(retried, wanted):
            self._lost(f"{tag}: the next try did not succeed: {retried.state}, {sitting.failures[-1:]}")
        session.close_project(True)

    def _retry(self, name: str, sitting: Sitting) -> None:
        session = sitting.session
        session.flush()
        if name == "close" or not _fits(self._on_disk(), self._wanted(name)):
            session.navigation.go_to("p0.png")
            SAVES[name][1](sitting, session)

    _expected: dict[str, Known] = {}  # noqa: RUF012

    def _wanted(self, name: str) -> Known:
        """Return what the save leaves on disk without any fault, found once, in a folder of its own."""
        if name not in self._expected:
            apart = Faults.__new__(Faults)
            apart._folder = self._folder.with_name("without")
            sitting = apart._fresh(name)
            SAVES[name][1](sitting, sitting.session)
            self._expected[name] = apart._on_disk()
            sitting.session.close_project(True)
        return self._expected[name]

    def _lost(self, words: str) -> None:
        self.outcome.lost += 1
        self.outcome.problems.append(words)

    def _wrong(self, words: str) -> None:
        self.outcome.told_wrong += 1
        self.outcome.problems.append(words)


def _fits(found: Known, wanted: Known) -> bool:
    """Return True when masks, state and labels are those wanted."""
    return (
        same(found.working, wanted.working)
        and same(found.accepted, wanted.accepted)
        and (found.state, found.labels) == (wanted.state, wanted.labels)
    )


def preloaded(arguments: list[str], folder: Path) -> int:
    """Run this module again with the library loaded into it; return its exit code."""
    control = folder / "control"
    control.write_bytes(bytes(4096))
    prefix = folder / "faults" / "live" / "project"
    told = {"LD_PRELOAD": str(compiled(folder)), "FI_CTL": str(control), "FI_PREFIX": str(prefix)}
    return subprocess.run(
        [sys.executable, "-m", "tests.reliability.faults", *arguments], env={**os.environ, **told}
    ).returncode


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--faults", type=int, default=10**6, help="at most so many [all there are]")
    options.add_argument("--every", type=int, default=1, help="each so many-th of all there are")
    options.add_argument("--seconds", type=float, default=float("inf"), help="stop earlier")
    chosen = options.parse_args()
    if "FI_CTL" not in os.environ:
        with tempfile.TemporaryDirectory(prefix="wsss-faults-") as folder:
            return preloaded(sys.argv[1:], Path(folder).resolve())
    put_methods_on_the_shelf()
    begun = time.monotonic()
    folder = Path(os.environ["FI_PREFIX"]).parents[1]
    outcome = Faults(folder).run(chosen.faults, chosen.seconds, chosen.every)
    print(*outcome.problems, sep="\n")
    print(f"{time.monotonic() - begun:.0f} s, {dict(outcome.counts)}")
    print(outcome.line())
    return int(bool(outcome.lost or outcome.told_wrong))


if __name__ == "__main__":
    sys.exit(main())
