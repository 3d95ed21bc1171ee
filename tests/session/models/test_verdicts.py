"""The verdict about a run comes from a child process, is kept, and never applies anything."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest

from napari_wsss.session.models import verdicts as module
from napari_wsss.session.models.verdicts import Told
from napari_wsss.session.runs.child import run_stage
from napari_wsss.session.runs.folders import RunInfo
from tests.session.conftest import Sitting, write_checkpoint

# Says what `python -m training.run judge --events` says; each start leaves a mark.
CHILD = """
import json, pathlib, sys, time
words = sys.argv[1:]
marks = pathlib.Path(MARKS)
marks.write_text(marks.read_text() + json.dumps(words) + chr(10) if marks.exists() else json.dumps(words) + chr(10))
print(json.dumps({"stage": "judge", "done": 1, "total": 4}), flush=True)
if pathlib.Path(FAILS).exists():
    sys.exit("The applied model is missing.")
time.sleep(float(SECONDS))
verdict = {"headline": "Better on 2, worse on 0 of 3 classes", "advice": "Apply it.", "recommendation": "apply"}
verdict["reasons"] = ["Mean IoU 20.0 → 40.0 % on 8 held-out images."]
print(json.dumps({"stage": "report", "message": "class  candidate", "verdict": verdict}), flush=True)
"""


class Judges:
    """A sitting whose judge is a small script."""

    def __init__(self, sitting: Sitting, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.sitting, self.marks, self.fails = sitting, folder / "marks", folder / "fails"
        self.script = folder / "judge.py"
        self.write()
        program = (sys.executable, str(self.script))
        monkeypatch.setattr(module, "run_stage", lambda *given: run_stage(*given, program=program))
        self.seen: list[Told] = []
        self.verdicts = sitting.session.verdicts
        self.verdicts.changed.connect(lambda: self.seen.append(self.verdicts.told))

    def write(self, seconds: float = 0.0) -> None:
        text = CHILD.replace("MARKS", repr(str(self.marks))).replace("FAILS", repr(str(self.fails)))
        self.script.write_text(text.replace("SECONDS", str(seconds)))

    def run(self, name: str = "classifier-new", gain: float = 0.6) -> RunInfo:
        path = write_checkpoint(self.sitting.session.project.folder, gain, f"training/{name}/best.safetensors")
        return RunInfo(path.parent, "classifier", "done", config={"method": "colours"})

    def ask(self, run: RunInfo | None) -> Told:
        self.verdicts.ask(run)
        self.sitting.settle()
        return self.verdicts.told

    @property
    def started(self) -> list[list[str]]:
        return [json.loads(line) for line in self.marks.read_text().splitlines()] if self.marks.exists() else []


@pytest.fixture
def judges(computed: Sitting, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Judges:
    """Return a computed session with one accepted mask, whose judge is a small script."""
    computed.session.decisions.accept()
    computed.settle()
    return Judges(computed, tmp_path, monkeypatch)


def test_the_verdict_is_told_and_nothing_is_applied(judges: Judges) -> None:
    plan, run = judges.sitting.session.table.plan, judges.run()
    told = judges.ask(run)
    assert told.line == "Better on 2, worse on 0 of 3 classes. Apply it."
    assert (told.state, told.recommendation) == ("known", "apply")
    assert told.reasons == ("Mean IoU 20.0 → 40.0 % on 8 held-out images.",)
    assert told.table == "class  candidate"
    assert judges.seen[0].line == "comparing with what is used now"
    assert any(one.line.endswith("· 1/4") for one in judges.seen)
    assert judges.sitting.session.table.plan == plan
    (words,) = judges.started
    assert words[0] == "judge"
    assert words[words.index("--weights") + 1] == str(run.checkpoint)
    assert judges.sitting.failures == []


def test_it_is_kept_until_the_model_or_the_persons_work_is_another(judges: Judges) -> None:
    run, session = judges.run(), judges.sitting.session
    told = judges.ask(run)
    assert judges.ask(None) == Told()
    assert judges.ask(run) == told
    assert len(judges.started) == 1
    session.decisions.accept()
    judges.sitting.settle()
    judges.ask(run)
    assert len(judges.started) == 2
    judges.run(gain=0.7)  # the same run, trained further
    judges.ask(run)
    assert len(judges.started) == 3


def test_the_latest_run_wins(judges: Judges) -> None:
    judges.write(seconds=30)
    judges.verdicts.ask(judges.run("classifier-slow"))
    assert judges.sitting.mailbox.drain_until(lambda: bool(judges.started), 30)
    judges.write()
    told = judges.ask(judges.run("classifier-quick"))
    assert told.state == "known"
    assert [Path(words[words.index("--weights") + 1]).parent.name for words in judges.started] == [
        "classifier-slow",
        "classifier-quick",
    ]


def test_why_it_cannot_be_compared_is_said_quietly(judges: Judges) -> None:
    judges.fails.touch()
    told = judges.ask(judges.run())
    assert told == Told("failed", "judge: The applied model is missing.")
    assert judges.sitting.failures == []


def test_the_first_model_has_nothing_to_be_compared_with(judges: Judges) -> None:
    project = judges.sitting.session.project
    applied = RunInfo((project.folder / project.plan.localizer_checkpoint).parent, "classifier", "done")
    told = judges.ask(applied)
    assert told.state == "failed"
    assert "has used no other model" in told.line
    assert judges.started == []


@pytest.mark.parametrize("stage", ["adopt", "unknown"])
def test_of_what_cannot_be_applied_nothing_is_said(judges: Judges, stage: str, tmp_path: Path) -> None:
    assert judges.ask(RunInfo(judges.run().folder, stage, "done")) == Told()
    assert judges.ask(RunInfo(tmp_path / "without a checkpoint", "classifier", "done")) == Told()
    assert judges.started == []


def test_without_a_persons_work_no_process_is_started(
    computed: Sitting, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    judges = Judges(computed, tmp_path, monkeypatch)
    assert judges.ask(judges.run()).line == module.NOTHING_GIVEN
    assert judges.started == []
    judges.sitting.session.scribbles.record(np.full((24, 32), 1, np.uint8))
    assert judges.ask(judges.run()).state == "known"


def test_a_changed_chain_is_held_against_that_before(judges: Judges) -> None:
    session = judges.sitting.session
    verdicts = session.chain_verdicts
    session.parameters.set("refine", "constant_background", {"background_threshold": 0.3}, "project")
    judges.sitting.settle()
    verdicts.ask_last_change()
    judges.sitting.settle()
    assert verdicts.told.state == "known"
    assert session.verdicts.told == Told(), "that of runs is another one"
    (words,) = judges.started
    assert "--last-change" in words
    assert "--weights" not in words
    candidate, before = module.before_and_after(session.project)
    assert candidate == session.plan
    assert before.refiners[0].parameters == {"background_threshold": 0.5}


def test_closing_the_project_ends_the_comparison(judges: Judges) -> None:
    judges.write(seconds=30)
    judges.verdicts.ask(judges.run())
    assert judges.sitting.mailbox.drain_until(lambda: bool(judges.started), 30)
    assert judges.sitting.session.close_project()
    judges.sitting.mailbox.drain()
    assert judges.verdicts.told == Told()
