from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import closing

import pytest

from napari_wsss.core.errors import ProjectError, StepError
from napari_wsss.core.progress import Progress, Steps, finish
from napari_wsss.pipeline.applied_model import RunError
from napari_wsss.pipeline.over_images import AHEAD, MOST_PIXELS, Outcome, StageReport, Write, over_images

IDS = [f"{at}.png" for at in range(20)]


class Stage:
    """Counts what a stage is asked for, and in which thread."""

    def __init__(self) -> None:
        self.read: list[str] = []
        self.written: list[str] = []
        self.computed: list[str] = []
        self.forgotten: list[str] = []
        self.most_ahead = self.most_behind = 0
        self.threads: set[int] = set()
        self.write_fails: Callable[[str], bool] = lambda _: False

    def prepare(self, image_id: str) -> str:
        self.threads.add(threading.get_ident())
        if image_id == "3.png":
            raise ProjectError("it is damaged")
        self.read.append(image_id)
        return image_id

    def compute(self, image_id: str, write: Write) -> Steps[Outcome]:
        yield Progress("inner")
        self.computed.append(image_id)
        self.most_ahead = max(self.most_ahead, len(self.read) - len(self.computed))
        if image_id == "5.png":
            return Outcome(None, is_labelled=False)
        write(self._write, image_id)
        self.most_behind = max(self.most_behind, len(self.computed) - len(self.forgotten))
        return Outcome(image_id == "0.png", is_labelled=image_id != "6.png")

    def _write(self, image_id: str) -> None:
        time.sleep(0.002)
        if self.write_fails(image_id):
            raise OSError(28, "No space left on device")
        self.written.append(image_id)

    def forget(self, image_id: str) -> None:
        assert image_id in self.written or image_id in ("3.png", "5.png", "7.png")
        self.forgotten.append(image_id)

    def steps(self, ahead: int) -> Steps[StageReport]:
        return over_images("test", IDS, self.prepare, self.compute, forget=self.forget, ahead=ahead)


@pytest.mark.parametrize("ahead", [0, AHEAD])
def test_what_becomes_of_images_does_not_depend_on_the_threads(ahead: int) -> None:
    stage = Stage()
    stage.write_fails = lambda image_id: image_id == "7.png"
    reports: list[Progress] = []
    found = finish(stage.steps(ahead), reports.append)
    done = tuple(image_id for image_id in IDS if image_id not in ("0.png", "3.png", "5.png", "7.png"))
    failed = {"3.png": "it is damaged", "7.png": "[Errno 28] No space left on device"}
    assert found == StageReport(done, ("0.png",), failed, ("5.png", "6.png"))
    assert (found.done_count, found.reused_count) == (len(done), 1)
    assert (found.unlabelled_made, found.unlabelled_waiting) == (1, 1)
    assert "1 are left out" in found.without_labels
    assert [one.message for one in reports if one.message] == IDS
    assert stage.forgotten == IDS
    assert stage.computed == [image_id for image_id in IDS if image_id != "3.png"]


def test_reading_is_ahead_and_writing_behind_but_not_far() -> None:
    stage = Stage()
    finish(stage.steps(AHEAD))
    assert threading.get_ident() not in stage.threads
    assert 1 <= stage.most_ahead <= AHEAD + 1
    assert 1 <= stage.most_behind <= 2


def test_without_threads_everything_happens_here() -> None:
    stage = Stage()
    finish(stage.steps(0))
    assert stage.threads == {threading.get_ident()}
    assert (stage.most_ahead, stage.most_behind) == (0, 1)


def test_cancelled_it_finishes_what_is_being_written_and_reads_no_more() -> None:
    stage = Stage()
    with closing(stage.steps(AHEAD)) as steps:
        for _ in range(6):
            next(steps)
    read = len(stage.read)
    assert set(stage.written) <= set(stage.computed)
    assert read <= len(stage.computed) + AHEAD + 1
    time.sleep(0.05)
    assert len(stage.read) == read


def test_an_error_of_the_run_ends_it() -> None:
    def compute(image_id: str, write: Write) -> Steps[Outcome]:
        yield from ()
        raise RunError(StepError("no model"))

    with pytest.raises(StepError, match="no model"):
        finish(over_images("test", IDS, str, compute))


def test_reports_add_up() -> None:
    one = StageReport(("a",), (), {"b": "x"}, ("c",), 1, 0, 0, 1)
    both = one.with_more(StageReport(("d",), ("e",), {}, (), 1, 1, 0, 0))
    assert both == StageReport(("a", "d"), ("e",), {"b": "x"}, ("c",))
    assert (both.done_count, both.reused_count, both.unlabelled_waiting) == (2, 1, 1)


def test_several_are_shown_that_are_ready_and_their_errors_are_found_of_each() -> None:
    shown: list[list[str]] = []

    def gather(ready: object) -> None:
        shown.append(list(ready))  # type: ignore[call-overload]
        raise ProjectError("one of them is damaged")

    stage = Stage()
    found = finish(over_images("test", IDS, stage.prepare, stage.compute, gather=gather))
    assert found.failed == {"3.png": "it is damaged"}
    assert [some[0] for some in shown] == [image_id for image_id in IDS if image_id != "3.png"]
    assert max(map(len, shown)) <= AHEAD + 1
    assert any(len(some) > 1 for some in shown)


def test_large_pictures_do_not_fill_the_memory() -> None:
    stage = Stage()
    finish(over_images("test", IDS, stage.prepare, stage.compute, weigh=lambda _: MOST_PIXELS))
    assert stage.most_ahead <= 2
