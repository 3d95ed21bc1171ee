"""The Train page starts, follows, stops and applies a child process, here a small script that writes the same files."""

from __future__ import annotations

import json
import sys

import pytest
from qtpy.QtWidgets import QApplication

from napari_wsss.processes.apart import Apart
from napari_wsss.session.models import learning
from napari_wsss.session.runs import trunk_weights
from napari_wsss.session.runs.process import cluster_script, command_line
from napari_wsss.widgets.controls.listening import let_go
from napari_wsss.widgets.train import page as train_page
from napari_wsss.widgets.train import weights_line
from napari_wsss.widgets.train.page import TrainPage
from tests.session.conftest import CLASSES
from tests.widgets.conftest import _answered

CHILD = """
import json, os, sys, time
from pathlib import Path
words = sys.argv[1:]
stage, project = words[0], Path(words[words.index("--project") + 1])
folder = project / "training" / f"{stage}-fake"
if "--resume" in words:
    folder = Path(words[words.index("--resume") + 1])
folder.mkdir(parents=True, exist_ok=True)
method = "shares" if stage == "segmentation" else "colours"
record = {"recipe": stage, "pid": os.getpid(), "started": time.time(), "config": {"method": method}}
def write(**changes):
    record.update(changes)
    (folder / "run.json").write_text(json.dumps(record))
write(state="running", words=words)
for step in range(1, 41):
    event = {"stage": stage, "done": step, "total": 40, "message": f"epoch {step}", "metrics": {"loss": 1 / step}}
    with (folder / "events.jsonl").open("a") as file:
        file.write(json.dumps(event) + "\\n")
    print(json.dumps(event), flush=True)
    (folder / "last.safetensors").write_text(json.dumps({"gain": 0.5, "classes": CLASSES}))
    if (folder / "stop").exists():
        (folder / "stop").unlink()
        write(state="stopped")
        sys.exit(3)
    time.sleep(0.02 if "--resume" in words or SPEED else 0.2)
write(state="done")
"""


@pytest.fixture
def program(tmp_path, session):
    """Return a function that puts the script in place of `training.run`."""

    def use(fast=True):
        script = tmp_path / "child.py"
        script.write_text(CHILD.replace("CLASSES", repr(list(CLASSES.names))).replace("SPEED", str(fast)))
        session.training._program = (sys.executable, str(script))

    return use


@pytest.fixture
def page(session, qtbot):
    made = TrainPage(session)
    qtbot.addWidget(made)
    yield made
    session.training.stop(0)
    session.training.wait(20)
    let_go(made)


def shown(page, qtbot):
    page.showEvent(None)
    qtbot.waitUntil(lambda: page.options.form is not None, timeout=20000)


def test_what_will_be_used_is_counted(page, session):
    session.decisions.accept()
    page._show_used()
    assert "1 accepted of 6 images" in page.used.text()
    assert "red 1, green 1, others 0" in page.used.text()


def test_learning_at_once_is_applied_without_asking(page, session, qtbot, monkeypatch, settle):
    monkeypatch.setattr(learning, "METHOD", "shares")
    monkeypatch.setattr(session.learning, "_apart", Apart("tests.session.models.fake_learner:learn", 5.0))
    page.learn.click()
    assert not page.learn.isEnabled()
    qtbot.waitUntil(lambda: not session.learning.running, timeout=20000)
    assert session.plan.segmenter_checkpoint == "training/learner/0002.safetensors"
    assert session.learning.text.startswith("learned from 2 masks")
    assert page.learn.isEnabled()
    settle(session)


def test_learning_by_itself_is_a_choice_that_is_kept(page, session, monkeypatch):
    kept = []
    monkeypatch.setattr(train_page, "keep", lambda *choice: kept.append(choice))
    page.by_itself.click()
    assert session.settings.learns_at_once
    assert kept == [("computing", "learns_at_once", True)]
    session.learning.set_automatic(False)  # because another model was chosen: not for good
    assert not page.by_itself.isChecked()
    assert len(kept) == 1


def test_the_recommended_start_takes_over_trunk_and_hardware(page, session, qtbot, program):
    program()
    shown(page, qtbot)
    page.options.form.fields["epochs"].value = 7
    page.options.form.fields["trunk_weights"].value = "own.pth"
    assert page.recommended_cost.text().startswith("SEAM, LPCAM on it, dense CRF: about")
    page.recommended.click()
    assert not page.recommended.isEnabled()
    qtbot.waitUntil(lambda: page.recommended.isEnabled(), timeout=20000)
    run = page.chosen_run()
    words = json.loads((run.folder / "run.json").read_text())["words"]
    assert words[0] == "start"
    assert words[words.index("--trunk-weights") + 1] == "own.pth"
    assert "--epochs" not in words
    assert page.run_list.list.currentItem().text().startswith("✔ Recommended start")


def test_what_becomes_of_the_pictures_is_said(page, qtbot):
    shown(page, qtbot)
    qtbot.waitUntil(lambda: "about 32 pixels" in page.seen.text(), timeout=20000)
    assert page.seen.text() == "Pictures of about 32 pixels are enlarged to 128."
    page.options.form.fields["crop"].value = 32
    assert page.seen.text() == "Pictures of about 32 pixels are seen as they are."


def test_the_command_is_what_start_does(page, session, qtbot):
    shown(page, qtbot)
    page.options.form.fields["epochs"].value = 7
    assert page.command.text() == command_line("classifier", session.project.folder, {"epochs": 7})
    assert page.command.text().endswith("--epochs 7")
    page._copy_command()
    assert QApplication.clipboard().text() == page.command.text()


def test_the_script_for_a_cluster_has_the_same_options(page, session, qtbot):
    shown(page, qtbot)
    page.options.form.fields["epochs"].value = 7
    page.cluster.click()
    assert QApplication.clipboard().text() == cluster_script("classifier", session.project.folder, {"epochs": 7})


def test_a_run_is_started_followed_and_applied(page, session, program, qtbot, settle):
    program()
    shown(page, qtbot)
    page.options.form.fields["epochs"].value = 7
    session.navigation.go_to("p1.png")
    session.decisions.accept()
    accepted = session.project.masks.read_accepted("p1.png")
    page.start.click()
    assert not page.start.isEnabled()
    qtbot.waitUntil(lambda: bool(page.plot.series), timeout=20000)
    qtbot.waitUntil(lambda: not session.training.running and page.start.isEnabled(), timeout=20000)
    assert page.plot.series["loss"].values[-1] == pytest.approx(1 / 40)
    run = page.chosen_run()
    assert "colours · done" in page.run_list.list.currentItem().text()  # the method, not only the stage
    record = json.loads((run.folder / "run.json").read_text())
    assert record["words"][-3:] == ["--epochs", "7", "--events"]
    assert run.state == "done"
    page.apply.click()
    settle(session)
    session.navigation.go_to("p0.png")
    assert session.table.maps.scores.max() < 0.5  # the new checkpoint halves all scores
    assert session.table.machine.plan.localizer_checkpoint == session.plan.localizer_checkpoint
    assert (session.project.masks.read_accepted("p1.png") == accepted).all()


def test_a_run_is_stopped_and_resumed(page, session, program, qtbot):
    program(fast=False)
    page.refresh()
    page.start.click()
    qtbot.waitUntil(lambda: bool(page.plot.series), timeout=20000)
    page.stop.click()
    qtbot.waitUntil(lambda: page.start.isEnabled(), timeout=20000)
    assert page.chosen_run().state == "stopped"
    assert "stopped" in page.said.text()
    assert page.resume.isEnabled()
    page.resume.click()
    qtbot.waitUntil(lambda: page.start.isEnabled() and page.chosen_run().state == "done", timeout=20000)
    assert "--resume" in json.loads((page.chosen_run().folder / "run.json").read_text())["words"]


def test_a_run_that_ends_badly_says_so(page, session, qtbot, tmp_path):
    script = tmp_path / "bad.py"
    script.write_text("import sys; print('no accepted mask'); sys.exit(4)")
    session.training._program = (sys.executable, str(script))
    page.start.click()
    qtbot.waitUntil(lambda: page.start.isEnabled() and "no accepted mask" in page.said.text(), timeout=20000)


def test_without_torch_the_page_says_what_to_install(page, monkeypatch, qtbot):
    from napari_wsss.core.errors import StepError
    from napari_wsss.widgets.train import stage_options

    def missing(stage, chosen):
        yield from ()
        raise StepError('Install it with: pip install "napari-wsss[torch]".')

    monkeypatch.setattr(stage_options, "describe_stage", missing)
    page.showEvent(None)
    qtbot.waitUntil(lambda: "napari-wsss[torch]" in page.said.text(), timeout=20000)


def test_a_weights_file_is_adopted_by_a_child(page, session, program, qtbot, monkeypatch, tmp_path):
    program()
    monkeypatch.setattr(train_page.QFileDialog, "getOpenFileName", lambda *_: (str(tmp_path / "a.pth"), ""))
    assert "published network of any kind" in page.open.toolTip()
    page.open.click()
    assert not page.open.isEnabled()
    qtbot.waitUntil(lambda: page.open.isEnabled(), timeout=20000)
    words = json.loads((page.chosen_run().folder / "run.json").read_text())["words"]
    assert words[0] == "adopt"
    assert words[words.index("--weights") + 1] == str(tmp_path / "a.pth")


def test_a_wrong_weights_file_is_refused_with_the_sentence(page, session, qtbot, monkeypatch, tmp_path):
    pytest.importorskip("torch")
    (tmp_path / "a.pth").write_text("<html>log in</html>")
    monkeypatch.setattr(train_page.QFileDialog, "getOpenFileName", lambda *_: (str(tmp_path / "a.pth"), ""))
    page.open.click()
    qtbot.waitUntil(lambda: "web page" in page.said.text(), timeout=60000)
    assert page.open.isEnabled()


def test_a_start_without_weights_goes_on_with_a_file_and_the_choice_stays(page, session, program, qtbot, monkeypatch):
    program()
    missing = {"imagenet": "MobileNetV2 is not on this machine."}
    monkeypatch.setattr(trunk_weights, "find_missing_weights", lambda _, source: _answered(missing.get(source, "")))
    shown(page, qtbot)
    page.recommended.click()
    assert not page.start.isEnabled()
    qtbot.waitUntil(lambda: not page.weights.isHidden(), timeout=20000)
    assert page.weights.text.text() == "Encoder weights: MobileNetV2 is not on this machine."
    form = page.options.form
    assert form._why["trunk_weights"].text() == "MobileNetV2 is not on this machine."
    assert not session.training.running
    assert page.start.isEnabled()
    monkeypatch.setattr(weights_line.QFileDialog, "getOpenFileName", lambda *_: ("", ""))
    page.weights.file.click()
    assert not page.weights.isHidden()
    monkeypatch.setattr(weights_line.QFileDialog, "getOpenFileName", lambda *_: ("own.safetensors", ""))
    page.weights.file.click()
    assert page.weights.isHidden()
    assert form.fields["trunk_weights"].value == "own.safetensors"
    qtbot.waitUntil(lambda: page.chosen_run() is not None and page.recommended.isEnabled(), timeout=20000)
    words = json.loads((page.chosen_run().folder / "run.json").read_text())["words"]
    assert words[words.index("--trunk-weights") + 1] == "own.safetensors"
    form.reset("trunk_weights")
    assert session.trunk_weights.options() == {}


def test_from_scratch_is_a_way_on(page, session, program, qtbot, monkeypatch):
    program()
    monkeypatch.setattr(
        trunk_weights, "find_missing_weights", lambda _, source: _answered("" if source == "none" else "?")
    )
    page.start.click()  # before the form has come
    qtbot.waitUntil(lambda: not page.weights.isHidden(), timeout=20000)
    page.weights.scratch.click()
    qtbot.waitUntil(lambda: page.chosen_run() is not None and page.start.isEnabled(), timeout=20000)
    words = json.loads((page.chosen_run().folder / "run.json").read_text())["words"]
    assert words[0] == "classifier"
    assert words[words.index("--trunk-weights") + 1] == "none"


def test_a_greyed_button_says_what_is_next(page, session):
    assert "SEAM" in page.recommended.toolTip()
    assert page.apply.toolTip() == f"Not now. {session.next_steps.step.text}"  # there is no run
    session.close_project()
    for greyed in (page.recommended, page.start, page.learn):
        assert session.next_steps.step.text in greyed.toolTip()
