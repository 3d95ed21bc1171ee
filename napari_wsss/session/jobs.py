"""Long functions in background threads, with signals that never leave a button hanging.

A `Job` runs a generator of `Progress` (`core.progress.Steps`) to its end. Whatever the generator raises ends in
`failed` - also a ``RuntimeError``, which superqt's generator workers swallow and which CUDA uses for "out of memory" -
and after every end, good or bad, comes `ended`. Cancelling means: no further step is asked for and the generator is
closed in its own thread, so its ``finally`` blocks have run when `cancelled` comes.

Threads: `Jobs` keeps one thread per *lane*; jobs of one lane run one after another, because they share a device.
Signals are not emitted in those threads: every emission goes through `Jobs.dispatch`, which a window replaces by a
relay to its own thread, so that the state of a session is only ever touched there.
"""

import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Literal

from psygnal import Signal

from napari_wsss.core.errors import WsssError
from napari_wsss.core.progress import Progress, Steps
from napari_wsss.session.pace import Pace

Dispatch = Callable[[Callable[[], None]], None]
JobState = Literal["queued", "running", "cancelling", "done", "failed", "cancelled"]
TURN = 0.0005
"""Seconds a working thread keeps the interpreter while another one waits for it. Python's own 5 ms come on top of every
call for which the window's thread lets go of it, and it does so in each call of OpenGL."""


def directly(call: Callable[[], None]) -> None:
    """Call at once, in the thread that has something to say (the dispatch of a program without a window)."""
    call()


class Job:
    """One long function: waiting, running or ended.

    Parameters
    ----------
    name : str
        What a person reads in the job bar.
    start : callable
        Returns the generator; called in the background thread, so it may do slow things.
    key : str
        Jobs with the same non-empty key replace each other: the latest wins.
    lane : str
        Jobs of one lane never run at the same time.
    quiet : bool
        True keeps the job out of the job bar (prefetching, previews).
    """

    progressed = Signal(object)  # Progress
    succeeded = Signal(object)  # the generator's return value
    failed = Signal(str, object)  # message for a person, the exception
    cancelled = Signal()
    ended = Signal()

    def __init__(
        self,
        name: str,
        start: Callable[[], Steps[Any]],
        *,
        key: str = "",
        lane: str = "device",
        quiet: bool = False,
    ) -> None:
        self.name, self.key, self.lane, self.quiet = name, key, lane, quiet
        self.state: JobState = "queued"
        self.progress: Progress | None = None
        self.dispatch: Dispatch = directly
        self.gives_way: Callable[[], float] = lambda: 0.0
        self._start = start
        self._stop = threading.Event()
        self._over = threading.Event()
        self._posted = False
        self._pace = Pace()

    def cancel(self) -> None:
        """Ask the job to stop; it ends after the step it is in. Returns at once."""
        self._stop.set()
        if self.state == "running":
            self.state = "cancelling"

    @property
    def is_over(self) -> bool:
        """True when the background thread is done with the job."""
        return self._over.is_set()

    def wait(self, timeout: float | None = None) -> bool:
        """Block until the job is over; return False when `timeout` seconds were not enough."""
        return self._over.wait(timeout)

    def seconds_left(self) -> float | None:
        """Return the expected seconds to the end, or None before two steps were reported."""
        return self._pace.seconds_left()

    def run(self) -> None:
        """Run to the end in the calling thread (called by the lane)."""
        self.state = "cancelling" if self._stop.is_set() else "running"
        try:
            result = self._advance()
        except _Cancelled:
            self._end("cancelled", self.cancelled.emit)
        # A method may raise anything, and whatever it is must reach the person, not vanish with the thread.
        except Exception as error:  # noqa: BLE001
            if self._stop.is_set():  # what breaks while it is being torn down is part of the cancelling
                self._end("cancelled", self.cancelled.emit)
            else:
                reason = error
                self._end("failed", lambda: self.failed.emit(describe(reason), reason))
        else:
            self._end("done", lambda: self.succeeded.emit(result))

    def _advance(self) -> Any:
        if self._stop.is_set():
            raise _Cancelled
        steps = self._start()
        try:
            while not self._stop.is_set():
                # Once for each step: who leafs through images without a rest still gets their proposals.
                if (seconds := self.gives_way()) and self._stop.wait(seconds):
                    break
                try:
                    self._report(next(steps))
                except StopIteration as stop:
                    return stop.value
        finally:
            steps.close()
        raise _Cancelled

    def _report(self, progress: Progress) -> None:
        """Hand the newest progress over; while one is on its way only the newest is kept, so nothing floods."""
        self.progress = progress
        self._pace.hear(progress)
        if not self._posted:
            self._posted = True
            self.dispatch(self._emit_progress)

    def _emit_progress(self) -> None:
        self._posted = False
        if self.progress is not None:
            self.progressed.emit(self.progress)

    def _end(self, state: JobState, tell: Callable[[], None]) -> None:
        def deliver() -> None:
            self.state = state
            try:
                tell()
            finally:
                self.ended.emit()

        self._over.set()
        self.dispatch(deliver)


class _Cancelled(Exception):
    """The person asked to stop."""


def describe(error: BaseException) -> str:
    """Return one line for a person: our own messages as they are, foreign ones with their kind."""
    if isinstance(error, WsssError):
        return str(error)
    text = str(error).strip().splitlines()
    if isinstance(error, MemoryError) or "out of memory" in str(error).lower():
        return "Out of memory: choose the fast preset, a smaller pixel budget or the CPU, then start again."
    return f"{type(error).__name__}: {text[0] if text else 'no message'}"


class Jobs:
    """The running and waiting jobs of a session, one background thread per lane.

    `dispatch` is where a window puts its relay to the Qt thread; it must keep the order of the calls. `way` are seconds
    for which jobs begin no further step after `give_way`: a window needs all of a core while another image is put on
    the table and drawn, and threads of one interpreter would double that.
    """

    started = Signal(object)  # Job, when it was submitted
    ended = Signal(object)  # Job
    changed = Signal()  # the list of jobs changed

    def __init__(self, dispatch: Dispatch = directly) -> None:
        self.dispatch, self.way = dispatch, 0.0
        self._free_at = 0.0
        self._lanes: dict[str, _Lane] = {}
        self._jobs: list[Job] = []

    @property
    def all(self) -> tuple[Job, ...]:
        """Every job that has not ended, in order of submission."""
        return tuple(self._jobs)

    @property
    def shown(self) -> Job | None:
        """The job for the job bar: the first that is not quiet, or None."""
        return next((job for job in self._jobs if not job.quiet), None)

    def submit(self, job: Job) -> Job:
        """Queue a job in its lane; jobs with the same key are cancelled (the latest wins)."""
        if job.key:
            self.cancel(job.key)
        job.dispatch = lambda call: self.dispatch(call)
        job.gives_way = self._seconds_in_the_way
        job.ended.connect(lambda: self._forget(job))
        self._jobs.append(job)
        self.started.emit(job)
        self.changed.emit()
        if job.lane not in self._lanes:
            self._lanes[job.lane] = _Lane(job.lane)
        self._lanes[job.lane].add(job)
        return job

    def give_way(self) -> None:
        """Have no job begin a step for the next `way` seconds."""
        self._free_at = time.monotonic() + self.way

    def _seconds_in_the_way(self) -> float:
        return max(0.0, self._free_at - time.monotonic())

    def find(self, key: str) -> Job | None:
        """Return the newest unended job of this key."""
        return next((job for job in reversed(self._jobs) if job.key == key), None)

    def show(self, job: Job, shown: bool = True) -> None:
        """Bring a job into the job bar, or leave it out."""
        if job.quiet == shown:
            job.quiet = not shown
            self.changed.emit()

    def cancel(self, key: str) -> None:
        """Cancel every job of this key."""
        for job in tuple(self._jobs):
            if job.key == key:
                job.cancel()

    def cancel_all(self, timeout: float = 0.0) -> bool:
        """Cancel everything; return True when all were over within `timeout` seconds."""
        waiting = self.all
        for job in waiting:
            job.cancel()
        deadline = time.monotonic() + timeout
        return all(job.wait(max(0.0, deadline - time.monotonic())) for job in waiting)

    def _forget(self, job: Job) -> None:
        if job in self._jobs:
            self._jobs.remove(job)
        self.ended.emit(job)
        self.changed.emit()


class _Lane:
    """A daemon thread that runs its jobs one after another and sleeps in between."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._waiting: deque[Job] = deque()
        self._filled = threading.Condition()
        self._thread: threading.Thread | None = None

    def add(self, job: Job) -> None:
        with self._filled:
            self._waiting.append(job)
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._work, name=f"wsss-{self._name}", daemon=True)
                self._thread.start()
            self._filled.notify()

    def _work(self) -> None:
        while True:
            with self._filled:
                while not self._waiting:
                    self._filled.wait()
                job = self._waiting.popleft()
            with short_turns():
                job.run()


_at_work = 0
_turn_before = 0.0
_turns = threading.Lock()


@contextmanager
def short_turns() -> Iterator[None]:
    """Let other threads have the interpreter after `TURN` seconds; as it was once no thread works here any more."""
    global _at_work, _turn_before
    with _turns:
        _at_work += 1
        if _at_work == 1:
            _turn_before = sys.getswitchinterval()
            sys.setswitchinterval(min(_turn_before, TURN))
    try:
        yield
    finally:
        with _turns:
            _at_work -= 1
            if _at_work == 0:
                sys.setswitchinterval(_turn_before)
