"""The job bar shows progress at once, cancels, and tells how a job ended."""

from __future__ import annotations

import threading

import pytest

from napari_wsss.core.progress import Progress
from napari_wsss.session.jobs import Job, Jobs
from napari_wsss.session.runs.process import TrainingProcess
from napari_wsss.widgets.controls.listening import let_go
from napari_wsss.widgets.job_bar import JobBar


@pytest.fixture
def jobs(relay):
    return Jobs(relay)


@pytest.fixture
def bar(jobs, qtbot):
    made = JobBar(jobs, TrainingProcess())
    qtbot.addWidget(made)
    yield made
    let_go(made)


class Stepping:
    """A long function that waits for `go` after each step."""

    def __init__(self, total=4):
        self.go, self.total, self.closed = threading.Semaphore(0), total, False

    def __call__(self):
        try:
            for done in range(1, self.total + 1):
                yield Progress("work", done, self.total, f"p{done}.png")
                self.go.acquire(timeout=10)
        finally:
            self.closed = True


def test_it_says_nothing_without_jobs(bar):
    assert not bar.busy
    assert bar.cancel.isHidden()
    assert bar.title.text() == bar.detail.text() == ""


def test_it_shows_progress_and_waiting_jobs(bar, jobs, qtbot):
    work = Stepping()
    jobs.submit(Job("maps", work))
    jobs.submit(Job("quiet", Stepping(0), quiet=True, lane="other"))
    jobs.submit(Job("second", Stepping(0)))
    qtbot.waitUntil(lambda: bar.bar.value() == 1, timeout=20000)
    assert bar.busy
    assert bar.title.text() == "maps  (+1 waiting)"
    assert bar.detail.text() == "1/4 · p1.png"  # one step alone tells no pace
    work.go.release(1)
    qtbot.waitUntil(lambda: "2/4 · " in bar.detail.text() and " left" in bar.detail.text(), timeout=20000)
    work.go.release(9)
    qtbot.waitUntil(lambda: not bar.busy, timeout=20000)


def test_a_job_that_is_submitted_while_something_is_drawn_repaints_nothing(bar, jobs, qtbot, monkeypatch):
    work, shown = Stepping(), []
    jobs.submit(Job("maps", work))
    qtbot.waitUntil(lambda: bar.bar.value() == 1, timeout=20000)
    monkeypatch.setattr(bar.bar, "setValue", shown.append)  # Qt draws at once, and dies of that inside a paint event
    jobs.submit(Job("picture", Stepping(0), quiet=True, lane="other"))
    assert shown == []
    qtbot.waitUntil(lambda: shown != [], timeout=20000)
    work.go.release(9)
    qtbot.waitUntil(lambda: not bar.busy, timeout=20000)


def test_what_comes_quickly_is_drawn_now_and_then(bar, jobs, qtbot, monkeypatch):
    bar._clock.setInterval(60000)
    bar._rest.setInterval(60000)
    shown = []
    show = bar._show
    monkeypatch.setattr(bar, "_show", lambda name, report, *rest: (shown.append(report), show(name, report, *rest)))
    work = Stepping(20)
    for _ in range(20):
        work.go.release()

    job = jobs.submit(Job("localize", work))
    with qtbot.waitSignal(jobs.ended, timeout=5000):
        pass

    assert job.progress.done == 20
    assert 0 < len([report for report in shown if report is not None]) <= 3  # one, and when it is followed anew


def test_cancel_is_acknowledged_and_ends_the_job(bar, jobs, qtbot):
    work = Stepping()
    job = jobs.submit(Job("maps", work))
    qtbot.waitUntil(lambda: bar.bar.value() == 1, timeout=20000)
    with qtbot.waitSignal(bar.finished, timeout=20000) as end:
        bar.cancel.click()
        assert bar.cancel.text() == "Cancelling…"
        assert not bar.cancel.isEnabled()
        work.go.release(9)
    assert end.args[:2] == ["maps", "cancelled"]
    assert end.args[2] > 0
    assert work.closed
    assert job.state == "cancelled"


def test_a_runtime_error_is_an_outcome(bar, jobs, qtbot):
    def broken():
        yield Progress("work", 0, 1)
        raise RuntimeError("CUDA error: device lost")

    with qtbot.waitSignal(bar.finished, timeout=20000) as end:
        jobs.submit(Job("maps", broken))
    assert end.args[:2] == ["maps", "failed: RuntimeError: CUDA error: device lost"]
    assert not bar.busy


def test_a_training_is_shown_where_no_job_is_and_can_be_stopped(bar, jobs, qtbot, monkeypatch):
    training, stopped = bar._training, []
    monkeypatch.setattr(TrainingProcess, "running", property(lambda self: True))
    monkeypatch.setattr(training, "stop", lambda: stopped.append(True))
    training.started.emit()
    qtbot.waitUntil(lambda: (bar.title.text(), bar.cancel.text()) == ("training", "Stop"), timeout=20000)
    training.progress = Progress("classifier", 3, 10, "loss 0.5")
    training.progressed.emit(training.progress)
    assert bar.detail.text() == "3/10 · loss 0.5"
    work = Stepping(1)
    jobs.submit(Job("maps", work))
    qtbot.waitUntil(lambda: bar.title.text() == "maps", timeout=20000)
    work.go.release(9)
    qtbot.waitUntil(lambda: bar.title.text() == "training", timeout=20000)
    bar.cancel.click()
    assert stopped == [True]
    assert bar.cancel.text() == "Stopping…"
    monkeypatch.setattr(TrainingProcess, "running", property(lambda self: False))
    training.ended.emit(0, None, "done")
    assert not bar.busy
