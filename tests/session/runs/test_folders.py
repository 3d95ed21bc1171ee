"""Run folders: what they tell without torch, also after a crash."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from napari_wsss.processes.identity import Process
from napari_wsss.session.runs.folders import SILENT_SECONDS, read_run, runs_in, unreadable_in


def make(folder: Path, heartbeat: dict[str, Any] | None = None, **record: Any) -> Path:
    folder.mkdir(parents=True)
    (folder / "run.json").write_text(json.dumps({"recipe": "classifier", "started": 1.0, **record}))
    if heartbeat is not None:
        (folder / "heartbeat").write_text(json.dumps(heartbeat))
    return folder


def dead_pid() -> int:
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()
    return child.pid


def test_runs_are_listed_newest_first(tmp_path: Path) -> None:
    make(tmp_path / "classifier-a", state="done", started=1.0)
    make(tmp_path / "segmentation-b", state="stopped", started=3.0, recipe="segmentation")
    make(tmp_path / "classifier-c", state="failed", started=2.0, error="no images")
    (tmp_path / "logs").mkdir()
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "run.json").write_text("{")
    found = [(run.stage, run.state, run.message) for run in runs_in(tmp_path)]
    assert found == [("segmentation", "stopped", ""), ("classifier", "failed", "no images"), ("classifier", "done", "")]
    assert runs_in(tmp_path / "nowhere") == []


def test_events_tell_progress_and_history(tmp_path: Path) -> None:
    folder = make(tmp_path / "r", state="done", config={"method": "cam"})
    lines = [{"stage": "classifier", "done": k, "total": 9, "metrics": {"loss": 1 / k}} for k in (1, 2)]
    (folder / "events.jsonl").write_text("\n".join(map(json.dumps, lines)) + '\n{"stage": "class')
    run = read_run(folder)
    assert run is not None
    assert (run.done, run.total, run.config) == (2, 9, {"method": "cam"})
    assert [progress.metrics["loss"] for progress in run.history()] == [1.0, 0.5]


def test_a_run_without_a_living_process_is_interrupted(tmp_path: Path) -> None:
    alive = read_run(make(tmp_path / "a", state="running", pid=os.getpid()))
    dead = read_run(make(tmp_path / "b", state="running", pid=dead_pid()))
    assert alive is not None
    assert dead is not None
    assert (alive.state, dead.state) == ("running", "interrupted")


@pytest.mark.parametrize(("age", "state"), [(1.0, "running"), (SILENT_SECONDS + 5, "interrupted")])
def test_a_run_on_another_machine_lives_by_its_heartbeat(tmp_path: Path, age: float, state: str) -> None:
    beat = {"pid": 1, "host": "another-machine", "time": time.time() - age}
    run = read_run(make(tmp_path / "a", heartbeat=beat, state="running", pid=1))
    assert run is not None
    assert run.state == state


@pytest.mark.parametrize(
    ("state", "last", "possible"),
    [("stopped", True, True), ("stopped", False, False), ("done", True, False), ("failed", True, True)],
)
def test_which_runs_can_be_resumed(tmp_path: Path, state: str, last: bool, possible: bool) -> None:
    folder = make(tmp_path / "a", state=state)
    if last:
        (folder / "last.safetensors").touch()
    run = read_run(folder)
    assert run is not None
    assert run.can_resume == possible


def test_a_run_of_parts_can_be_resumed_without_a_model_of_its_own(tmp_path: Path) -> None:
    make(tmp_path / "start-a", recipe="start", state="stopped")
    make(tmp_path / "start-b", recipe="start", state="done")
    assert {run.folder.name: run.can_resume for run in runs_in(tmp_path)} == {"start-a": True, "start-b": False}


def test_the_best_checkpoint_comes_first(tmp_path: Path) -> None:
    folder = make(tmp_path / "a", state="done")
    run = read_run(folder)
    assert run is not None
    assert run.checkpoint is None
    for name in ("last.safetensors", "best.safetensors"):
        (folder / name).touch()
        assert run.checkpoint == folder / name


def test_figures_and_working_time_are_read(tmp_path: Path) -> None:
    folder = make(tmp_path / "r", state="done", figures={"miou": 0.5, "note": "x"}, environment={"platform": "Linux"})
    times = (100.0, 101.0, 103.0, 9000.0, 9002.0)  # stopped, and resumed much later
    lines = [{"stage": "classifier", "done": k, "total": 9, "time": when} for k, when in enumerate(times)]
    (folder / "events.jsonl").write_text("\n".join(map(json.dumps, lines)))
    run = read_run(folder)
    assert run is not None
    assert (run.figures, run.seconds, run.platform) == ({"miou": 0.5}, 5.0, "Linux")


BAD = {
    "text": b"not JSON",
    "torn": b'{"recipe": "classifier"',
    "list": b"[1, 2]",
    "not_utf8": b'{"recipe": "cl\xff\xfe"}',
    "deep": b"[" * 100_000 + b"]" * 100_000,
    "config": b'{"state": "done", "config": [1, 2]}',
    "pid": b'{"state": "running", "pid": "abc"}',
    "started": b'{"started": "yesterday"}',
    "figures": b'{"figures": 3}',
    "state": b'{"state": {"a": 1}}',
}


@pytest.mark.parametrize("kind", BAD)
def test_a_record_that_cannot_be_used_is_left_out_and_named(tmp_path: Path, kind: str) -> None:
    make(tmp_path / "good", state="done")
    make(tmp_path / "bad")
    (tmp_path / "bad" / "run.json").write_bytes(BAD[kind])
    assert [run.folder.name for run in runs_in(tmp_path)] == ["good"]
    assert list(unreadable_in(tmp_path)) == ["bad"]


@pytest.mark.parametrize("line", [b'{"done": "x", "total": 1}', b'{"message": "\xff"}', b'{"metrics": {"loss": []}}'])
def test_a_report_that_cannot_be_used_is_left_out_and_named(tmp_path: Path, line: bytes) -> None:
    folder = make(tmp_path / "r", state="done")
    (folder / "events.jsonl").write_bytes(b'{"stage": "classifier", "done": 3}\n' + line + b"\n")
    run = read_run(folder)
    assert run is not None
    assert (run.done, run.lost_lines, len(run.history())) == (3, 1, 1)
    assert "1 of its reports" in unreadable_in(tmp_path)["r"]


def test_a_loss_that_is_no_number_is_a_report_all_the_same(tmp_path: Path) -> None:
    folder = make(tmp_path / "r", state="done")
    (folder / "events.jsonl").write_text('{"done": 1, "metrics": {"loss": NaN}}\n')
    assert len(read_run(folder).history()) == 1  # type: ignore[union-attr]


@pytest.mark.parametrize("beat", [{"host": "other", "time": "x"}, {"host": 3}, {"host": "other", "time": 1e400}])
def test_a_heartbeat_with_wrong_types_is_none(tmp_path: Path, beat: dict[str, Any]) -> None:
    run = read_run(make(tmp_path / "r", beat, state="running"))
    assert run is not None
    assert run.state == "interrupted" or beat.get("time") == 1e400


def test_a_process_number_used_again_is_not_the_run_s(tmp_path: Path) -> None:
    mine = Process.this()
    living = read_run(make(tmp_path / "a", state="running", pid=mine.pid, process=mine.to_dict()))
    other = replace(mine, started="long ago")
    gone = read_run(make(tmp_path / "b", state="running", pid=mine.pid, process=other.to_dict()))
    assert living is not None
    assert gone is not None
    assert (living.state, gone.state) == ("running", "interrupted")


def test_a_run_behind_a_link_is_no_run(tmp_path: Path) -> None:
    outside = make(tmp_path / "outside", state="stopped")
    (tmp_path / "training").mkdir()
    (tmp_path / "training" / "linked").symlink_to(outside)
    assert runs_in(tmp_path / "training") == []
