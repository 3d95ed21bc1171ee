"""Closing asks about training and about work that could not be written, and about nothing else."""

from __future__ import annotations

import re
from pathlib import Path
from types import SimpleNamespace

import pytest
from qtpy.QtCore import QTimer
from qtpy.QtWidgets import QApplication, QMessageBox, QPushButton, QWidget

from napari_wsss.session.table.save_state import SaveState
from napari_wsss.widgets import closing


class Training:
    def __init__(self, running):
        self.running, self.calls = running, []

    def stop(self):
        self.calls.append("stop")

    def wait(self, seconds):
        self.calls.append("wait")


def session(kind="saved", running=False):
    table = SimpleNamespace(save_state=SaveState(kind, message="disk full"))
    return SimpleNamespace(table=table, training=Training(running))


@pytest.fixture
def parent(qtbot):
    made = QWidget()
    qtbot.addWidget(made)
    return made


@pytest.fixture
def never(monkeypatch):
    def fail(*_):
        raise AssertionError("a question was asked")

    monkeypatch.setattr(closing, "ask_about_training", fail)
    monkeypatch.setattr(closing, "ask_about_unsaved", fail)


@pytest.mark.parametrize("kind", ["saved", "read_only"])
def test_nothing_is_asked_when_all_is_safe(parent, never, kind):
    assert closing.may_close(session(kind), parent)


@pytest.mark.parametrize(
    ("answer", "closes", "calls"), [("leave", True, []), ("stop", True, ["stop", "wait"]), ("cancel", False, [])]
)
def test_training_goes_on_or_stops_or_keeps_the_window(parent, monkeypatch, answer, closes, calls):
    monkeypatch.setattr(closing, "ask_about_training", lambda _: answer)
    sitting = session(running=True)
    assert closing.may_close(sitting, parent) is closes
    assert sitting.training.calls == calls


@pytest.mark.parametrize("discard", [True, False])
def test_unsaved_work_is_not_dropped_silently(parent, monkeypatch, discard):
    reasons = []
    monkeypatch.setattr(closing, "ask_about_unsaved", lambda _, reason: reasons.append(reason) or discard)
    assert closing.may_close(session("failed"), parent) is discard
    assert reasons == ["disk full"]


@pytest.mark.parametrize(("text", "answer"), [("Leave running", "leave"), ("Stop it", "stop"), ("Cancel", "cancel")])
def test_the_question_has_three_answers(parent, text, answer):
    def press():
        box = next(w for w in QApplication.topLevelWidgets() if isinstance(w, QMessageBox) and w.isVisible())
        buttons = {found.text().replace("&", ""): found for found in box.findChildren(QPushButton)}
        assert box.defaultButton() is buttons["Cancel"]
        buttons[text].click()

    QTimer.singleShot(50, press)
    assert closing.ask_about_training(parent) == answer


def test_the_safe_answer_about_unsaved_work_is_the_default(parent):
    def press():
        box = next(w for w in QApplication.topLevelWidgets() if isinstance(w, QMessageBox) and w.isVisible())
        assert "disk full" in box.text()
        box.defaultButton().click()

    QTimer.singleShot(50, press)
    assert closing.ask_about_unsaved(parent, "disk full") is False


def test_nothing_else_opens_a_dialog_or_a_toast():
    """Questions are for what may lose work; toasts for failures and finished jobs, which the dock knows of."""
    wanted = re.compile(r"QMessageBox|QInputDialog|QDialog\b|QErrorMessage|show_(?:info|warning|error)\b")
    found = {path.name for path in Path(closing.__file__).parent.glob("*.py") if wanted.search(path.read_text("utf-8"))}
    assert found == {"closing.py", "dock.py"}
