from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from napari_wsss.core.errors import ProjectError
from napari_wsss.core.progress import Progress, Steps, finish
from napari_wsss.core.provenance import Provenance
from training.distributed import World
from training.run_folder import RunFolder, by_first

MADE_BY = Provenance("training.classifier", {"epochs": 1})


def _run(folder: Path) -> RunFolder:
    return RunFolder.create(folder, "classifier", MADE_BY, {"config": {"method": "cam"}})


def test_a_run_is_named_after_its_key_and_records_where_it_ran(tmp_path: Path) -> None:
    run = _run(tmp_path)
    assert run.path.name == f"classifier-{MADE_BY.key}"
    record = json.loads((run.path / "run.json").read_text())
    assert record["state"] == "running"
    assert record["pid"] == os.getpid()
    assert record["environment"]["packages"]["torch"]
    assert Provenance.from_dict(record["provenance"]) == MADE_BY


def test_the_same_run_again_gets_its_own_folder(tmp_path: Path) -> None:
    names = [_run(tmp_path).path.name for _ in range(3)]
    assert names == [f"classifier-{MADE_BY.key}{ending}" for ending in ("", "-2", "-3")]


def test_events_are_kept_and_a_torn_line_is_left_out(tmp_path: Path) -> None:
    run = _run(tmp_path)
    run.note(Progress("classifier", 1, 3, metrics={"loss": 2.0}))
    with (run.path / "events.jsonl").open("a") as file:
        file.write('{"stage": "class')
    assert [event["done"] for event in run.events()] == [1]


def test_heartbeat_names_the_living_process_and_ends_with_the_run(tmp_path: Path) -> None:
    run = _run(tmp_path)
    run.note(Progress("classifier", 1, 3))
    assert json.loads((run.path / "heartbeat").read_text())["pid"] == os.getpid()
    run.finish("done", steps=3)
    assert not (run.path / "heartbeat").exists()
    assert RunFolder.open(run.path).record["state"] == "done"


def test_going_on_forgets_the_stop_and_what_came_after_the_checkpoint(tmp_path: Path) -> None:
    run = _run(tmp_path)
    for done in range(1, 5):
        run.note(Progress("classifier", done, 9))
    run.request_stop()
    assert run.stop_requested()
    again = RunFolder.open(run.path)
    again.resume(2)
    assert again.stop_requested(), "one that comes while a run prepares itself is not lost"
    again.forget_stop()
    assert not again.stop_requested()
    assert [event["done"] for event in again.events()] == [1, 2]


@pytest.mark.parametrize("content", [None, "{"])
def test_a_folder_that_is_no_run_is_refused(tmp_path: Path, content: str | None) -> None:
    if content is not None:
        (tmp_path / "run.json").write_text(content)
    with pytest.raises(ProjectError, match="no training run"):
        RunFolder.open(tmp_path)


def test_whether_somebody_carries_on_a_run_is_known(tmp_path: Path) -> None:
    run = _run(tmp_path)
    assert run.is_carried_on(), "this very process"
    run.record["process"] = {**run.record["process"], "pid": 2**22 + 1}
    assert not run.is_carried_on()
    run.record["process"] = {**run.record["process"], "host": "elsewhere"}
    assert not run.is_carried_on(), "no heartbeat"
    run.beat()
    assert run.is_carried_on(), "its heart beats on the shared disk"
    run.finish("stopped")
    assert not run.is_carried_on()


def test_only_the_first_process_writes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = _run(tmp_path)
    before = {path.name: path.read_bytes() for path in run.path.iterdir()}
    monkeypatch.setattr("training.run_folder.world", lambda: World(rank=1, size=2))
    run.update(state="stopped")
    run.note(Progress("classifier", 1, 3))
    run.beat()
    run.resume(0)
    run.finish("done")
    assert {path.name: path.read_bytes() for path in run.path.iterdir()} == before
    assert run.record["state"] == "done", "what it knows itself"


def test_what_the_first_process_does_is_simply_done_by_one_that_is_alone(tmp_path: Path) -> None:
    run = _run(tmp_path)

    def steps() -> Steps[int]:
        yield Progress("classifier", message="looked")
        run.update(looked=True)
        return 3

    told: list[Progress] = []
    assert finish(by_first(steps(), run), told.append) == 3
    assert [one.message for one in told] == ["looked"]
    assert run.record["looked"]
