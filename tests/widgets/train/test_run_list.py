"""The list of runs: one is looked at or applied, several are compared."""

from __future__ import annotations

import json

import pytest
from qtpy.QtCore import Qt

from napari_wsss.session.runs.folders import RunInfo
from napari_wsss.widgets.train.run_list import MOST_NAMED, RunList, left_out_text, run_text
from tests.session.conftest import write_checkpoint


@pytest.fixture
def run_list(session, qtbot):
    for started, name in enumerate(("classifier-a", "classifier-b", "classifier-c")):
        folder = session.project.training_folder / name
        folder.mkdir(parents=True)
        config = {"method": "colours", "optimisation": {"epochs": started}}
        record = {"recipe": "classifier", "state": "done", "started": started, "config": config}
        (folder / "run.json").write_text(json.dumps({**record, "figures": {"seed_miou": started / 10}}))
    made = RunList(session)
    qtbot.addWidget(made)
    made.refresh()
    return made


def test_one_run_is_marked_and_several_are_compared(run_list, qtbot):
    told = []

    def click(row, modifier=Qt.KeyboardModifier.NoModifier):
        place = run_list.list.visualItemRect(run_list.list.item(row)).center()
        qtbot.mouseClick(run_list.list.viewport(), Qt.MouseButton.LeftButton, modifier, place)

    run_list.chosen.connect(lambda: told.append(run_list.run))
    assert run_list.run.folder.name == "classifier-c"
    assert [run.folder.name for run in run_list.marked] == ["classifier-c"]
    assert not run_list.apply.isEnabled()  # no checkpoint
    assert not run_list.compare.isEnabled()
    click(2, Qt.KeyboardModifier.ControlModifier)
    assert run_list.compare.isEnabled()
    run_list.compare.click()
    assert not run_list.comparison.isHidden()
    assert "<b>0.200</b>" in run_list.comparison.table.text()
    click(1)
    assert told[-1].folder.name == "classifier-b"
    assert run_list.comparison.isHidden()
    run_list.refresh()
    assert run_list.run.folder.name == "classifier-b", "what was marked stays marked"


def test_a_run_in_use_cannot_be_applied_again(run_list, session, settle):
    run = run_list.run
    write_checkpoint(session.project.folder, 0.5, "training/classifier-c/best.safetensors")
    run_list.refresh()
    assert run_list.apply.isEnabled()
    run_list.apply.click()
    settle(session)
    assert run_list.run.folder == run.folder
    assert not run_list.apply.isEnabled()
    assert "in use already" in run_list.apply.toolTip()


def test_the_line_says_state_method_score_and_time(tmp_path):
    done = RunInfo(tmp_path, "classifier", "done", config={"method": "cam"}, figures={"seed_miou": 0.5})
    assert run_text(done).startswith("✔ CAM · done · seed miou 0.500 · ")
    assert "3/9" in run_text(RunInfo(tmp_path, "adopt", "stopped", done=3, total=9))


def test_images_that_a_run_went_on_without_are_named(run_list):
    folder = run_list.run.folder
    record = json.loads((folder / "run.json").read_text())
    (folder / "run.json").write_text(json.dumps(record | {"left_out": {"bad.jpg": "cut off", "worse.jpg": 3}}))
    run_list.refresh()
    assert "1 left out" in run_text(run_list.run)
    assert "bad.jpg: cut off" in run_list.list.currentItem().toolTip()
    assert left_out_text(run_list.run) == "1 image could not be used: bad.jpg."
    many = RunInfo(folder, "classifier", "done", left_out={f"{k}.jpg": "" for k in range(MOST_NAMED + 3)})
    assert left_out_text(many).endswith("and 3 more.")
    assert left_out_text(None) == left_out_text(RunInfo(folder, "classifier", "done")) == ""
