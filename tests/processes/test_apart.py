"""A function in another process: its result, its progress, its errors, being stopped, and life after a crash."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from napari_wsss.core.errors import ParameterError, StepError
from napari_wsss.core.progress import Progress, finish
from napari_wsss.processes import apart
from napari_wsss.processes.apart import Apart, end_idle, stalls_others

WORK = """
import os, sys, time
import numpy as np
from napari_wsss.core.errors import ParameterError
from napari_wsss.core.progress import Progress

def double(values):
    print("this must not come between")
    yield Progress("work", 1, 2)
    loaded = {name.partition(".")[0] for name in sys.modules}
    return 2 * values, os.getpid(), sorted({"torch", "qtpy", "napari"} & loaded)

def wait(seconds):
    for _ in range(200):
        yield Progress("work")
        time.sleep(seconds)

def fail(name):
    yield Progress("work")
    raise ParameterError("no good", name=name)

def crash():
    yield Progress("work")
    os._exit(3)
"""


@pytest.fixture(autouse=True)
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    (tmp_path / "apart_work.py").write_text(WORK)
    monkeypatch.syspath_prepend(str(tmp_path))
    end_idle()
    yield
    end_idle()


def test_it_runs_in_another_process_that_stays_and_loads_nothing_heavy() -> None:
    values = np.arange(6, dtype=np.float32).reshape(2, 3)
    steps = Apart("apart_work:double").steps(values)
    assert next(steps).stage == "apart"  # nothing was said yet
    (found, first, heavy), (_, again, _) = finish(steps), finish(Apart("apart_work:double").steps(values))
    np.testing.assert_array_equal(found, 2 * values)
    assert first == again != os.getpid()
    assert heavy == []
    end_idle()
    assert finish(Apart("apart_work:double").steps(values))[1] != first


def test_progress_and_errors_come_through() -> None:
    steps = Apart("apart_work:fail").steps("weight")
    with pytest.raises(ParameterError, match="no good") as caught:
        assert Progress("work") in list(steps)
    assert caught.value.name == "weight"
    with pytest.raises(AttributeError):
        finish(Apart("apart_work:nothing").steps())


def test_a_crash_is_told_and_survived() -> None:
    with pytest.raises(StepError, match="exit code 3"):
        finish(Apart("apart_work:crash").steps())
    assert finish(Apart("apart_work:double").steps(np.ones(1)))[0] == 2


@pytest.mark.parametrize(("seconds", "stays"), [(0.001, True), (2.0, False)])
def test_a_closed_call_stops_soon(seconds: float, stays: bool) -> None:
    _, before, _ = finish(Apart("apart_work:double").steps(np.ones(1)))
    steps = Apart("apart_work:wait").steps(seconds)
    while next(steps).stage != "work":
        pass
    begin = time.perf_counter()
    steps.close()
    assert time.perf_counter() - begin < 1.5
    _, after, _ = finish(Apart("apart_work:double").steps(np.ones(1)))
    assert (before == after) == stays


def test_each_thread_has_its_own_process() -> None:
    found = [finish(Apart("apart_work:double").steps(np.ones(1)))[1]]
    thread = threading.Thread(target=lambda: found.append(finish(Apart("apart_work:double").steps(np.ones(1)))[1]))
    thread.start()
    thread.join(30)
    assert len(set(found)) == 2


def test_only_background_threads_stall_others() -> None:
    found = [stalls_others()]
    thread = threading.Thread(target=lambda: found.append(stalls_others()))
    thread.start()
    thread.join()
    assert found == [False, True]


def test_an_error_that_cannot_be_sent_is_told_as_text() -> None:
    class Odd(Exception):
        def __init__(self, first: str, second: str) -> None:
            super().__init__(f"{first} {second}")

    sent = apart._sendable(Odd("a", "b"))
    assert isinstance(sent, StepError)
    assert "Odd: a b" in str(sent)
