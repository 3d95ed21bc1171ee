"""Child processes: every one that this program starts is started, followed and ended here.

- It is the same Python and finds what this process finds, but never looks for modules in the current folder (``-P``):
  that is a person's, and a ``training.py`` lying there beside the data would be taken for ours.
- It heads a process group of its own. Ending it ends all that it started; a Ctrl+C meant for this program does not
  reach it. Unless it is to outlive this program, it is ended with it.
- On Windows no console window opens.
"""

from __future__ import annotations

import atexit
import io
import os
import queue
import signal
import subprocess
import sys
import threading
import weakref
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

from napari_wsss.processes.our_training import ROOT, foreign_training

POLL_SECONDS = 0.2
"""Silence after which a follower gets a moment to think of something else, such as being cancelled."""
GRACE_SECONDS = 5.0
"""What a child has between being asked to end and being ended by force."""
GRACE_AT_EXIT = 1.0
SILENCE = ""
NOBODY_READS = 128 + 13

NO_WINDOW: int = getattr(subprocess, "CREATE_NO_WINDOW", 0)
FORCE: int = getattr(signal, "SIGKILL", signal.SIGTERM)

_living: weakref.WeakSet[subprocess.Popen[bytes]] = weakref.WeakSet()


def python(*arguments: str) -> tuple[str, ...]:
    """Return the command that runs this Python with ``-m module``, ``-c code`` or a file, and their arguments."""
    return (sys.executable, "-P", *arguments)


def environment() -> dict[str, str]:
    """Return a child's environment: our module path, threads that sleep while they wait, a core left for the window."""
    free = str(max(1, (os.cpu_count() or 2) - 1))
    return {
        "OMP_NUM_THREADS": free,
        **os.environ,
        "OMP_WAIT_POLICY": "PASSIVE",
        "PYTHONUNBUFFERED": "1",
        "PYTHONPATH": os.pathsep.join(_module_path()),
    }


def _module_path() -> list[str]:
    """Return where this process imports from, in its order, without the current folder (unless we lie there).

    Entries that are relative to it are left out too: an import hook's mark is no folder, but somebody could make one.
    """
    here = Path.cwd().resolve()
    absolute = [entry for entry in sys.path if os.path.isabs(entry) and Path(entry).resolve() != here]
    return list(dict.fromkeys([*([str(ROOT)] if here == ROOT else []), *absolute]))


def why_not_our_training() -> str:
    """Return why a child would not find our `training`, and what to do; "" where it would (see `foreign_training`)."""
    return foreign_training(_module_path())


def print_any_name() -> None:
    """Let this program print names that are no text: what cannot be written is spelled out instead of an error."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def until_nobody_reads(program: Callable[[], int]) -> int:
    """Run a program and return its exit code; where its output is read no further (``| head``) it ends without a word.

    The code is then the one that a shell gives to what ends by SIGPIPE.
    """
    try:
        try:
            return program()
        finally:
            sys.stdout.flush()  # here, and not when Python ends: that would complain
    except BrokenPipeError:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        return NOBODY_READS


def distrust(folder: Path) -> None:
    """Import nothing from a folder of data from now on, nor from the current folder where that lies in it.

    Python puts the current folder first when it was started with ``-m`` or ``-c``, or as a console: a ``torch.py``
    lying in a project would then be run by the next late import.
    """
    data, here = folder.resolve(), Path.cwd().resolve()
    refused = {data, *([here] if data == here or data in here.parents else [])} - {ROOT}
    sys.path[:] = [entry for entry in sys.path if (here / entry).resolve() not in refused]


def start(
    command: Sequence[str],
    *,
    reads: int = subprocess.DEVNULL,
    writes: int | IO[bytes] = subprocess.PIPE,
    complains: int | IO[bytes] = subprocess.STDOUT,
    outlives: bool = False,
) -> subprocess.Popen[bytes]:
    """Start a child in a process group of its own.

    Parameters
    ----------
    command : sequence of str
        See `python`.
    reads, writes, complains : int or file
        Its standard input, output and error, as `subprocess.Popen` takes them.
    outlives : bool
        Leave it running when this program ends.

    Raises
    ------
    OSError
        When it cannot be started, or would run a package `training` that is not ours.
    """
    _check(command)
    group: dict[str, Any] = {"start_new_session": True}
    if os.name != "posix":
        group = {"creationflags": getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0) | NO_WINDOW}
    child = subprocess.Popen(command, stdin=reads, stdout=writes, stderr=complains, env=environment(), **group)
    if not outlives:
        _living.add(child)
    return child


def _check(command: Sequence[str]) -> None:
    foreign = why_not_our_training() if "training.run" in command else ""
    if foreign:
        raise OSError(foreign)


def ask_to_end(pid: int) -> None:
    """Ask a child and all it started to end; it may finish what it is doing, or not listen."""
    _signal(pid, signal.SIGTERM)


def end_by_force(pid: int) -> None:
    """End a child and all it started at once."""
    _signal(pid, FORCE)


def _signal(pid: int, number: int) -> None:
    if pid <= 0:
        return
    if os.name != "posix":
        force = ["/F"] if number == FORCE else []
        taskkill = Path(os.environ.get("SYSTEMROOT", "C:/Windows"), "System32", "taskkill.exe")
        said_by([str(taskkill), "/T", "/PID", str(pid), *force])  # whole, or one in the current folder would be run
        return
    for send in (os.killpg, os.kill):
        try:
            send(pid, number)
        except ProcessLookupError:  # no group of its own (started by hand, from a script), or it has just ended
            continue
        except PermissionError:
            pass
        return


def end(child: subprocess.Popen[bytes], grace: float = GRACE_SECONDS) -> None:
    """End a child and all it started: asked first, by force what is left after `grace` seconds (at once for 0)."""
    if child.poll() is not None:
        return
    if grace > 0:
        ask_to_end(child.pid)
        with suppress(subprocess.TimeoutExpired):
            child.wait(grace)
    end_by_force(child.pid)
    child.wait()


@atexit.register
def _end_all() -> None:
    for child in list(_living):
        end(child, GRACE_AT_EXIT)


class Followed:
    """A command that is followed line by line; leaving the ``with`` block ends it.

    Attributes
    ----------
    code : int or None
        Its exit code, None before its end.

    Raises
    ------
    OSError
        When it cannot be started.

    Examples
    --------
    >>> with Followed(python("-c", "print('one'); print('two')")) as output:
    ...     lines = [line for line in output if line != SILENCE]
    >>> lines, output.code
    (['one', 'two'], 0)
    """

    def __init__(self, command: Sequence[str]) -> None:
        self.code: int | None = None
        self._child = start(command)
        self._lines: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        threading.Thread(target=self._read, name="wsss-follow", daemon=True).start()

    def __enter__(self) -> Followed:
        return self

    def __exit__(self, *_error: object) -> None:
        end(self._child)

    def __iter__(self) -> Iterator[str]:
        """Yield what it writes, without line ends, until its end; `SILENCE` whenever it says nothing for a moment."""
        while True:
            try:
                line = self._lines.get(timeout=POLL_SECONDS)
            except queue.Empty:
                if self._child.poll() is not None:
                    end_by_force(self._child.pid)  # what it left behind still holds the pipe
                yield SILENCE
                continue
            if line is None:
                self.code = self._child.wait()
                return
            if line:
                yield line

    def _read(self) -> None:
        assert self._child.stdout is not None
        with self._child.stdout as output:
            for line in output:
                self._lines.put(line.decode(errors="replace").rstrip())
        self._lines.put(None)


def run_here(command: Sequence[str]) -> int:
    """Run a command in this terminal, with its Ctrl+C, and return its exit code; raises what `start` does."""
    _check(command)
    return subprocess.run(command, check=False, env=environment()).returncode


def said_by(command: Sequence[str]) -> str:
    """Return what a short command of the operating system writes."""
    return subprocess.run(command, capture_output=True, text=True, check=False, creationflags=NO_WINDOW).stdout
