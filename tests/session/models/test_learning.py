"""Learning at once: a real child process, whose network is applied when it ends; untouched images only."""

from __future__ import annotations

import json
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from napari_wsss.session.models.learning import trunk_of_localizer
from napari_wsss.session.runs import process
from napari_wsss.session.runs.process import TrainingProcess
from tests.session.conftest import CLASSES, Sitting

# Ends at once as `python -m training.run` does, with a network of the shares method; EXIT makes it fail.
CHILD = """
import json, os, sys, time
from pathlib import Path
words = sys.argv[1:]
run = Path(words[words.index("--project") + 1]) / "training" / "segmentation-new"
run.mkdir(parents=True)
code = int(os.environ.get("EXIT", "0"))
(run / "best.safetensors").write_text(json.dumps({"classes": CLASSES}))
(run / "words.json").write_text(json.dumps(words))
(run / "events.jsonl").write_text(json.dumps({"stage": "segmentation", "message": "Learned from 1 mask."}) + chr(10))
record = {"recipe": "segmentation", "pid": os.getpid(), "started": time.time(), "config": {"method": "shares"}}
ended = {"state": "failed", "error": "Nobody has said anything."} if code else {"state": "done"}
(run / "run.json").write_text(json.dumps({**record, **ended}))
print(json.dumps({"stage": "report", "message": f"run folder: {run}", "run_folder": str(run)}), flush=True)
sys.exit(code)
"""


@pytest.fixture
def learning(computed: Sitting, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Sitting:
    """Return a session whose training is a small script."""
    script = tmp_path / "child.py"
    script.write_text(textwrap.dedent(CHILD).replace("CLASSES", repr(list(CLASSES.names))))
    monkeypatch.setattr(process, "POLL_SECONDS", 0.02)
    training: TrainingProcess = computed.session.training
    monkeypatch.setattr(training, "_program", (sys.executable, str(script)))
    return computed


def learn(sitting: Sitting) -> None:
    assert sitting.session.learning.learn(), sitting.failures
    assert sitting.session.learning.running
    assert sitting.mailbox.drain_until(lambda: not sitting.session.learning.running, 60)
    sitting.settle()


def test_what_was_learned_is_applied_and_said(learning: Sitting) -> None:
    session = learning.session
    accepted = session.table.image_id
    session.decisions.accept()
    before = session.project.masks.accepted_path(accepted).read_bytes()
    painted = learning.paint(2)
    learn(learning)
    assert session.table.plan.segmenter_checkpoint == "training/segmentation-new/best.safetensors"
    assert session.learning.text == "Learned from 1 mask."
    assert "Learned from 1 mask." in learning.notices
    np.testing.assert_array_equal(session.table.mask, painted)
    assert session.project.masks.accepted_path(accepted).read_bytes() == before
    assert learning.failures == []


def test_what_was_painted_is_on_disk_before_the_child_reads(learning: Sitting) -> None:
    session = learning.session
    learning.paint(1)
    assert session.learning.learn()
    assert session.project.masks.has_draft(session.table.image_id)
    assert learning.mailbox.drain_until(lambda: not session.learning.running, 60)
    words = json.loads((session.project.training_folder / "segmentation-new" / "words.json").read_text())
    assert words[0] == "segmentation"
    assert words[words.index("--method") + 1] == "pixel_classifier"


@pytest.mark.parametrize(
    ("network", "expected"),
    [
        ({"trunk": "resnet18", "trunk_weights": "own.pth", "width": 1.0, "dilated": True}, "resnet18 own.pth 1.0"),
        ({"trunk": "resnet18", "trunk_weights": "none", "width": 0.5}, ""),
        ({}, ""),
    ],
)
def test_the_learner_stands_on_the_localizers_trunk(
    learning: Sitting, network: dict[str, object], expected: str
) -> None:
    project = learning.session.project
    record = {"recipe": "classifier", "config": {"network": network}}
    (project.folder / project.plan.localizer_checkpoint).with_name("run.json").write_text(json.dumps(record))
    assert " ".join(map(str, trunk_of_localizer(project).values())) == expected


def test_it_is_taken_back_like_any_model(learning: Sitting) -> None:
    session = learning.session
    before = session.table.plan
    learn(learning)
    assert session.table.plan != before
    assert session.models.go_back_to(session.models.history()[1])
    assert session.table.plan.segmenter_checkpoint == before.segmenter_checkpoint == ""


def test_a_learner_that_fails_says_why_and_changes_nothing(learning: Sitting, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EXIT", "4")
    before = learning.session.table.plan
    learn(learning)
    assert "Nobody has said anything." in learning.failures[-1]
    assert learning.session.table.plan == before
    assert learning.session.learning.text == ""


def test_a_stopped_learner_is_not_said_to_go_on(learning: Sitting, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EXIT", "3")
    learn(learning)
    assert learning.failures[-1] == "Nothing was learned: it was stopped."


def test_one_at_a_time(learning: Sitting) -> None:
    session = learning.session
    assert session.learning.learn()
    assert not session.learning.learn()
    assert "going on already" in learning.failures[-1]
    assert learning.mailbox.drain_until(lambda: not session.learning.running, 60)


def test_a_project_to_look_at_only_learns_nothing(model_folder: Path, sitting_on: Callable[..., Sitting]) -> None:
    looking = sitting_on(model_folder, read_only=True)
    assert not looking.session.learning.learn()
    assert "read-only" in looking.failures[-1]
    assert not looking.session.training.running


def test_the_network_of_a_project_closed_meanwhile_is_not_applied(learning: Sitting) -> None:
    session = learning.session
    assert session.learning.learn()
    assert session.close_project()
    assert session.training.wait(30)
    learning.mailbox.drain()
    assert session.table is None
    assert learning.failures == []
