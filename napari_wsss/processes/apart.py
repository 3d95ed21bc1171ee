"""Generator functions in a process of their own, for libraries that hold the interpreter lock while they work.

One such call of half a second stops every thread of the program, a window's too. `Apart` runs it elsewhere: a child
process is started at the first call, kept for the next ones and ended with `end_idle` or with the program. It is a
plain interpreter that imports what the function needs; `multiprocessing` is not used, because it would run the main
script again. Arguments and results travel as pickles through its standard input and output.
"""

import os
import pickle
import queue
import subprocess
import sys
import threading
import time
from importlib import import_module
from typing import IO, Any

from napari_wsss.core.errors import StepError
from napari_wsss.core.progress import Progress, Steps
from napari_wsss.processes import children

WAIT = 0.05
"""Seconds between two moments at which a call can be cancelled."""
GRACE = 0.2
"""Seconds of silence that a cancelled call has before its process is ended; a new one is started for the next call."""

_CHILD = "from napari_wsss.processes.apart import serve; serve()"


def stalls_others() -> bool:
    """Return True in a background thread: what holds the interpreter lock here stops the thread that paints."""
    return threading.current_thread() is not threading.main_thread() and bool(sys.executable)


class Apart:
    """A generator function (yielding `Progress`) that runs in a process of its own.

    Parameters
    ----------
    function : str
        ``package.module:name``; its arguments and its result must be picklable.
    grace : float
        Seconds of silence that a cancelled call has to stop; longer where what its process holds is worth keeping.
    """

    def __init__(self, function: str, grace: float = GRACE) -> None:
        self._function, self._grace = function, grace

    def steps(self, *arguments: Any) -> Steps[Any]:
        """Run the function with these arguments; closing the generator stops it.

        Every thread has a process of its own, so that a long queue in one does not delay the other.

        Raises
        ------
        StepError
            When the process ended by itself (out of memory); the next call starts another one.
        Exception
            What the function raised.
        """
        child = _child_of_this_thread()
        child.ask(self._function, arguments)
        report, is_over = Progress("apart"), False
        try:
            while True:
                yield report
                kind, content = child.answer(WAIT)
                if kind == "progress":
                    report = content
                elif kind:
                    is_over = True
                    return _result(kind, content)
        finally:
            if not is_over:
                child.stop(self._grace)


def _result(kind: str, content: Any) -> Any:
    if kind == "done":
        return content
    if kind == "failed":
        raise content
    raise StepError(
        f"The process that computes this ended by itself (exit code {content}). The image may be too large for the "
        "memory of this machine; try again, or use smaller images."
    )


class _Child:
    """One process and what it says; only used by the thread that made it."""

    def __init__(self) -> None:
        self.is_busy = False
        self._process: subprocess.Popen[bytes] | None = None
        self._said: queue.SimpleQueue[tuple[str, Any]] = queue.SimpleQueue()

    def ask(self, function: str, arguments: tuple[Any, ...]) -> None:
        self.is_busy = True
        try:
            self._send(("call", function, arguments))
        except OSError:  # it ended since the last call
            self.end()
            self._send(("call", function, arguments))

    def answer(self, seconds: float) -> tuple[str, Any]:
        """Return what it said next, ``("", None)`` after so many seconds of silence."""
        try:
            kind, content = self._said.get(timeout=seconds)
        except queue.Empty:
            return "", None
        self.is_busy = kind == "progress"
        if kind == "ended":
            self.end()
        return kind, content

    def stop(self, grace: float) -> None:
        """Take the running call back: politely, then, after `grace` seconds of silence, by ending the process."""
        try:
            self._send(("cancel", "", ()))
            kind = "progress"
            while kind == "progress":
                kind, _ = self.answer(grace)
        except OSError:
            kind = ""
        if not kind:
            self.end()
        self.is_busy = False

    def end(self) -> None:
        """End the process, if there is one."""
        process, self._process = self._process, None
        self._said = queue.SimpleQueue()
        if process is not None:
            children.end(process, grace=0)
            for stream in (process.stdin, process.stdout):
                _close(stream)

    def _send(self, message: tuple[str, str, tuple[Any, ...]]) -> None:
        process = self._process or self._start()
        assert process.stdin is not None
        pickle.dump(message, process.stdin, protocol=5)
        process.stdin.flush()

    def _start(self) -> subprocess.Popen[bytes]:
        process = self._process = children.start(
            children.python("-c", _CHILD), reads=subprocess.PIPE, complains=subprocess.DEVNULL
        )
        threading.Thread(target=_listen, args=(process, self._said), name="wsss-apart", daemon=True).start()
        return process


def _listen(process: subprocess.Popen[bytes], said: queue.SimpleQueue[tuple[str, Any]]) -> None:
    """Hand on what a process says, until it ends."""
    assert process.stdout is not None
    while True:
        try:
            said.put(pickle.load(process.stdout))
        except (OSError, ValueError, EOFError, pickle.UnpicklingError):
            break
    said.put(("ended", process.wait()))


def _close(stream: IO[bytes] | None) -> None:
    try:
        if stream is not None:
            stream.close()
    except OSError:  # something was still on its way to a process that is gone
        pass


_own = threading.local()
_living: list[_Child] = []


def _child_of_this_thread() -> _Child:
    child: _Child | None = getattr(_own, "child", None)
    if child is None:
        child = _own.child = _Child()
        _living.append(child)
    return child


def end_idle() -> None:
    """End the processes that compute nothing now; the next call starts one again."""
    for child in list(_living):
        if not child.is_busy:
            child.end()


# -- in the child ---------------------------------------------------------------------------------------------


def serve() -> None:
    """Do what the parent asks, until its end of the pipe closes."""
    output = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a library prints must not come between
    asked: queue.SimpleQueue[tuple[str, str, tuple[Any, ...]]] = queue.SimpleQueue()
    threading.Thread(target=_read, args=(asked,), daemon=True).start()
    while True:
        kind, function, arguments = asked.get()
        if kind == "call":
            pickle.dump(_answer(function, arguments, asked, output), output, protocol=5)
            output.flush()


def _read(asked: queue.SimpleQueue[tuple[str, str, tuple[Any, ...]]]) -> None:
    while True:
        try:
            asked.put(pickle.load(sys.stdin.buffer))
        except (EOFError, OSError, pickle.UnpicklingError):
            os._exit(0)  # the parent is gone, and nobody waits for what is being computed


def _answer(function: str, arguments: tuple[Any, ...], asked: Any, output: IO[bytes]) -> tuple[str, Any]:
    module, _, name = function.partition(":")
    told = 0.0
    try:
        steps = getattr(import_module(module), name)(*arguments)
        while True:
            try:
                report = next(steps)
            except StopIteration as stop:
                return "done", stop.value
            if not asked.empty():  # the only thing that is said during a call
                steps.close()
                return "cancelled", None
            if (now := time.monotonic()) - told >= WAIT:  # each report wakes the parent up
                told = now
                pickle.dump(("progress", report), output, protocol=5)
                output.flush()
    except Exception as error:  # noqa: BLE001 - as in `Job`: whatever a method raises must reach the person
        return "failed", _sendable(error)


def _sendable(error: Exception) -> Exception:
    """Return the error itself, or its text where it does not survive being sent."""
    try:
        copy = pickle.loads(pickle.dumps(error))
    except (TypeError, AttributeError, pickle.PicklingError):
        copy = None
    return error if type(copy) is type(error) else StepError(f"{type(error).__name__}: {error}")
