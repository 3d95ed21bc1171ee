"""Background jobs: every end is told, in order, and cancelling closes the generator in its own thread."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from napari_wsss.core.errors import StepError
from napari_wsss.core.progress import Progress, Steps
from napari_wsss.session.jobs import TURN, Job, Jobs, describe
from napari_wsss.session.mailbox import Mailbox

ENDS = ("succeeded", "failed", "cancelled", "ended")


def counting(count: int = 3) -> Steps[int]:
    for done in range(count):
        yield Progress("count", done + 1, count)
    return count


def heard(job: Job) -> list[str]:
    """Return the list that the names of the job's end signals will be appended to."""
    said: list[str] = []
    for name in ENDS:
        getattr(job, name).connect(lambda *_, name=name: said.append(name), check_nargs=False)
    return said


def test_a_finished_job_hands_over_its_result() -> None:
    job, results = Job("count", counting), []
    said = heard(job)
    job.succeeded.connect(results.append)
    Jobs().submit(job).wait(5)
    assert (said, results, job.state) == (["succeeded", "ended"], [3], "done")


@pytest.mark.parametrize("error", [RuntimeError("CUDA error: out of memory"), MemoryError(), ValueError("no")])
def test_any_error_is_reported_as_failed(error: Exception) -> None:
    def breaking() -> Steps[None]:
        yield Progress("work")
        raise error

    job, failures = Job("break", breaking), []
    said = heard(job)
    job.failed.connect(lambda message, reason: failures.append((message, reason)))
    Jobs().submit(job).wait(5)
    assert said == ["failed", "ended"]
    assert failures[0][1] is error
    assert failures[0][0]


def test_an_error_before_the_first_step_is_reported() -> None:
    def start() -> Steps[None]:
        raise StepError("There is no model. Train one.")

    job, messages = Job("start", start), []
    job.failed.connect(lambda message, _: messages.append(message))
    Jobs().submit(job).wait(5)
    assert messages == ["There is no model. Train one."]


def test_cancelling_closes_the_generator_in_its_own_thread() -> None:
    threads: list[threading.Thread] = []
    running = threading.Event()

    def endless() -> Steps[None]:
        try:
            while True:
                yield Progress("wait")
                running.set()
        finally:
            threads.append(threading.current_thread())

    job = Job("endless", endless)
    said = heard(job)
    jobs = Jobs()
    jobs.submit(job)
    assert running.wait(5)
    job.cancel()
    assert job.wait(5)
    assert said == ["cancelled", "ended"]
    assert threads[0] is not threading.current_thread()
    assert threads[0].name == "wsss-device"


def test_an_error_while_cancelling_counts_as_cancelled() -> None:
    running = threading.Event()

    def stubborn() -> Steps[None]:
        try:
            while True:
                yield Progress("wait")
                running.set()
        finally:
            raise RuntimeError("torn down")

    job = Job("stubborn", stubborn)
    said = heard(job)
    Jobs().submit(job)
    assert running.wait(5)
    job.cancel()
    assert job.wait(5)
    assert said == ["cancelled", "ended"]


def gate() -> tuple[threading.Event, Callable[[], Steps[None]]]:
    opened = threading.Event()

    def wait() -> Steps[None]:
        yield Progress("wait")
        opened.wait(5)
        yield Progress("wait", 1, 1)

    return opened, wait


def test_jobs_of_one_lane_run_one_after_another_and_lanes_side_by_side() -> None:
    jobs, order = Jobs(), []
    opened, waiting = gate()
    first = jobs.submit(Job("first", waiting))
    second = Job("second", counting)
    second.succeeded.connect(lambda _: order.append(first.is_over))
    jobs.submit(second)
    assert jobs.submit(Job("beside", counting, lane="preview")).wait(5)
    assert not second.is_over
    opened.set()
    assert second.wait(5)
    assert order == [True]


def test_threads_that_work_let_others_go_on_soon_and_leave_the_interpreter_as_it_was() -> None:
    before, turns = sys.getswitchinterval(), list[float]()

    def noting() -> Steps[None]:
        yield Progress("noting")
        turns.append(sys.getswitchinterval())

    jobs = Jobs()
    for job in [jobs.submit(Job(lane, noting, lane=lane)) for lane in ("a", "b", "a")]:
        assert job.wait(5)
    assert len(turns) == 3
    assert all(turn == pytest.approx(TURN) for turn in turns)
    until = time.monotonic() + 5
    while sys.getswitchinterval() != before and time.monotonic() < until:  # the threads end a moment after their jobs
        time.sleep(0.01)
    assert sys.getswitchinterval() == before


def test_the_latest_job_of_a_key_wins() -> None:
    jobs = Jobs()
    opened, waiting = gate()
    running = jobs.submit(Job("a", waiting, key="refine"))
    queued = jobs.submit(Job("b", counting, key="refine"))
    latest = jobs.submit(Job("c", counting, key="refine"))
    opened.set()
    assert latest.wait(5)
    assert [job.state for job in (running, queued, latest)] == ["cancelled", "cancelled", "done"]


def test_signals_come_only_through_dispatch_and_progress_never_floods() -> None:
    mailbox, seen, threads = Mailbox(), [], set[str]()
    jobs = Jobs(mailbox)
    job = Job("count", lambda: counting(1000))

    def note(progress: Progress) -> None:
        seen.append(progress.done)
        threads.add(threading.current_thread().name)

    job.progressed.connect(note)
    jobs.submit(job)
    assert job.wait(5)
    assert seen == []
    assert jobs.all == (job,)
    mailbox.drain()
    assert seen == [1000]
    assert threads == {threading.current_thread().name}
    assert jobs.all == ()


def test_quiet_jobs_stay_out_of_the_bar_until_shown() -> None:
    jobs, changes = Jobs(), []
    opened, waiting = gate()
    job = jobs.submit(Job("quiet", waiting, quiet=True))
    assert jobs.shown is None
    jobs.changed.connect(lambda: changes.append(jobs.shown))
    jobs.show(job)
    assert changes == [job]
    opened.set()
    job.wait(5)


def test_cancel_all_waits_until_everything_is_over() -> None:
    jobs = Jobs()

    def endless() -> Steps[None]:
        while True:
            yield Progress("wait")

    found = [jobs.submit(Job("a", endless)), jobs.submit(Job("b", endless)), jobs.submit(Job("c", endless, lane="x"))]
    assert jobs.cancel_all(timeout=5)
    assert all(job.is_over for job in found)


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (StepError("Say this."), "Say this."),
        (RuntimeError("CUDA out of memory. Tried"), "Out of memory"),
        (ValueError("first\nsecond"), "ValueError: first"),
        (KeyError(), "KeyError: no message"),
    ],
)
def test_describe_gives_one_line(error: Any, text: str) -> None:
    assert describe(error).startswith(text)
    assert "\n" not in describe(error)


def test_jobs_give_way_once_for_each_step(monkeypatch: pytest.MonkeyPatch) -> None:
    jobs, job = Jobs(), Job("count", counting)
    waited: list[float] = []
    monkeypatch.setattr(job._stop, "wait", lambda seconds: waited.append(seconds))
    jobs.way = 60.0
    jobs.give_way()

    assert jobs.submit(job).wait(5)

    assert job.state == "done"
    assert len(waited) == 4  # before each of the three steps, and before it is seen that there is none left
    assert all(59 < seconds <= 60 for seconds in waited)


def test_a_job_that_gives_way_can_be_cancelled() -> None:
    jobs, job = Jobs(), Job("count", counting)
    jobs.way = 60.0
    jobs.give_way()
    said = heard(jobs.submit(job))
    job.cancel()
    assert job.wait(5)
    assert said == ["cancelled", "ended"]
