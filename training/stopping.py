"""A stop that is obeyed within seconds, whatever a run is doing.

Every loop of a training looks for the request between two steps. What takes longer than that (a proposal of a large
picture, a validation, one step on a slow machine) is not waited for: everything a run keeps is published whole, so that
ending in the midst of it loses no more than going on from the last checkpoint does.
"""

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import TypeVar

from napari_wsss.core.progress import Steps
from training.run_folder import RunFolder

Result = TypeVar("Result")

PATIENCE = 3.0
"""Seconds a run has to stop by itself; with looking and ending less than 5."""
POLL = 0.2
STOPPED = 3
"""Exit code of a stopped run."""


def until_stopped(steps: Steps[Result], run: RunFolder) -> Steps[Result | None]:
    """Carry out steps that keep no state; return None, between two of them, when the run is asked to stop."""
    with closing(steps):
        while True:
            try:
                progress = next(steps)
            except StopIteration as stop:
                result: Result = stop.value
                return result
            yield progress
            if run.stop_requested():
                return None


@contextmanager
def stopped_in_time(
    run: RunFolder, patience: float = PATIENCE, end: Callable[[int], object] = os._exit
) -> Iterator[None]:
    """End this process as a stopped run where it has not stopped by itself `patience` seconds after it was asked to.

    Parameters
    ----------
    run : RunFolder
    patience : float
        Seconds.
    end : callable
        Ends the process with an exit code at once.
    """
    over = threading.Event()
    watch = threading.Thread(target=_watch, args=(run, over, patience, end), name="wsss-stop", daemon=True)
    watch.start()
    try:
        yield
    finally:
        over.set()
        watch.join()


def _watch(run: RunFolder, over: threading.Event, patience: float, end: Callable[[int], object]) -> None:
    while not over.wait(POLL):
        if run.has_stop():
            if not over.wait(patience):
                run.finish("stopped")
                end(STOPPED)
            return
