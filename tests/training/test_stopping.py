"""A stop is obeyed between two steps, and at the latest when patience ends."""

from __future__ import annotations

import json
import threading
from pathlib import Path

import pytest

from napari_wsss.core.progress import Progress, Steps, finish
from napari_wsss.core.provenance import Provenance
from training.run_folder import RunFolder
from training.stopping import STOPPED, stopped_in_time, until_stopped


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    return RunFolder.create(tmp_path, "classifier", Provenance("training.test", {}), {})


def two_steps() -> Steps[str]:
    yield Progress("test", 1, 2, "a")
    yield Progress("test", 2, 2, "b")
    return "done"


def test_steps_without_a_state_end_between_two_when_the_run_is_to_stop(run: RunFolder) -> None:
    assert finish(until_stopped(two_steps(), run)) == "done"
    run.request_stop()
    steps = until_stopped(two_steps(), run)
    assert next(steps).message == "a"
    with pytest.raises(StopIteration) as ended:
        next(steps)
    assert ended.value.value is None


def test_what_does_not_stop_by_itself_is_ended_as_a_stopped_run(run: RunFolder) -> None:
    ended, codes = threading.Event(), list[int]()

    def end(code: int) -> None:
        codes.append(code)
        ended.set()

    with stopped_in_time(run, patience=0.1, end=end):
        run.request_stop()
        assert ended.wait(10), "one long step, which looks for nothing"
    assert codes == [STOPPED]
    assert json.loads((run.path / "run.json").read_text())["state"] == "stopped"


def test_what_stops_by_itself_is_left_alone(run: RunFolder) -> None:
    codes: list[int] = []
    with stopped_in_time(run, patience=0.1, end=codes.append):
        pass
    with stopped_in_time(run, patience=60, end=codes.append):
        run.request_stop()
    assert codes == []
    assert run.record["state"] == "running"
