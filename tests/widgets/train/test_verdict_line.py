"""The verdict below the buttons of the run list: asked for while somebody looks, shown with its reasons."""

from __future__ import annotations

import json

import pytest

from napari_wsss.session.models.verdicts import Told
from napari_wsss.widgets.controls.listening import let_go
from napari_wsss.widgets.train import verdict_line
from napari_wsss.widgets.train.run_list import RunList
from napari_wsss.widgets.train.verdict_line import RunVerdict
from tests.session.conftest import write_checkpoint

GOOD = Told("known", "Better on 2, worse on 0 of 3 classes. Apply it.", "apply", ("Mean IoU 20.0 → 40.0 %.",), "a < b")


@pytest.fixture
def asked(session, monkeypatch):
    found = []
    monkeypatch.setattr(session.verdicts, "ask", found.append)
    monkeypatch.setattr(verdict_line, "REST", 1)
    return found


@pytest.fixture
def line(session, qtbot, asked):
    made = RunVerdict(session)
    qtbot.addWidget(made)
    yield made
    let_go(made)


def tell(session, told):
    session.verdicts.told = told
    session.verdicts.changed.emit()


def test_the_headline_stands_out_and_the_table_is_in_the_tip(line, session):
    assert not line.line.isHidden(), "its place is kept, so that no button moves under a person's pointer"
    tell(session, GOOD)
    assert line.line.text() == GOOD.line
    assert line.reasons.text() == "Mean IoU 20.0 → 40.0 %."
    assert "bold" in line.line.styleSheet()
    assert "a &lt; b" in line.line.toolTip()
    tell(session, Told("comparing", "comparing with what is used now · 1/4"))
    assert "bold" not in line.line.styleSheet()
    assert line.reasons.isHidden()
    assert not line.stop.isHidden()
    tell(session, Told())
    assert not line.line.text()
    assert line.stop.isHidden()


def test_a_comparison_is_stopped(line, session, asked):
    tell(session, Told("comparing", "comparing with what is used now"))
    line.stop.click()
    assert asked == [None]


def test_nothing_is_asked_while_nobody_looks(line, asked, qtbot):
    line.follow("a run")
    qtbot.wait(50)
    assert asked == []
    line.show()
    qtbot.waitUntil(lambda: asked == ["a run"])


def test_it_is_asked_again_when_another_model_is_applied(line, session, asked, qtbot):
    line.show()
    line.follow("a run")
    qtbot.waitUntil(lambda: bool(asked))
    asked.clear()
    session.signals.model_applied.emit()
    session.training.ended.emit(0, None, "")
    qtbot.waitUntil(lambda: asked == ["a run"], timeout=2000)


def test_the_marked_run_is_compared_if_it_can_be_applied(session, qtbot, asked):
    for started, name in enumerate(("classifier-a", "classifier-b")):
        folder = session.project.training_folder / name
        folder.mkdir(parents=True)
        record = {"recipe": "classifier", "state": "done", "started": started, "config": {"method": "colours"}}
        (folder / "run.json").write_text(json.dumps(record))
    write_checkpoint(session.project.folder, 0.5, "training/classifier-a/best.safetensors")
    made = RunList(session)
    qtbot.addWidget(made)
    made.show()
    made.refresh()
    qtbot.waitUntil(lambda: asked == [None])  # the newest has no checkpoint
    made.list.setCurrentRow(1)
    qtbot.waitUntil(lambda: asked[-1] is not None and asked[-1].folder.name == "classifier-a")
    assert not session.verdicts.told.line
    let_go(made)
