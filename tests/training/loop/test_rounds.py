"""Rounds count as parts of their run, keep how they ended, and hand their models on."""

from __future__ import annotations

from pathlib import Path

import pytest

from napari_wsss.core.progress import Progress, Steps
from napari_wsss.core.provenance import Provenance
from training.loop.checkpoints import BEST, LAST, RESUME
from training.loop.milestones import Outcome
from training.loop.rounds import RoundFolder, counted, steps_done
from training.run_folder import RunFolder


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    return RunFolder.create(tmp_path, "classifier", Provenance("training.test", {}), {})


def with_models(folder: RoundFolder, content: bytes) -> RoundFolder:
    folder.path.mkdir()
    for name in (BEST, LAST, RESUME):
        (folder.path / name).write_bytes(content)
    return folder


def test_a_concluded_round_is_the_runs_model_and_remembers_its_end(run: RunFolder) -> None:
    folder = with_models(RoundFolder(run, 0), b"weights")
    assert folder.outcome() is None
    folder.conclude(Outcome(True, 7, {"miou": 0.5}, {"labels": [["cat"]]}))
    assert (run.path / BEST).read_bytes() == (run.path / LAST).read_bytes() == b"weights"
    assert {path.name for path in folder.path.iterdir()} == {LAST, "outcome.json"}
    assert RoundFolder(run, 0).outcome() == Outcome(True, 7, {"miou": 0.5}, {"labels": [["cat"]]})


def test_steps_of_concluded_rounds_count_whole(run: RunFolder) -> None:
    rounds = [RoundFolder(run, number) for number in range(3)]
    assert steps_done(rounds, [5, 6, 7]) == 0
    with_models(rounds[0], b"").conclude(Outcome(True, 5, {}, {}))
    assert steps_done(rounds, [5, 6, 7]) == 5


def test_a_round_stops_with_its_run(run: RunFolder) -> None:
    folder = RoundFolder(run, 1)
    assert not folder.stop_requested()
    run.request_stop()
    assert folder.stop_requested()


def two_steps() -> Steps[str]:
    yield Progress("inner", 1, 2, "a")
    yield Progress("inner", 2, 2, "b")
    return "done"


@pytest.mark.parametrize(("standing", "done"), [(False, [11, 12]), (True, [10, 10])])
def test_steps_are_counted_as_those_of_the_run(standing: bool, done: list[int]) -> None:
    seen: list[Progress] = []

    def watched() -> Steps[None]:
        ended = yield from counted(two_steps(), "classifier", 10, 30, "round 1", standing=standing)
        assert ended == "done"

    seen.extend(watched())
    assert [progress.done for progress in seen] == done
    assert [(progress.stage, progress.total) for progress in seen] == [("classifier", 30)] * 2
    assert [progress.message for progress in seen] == ["round 1: a", "round 1: b"]
