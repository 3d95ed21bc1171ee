"""The recommended start in a session: a real child process, whose models are used as they come; others by a script."""

from __future__ import annotations

import json
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest

from napari_wsss.pipeline.learner.chains import recommended_chain
from napari_wsss.pipeline.recommended import Offer
from napari_wsss.project.project import Project
from napari_wsss.session.runs import process
from tests.session.conftest import CLASSES, Sitting

TINY = {"trunk": "resnet18", "trunk_weights": "none", "width": 0.0625, "epochs": 2, "batch_size": 2, "crop": 48}
TINY |= {"warm_up": 0, "threads": 1}

# Offers as `python -m training.run start` does, of the colours method; waits for its stop file when WAIT is set.
CHILD = """
import json, os, sys, time
from pathlib import Path
words = sys.argv[1:]
training = Path(words[words.index("--project") + 1]) / "training"
run, part = training / "start-new", training / "classifier-part"
run.mkdir(parents=True, exist_ok=True)
part.mkdir(exist_ok=True)
record = {"recipe": "start", "pid": os.getpid(), "started": time.time(), "state": "running"}
(run / "run.json").write_text(json.dumps(record))
(part / "run.json").write_text(json.dumps({**record, "recipe": "classifier", "started": time.time() + 1}))
def say(text, **facts):
    line = json.dumps({"stage": "report", "message": text, **facts})
    print(line, flush=True)
    with (run / "events.jsonl").open("a") as file:
        file.write(line + chr(10))
say(f"run folder: {run}", run_folder=str(run))
for name, gain in (("first", 0.9), ("best", 0.5)):
    (part / f"{name}.safetensors").write_text(json.dumps({"gain": gain, "classes": CLASSES}))
    offer = {"title": name, "method": "colours", "checkpoint": f"training/classifier-part/{name}.safetensors"}
    say(name, offer={**offer, "is_first": name == "first"})
while os.environ.get("WAIT") and not (run / "stop").exists():
    time.sleep(0.02)
code = 3 if (run / "stop").exists() else 0
(run / "run.json").write_text(json.dumps({**record, "state": "stopped" if code else "done"}))
sys.exit(code)
"""


@pytest.fixture
def scripted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[Sitting], None]:
    """Return a function that puts a small script in place of a session's training."""
    script = tmp_path / "child.py"
    script.write_text(textwrap.dedent(CHILD).replace("CLASSES", repr(list(CLASSES.names))))
    monkeypatch.setattr(process, "POLL_SECONDS", 0.02)
    return lambda sitting: monkeypatch.setattr(sitting.session.training, "_program", (sys.executable, str(script)))


def used(sitting: Sitting) -> list[str]:
    """Return the models of the history, the first one first."""
    return [Path(entry.plan.localizer_checkpoint).name for entry in sitting.session.models.history()][::-1]


def test_a_real_run_is_followed_and_its_models_are_used(sitting: Sitting) -> None:
    session = sitting.session
    sitting.paint(1)
    assert sitting.accept()
    accepted = session.project.masks.accepted_path("p0.png").read_bytes()
    assert session.start.begin({**TINY, "device": "cpu", "precision": "float32", "first_maps": 0.001})
    assert sitting.mailbox.drain_until(lambda: not session.training.running, 300)
    sitting.settle()
    assert sitting.failures == []
    assert used(sitting) == ["first.safetensors", "best.safetensors", "best.safetensors"]
    assert [entry.method for entry in session.models.history()] == ["lpcam", "seam", "seam"]
    assert session.table.plan.refiners == recommended_chain()
    assert session.project.masks.accepted_path("p0.png").read_bytes() == accepted
    assert session.start.text.startswith("LPCAM on SEAM: used from now on")
    stages = {run.stage: run.state for run in session.training.runs(session.project)}
    assert stages == {"start": "done", "classifier": "done"}


def test_each_offer_is_one_step_back(sitting: Sitting, scripted: Callable[[Sitting], None]) -> None:
    scripted(sitting)
    assert sitting.session.start.begin()
    assert sitting.mailbox.drain_until(lambda: not sitting.session.training.running, 60)
    sitting.settle()
    assert used(sitting) == ["first.safetensors", "best.safetensors"]
    assert sitting.session.models.go_back_to(sitting.session.models.history()[1])
    assert sitting.session.table.plan.localizer_checkpoint.endswith("first.safetensors")
    assert not sitting.session.models.take(Offer("best", "colours", "training/classifier-part/best.safetensors"))


def test_where_a_model_is_in_use_first_maps_are_left_out(
    computed: Sitting, scripted: Callable[[Sitting], None]
) -> None:
    scripted(computed)
    assert computed.session.start.begin()
    assert computed.mailbox.drain_until(lambda: not computed.session.training.running, 60)
    computed.settle()
    assert used(computed)[-1] == "best.safetensors"
    assert "first: used from now on" not in " ".join(computed.notices)
    assert computed.failures == []


def test_a_window_opened_later_hears_every_offer_and_can_stop_the_whole(
    project_folder: Path,
    sitting_on: Callable[..., Sitting],
    scripted: Callable[[Sitting], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("WAIT", "1")
    first = sitting_on(project_folder)
    scripted(first)
    monkeypatch.setattr(first.session.training, "offered", type("Deaf", (), {"emit": lambda *_: None})())
    assert first.session.start.begin()
    events = project_folder / "training" / "start-new" / "events.jsonl"
    assert first.mailbox.drain_until(lambda: events.exists() and "best" in events.read_text(), 60)
    assert first.session.close_project()
    with Project.open_to_read(project_folder) as project:
        assert project.plan.localizer_checkpoint == ""
    later = sitting_on(project_folder)
    assert later.session.training.run_folder == project_folder / "training" / "start-new"
    assert later.mailbox.drain_until(lambda: len(used(later)) == 2, 60)
    later.session.training.stop()
    assert later.mailbox.drain_until(lambda: not later.session.training.running, 60)
    later.settle()
    record = json.loads((project_folder / "training" / "start-new" / "run.json").read_text())
    assert record["state"] == "stopped"
    run = next(run for run in later.session.training.runs(later.session.project) if run.stage == "start")
    assert run.can_resume


def test_a_project_to_look_at_only_starts_nothing(model_folder: Path, sitting_on: Callable[..., Sitting]) -> None:
    looking = sitting_on(model_folder, read_only=True)
    assert not looking.session.start.begin()
    assert "read-only" in looking.failures[-1]
