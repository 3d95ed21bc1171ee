"""The header tells image, state, progress and save state; the footer decides."""

from __future__ import annotations

import shutil
import time

import pytest
from qtpy.QtWidgets import QFileDialog

from napari_wsss.core.errors import ProjectError
from napari_wsss.pipeline.learner_states import LearnerState
from napari_wsss.project.project import Project
from napari_wsss.session.table.save_state import SaveState
from napari_wsss.widgets.controls.listening import let_go
from napari_wsss.widgets.header import NOTICE_MS, Header


@pytest.fixture
def header(session, actions, qtbot):
    made = Header(session, actions)
    qtbot.addWidget(made)
    yield made
    let_go(made)


def test_it_follows_the_session(header, session):
    assert header.progress.text() == "1/6 · 0 accepted"
    session.decisions.accept()
    assert "p1.png" in header.name.text()
    assert header.progress.text() == "2/6 · 1 accepted"
    session.navigation.previous()
    assert (header.badge.state, header.badge.text) == ("accepted", "accepted")


def test_editing_an_accepted_mask_says_so(header, session):
    session.decisions.accept(and_next=False)
    session.table.mask[0, 0] = 3
    session.table.record_change(session.table.mask)
    assert header.badge.text == "draft (was accepted)"


def test_it_says_why_the_image_is_shown(header, session):
    session.navigation.set_order("uncertainty")
    assert header.why.text().startswith("unsure ")
    header.resize(360, header.height())
    header.saved.setText("saved now")
    header.show()
    header.layout().activate()
    assert header.badge.width() == header.badge.sizeHint().width(), "what the badge needs not is for the reasons"
    session.decisions.toggle_flag()
    assert "flagged" not in header.why.text()  # the badge says it
    session.close_project()
    assert header.why.text() == ""


@pytest.mark.parametrize(
    ("state", "text"),
    [
        (SaveState("unsaved"), "NOT SAVED yet"),
        (SaveState("failed", message="disk full"), "NOT SAVED: disk full"),
        (SaveState("saved"), "saved"),
    ],
)
def test_the_save_state_is_always_visible(header, session, state, text):
    session.table._autosave._set(state)
    assert header.saved.text().startswith(text)
    assert ("bold" in header.saved.styleSheet()) is (state.kind == "failed")


def test_a_failed_backup_is_said_with_what_to_do(header, session):
    folder = session.project.folder
    session.close_project()
    shutil.rmtree(folder / "backups")
    (folder / "backups").write_text("a file where the folder should be")
    session.open_project(folder)
    header.say("")
    assert "make room" in header.status.text()
    assert "bold" in header.status.styleSheet()
    session.signals.notice.emit("This is the last image of the queue.")
    assert "bold" not in header.status.styleSheet()
    header.say("")  # the notice's time is over
    assert "make room" in header.status.text()
    (folder / "backups").unlink()
    session.close_project()
    assert header.status.text() == ""


def test_notices_are_one_quiet_line_for_a_while(header, session, qtbot):
    session.signals.notice.emit("This is the last image of the queue.")
    assert header.status.text() == "This is the last image of the queue."
    assert header._hush.remainingTime() > NOTICE_MS / 2
    header._hush.start(1)
    qtbot.waitUntil(lambda: header.status.text() == "", timeout=20000)


def test_nothing_it_says_changes_its_height(header, session, settle):
    header.resize(330, 400)
    header.show()
    before = header.sizeHint().height()
    session.signals.notice.emit("word " * 100)
    session.table._autosave._set(SaveState("failed", message="no room on the disk " * 10))
    session.inference.start()
    assert header.job_bar.busy
    assert header.sizeHint().height() == before
    settle(session)
    assert header.sizeHint().height() == before


def test_without_a_project_it_is_empty(header, session):
    session.close_project()
    assert "no project" in header.name.text()
    assert header.badge.text == header.saved.text() == ""


def test_it_says_what_was_learned_and_that_a_proposal_waits(header, session):
    assert header.learned.text() == ""
    session.learning.state = LearnerState(session.project.folder / "training" / "learner" / "0001.safetensors", 3, 1)
    session.learning._learned_at = time.time()
    session.inference.hold_back()
    session.learning.changed.emit()
    assert header.learned.text() == "learned from 3 masks, 1 partly corrected · now · new proposal (L)"
    session.navigation.next()
    assert "new proposal" not in header.learned.text()


def test_a_copy_is_saved_elsewhere_where_the_disk_refuses(header, session, tmp_path, monkeypatch):
    def full(*_, **__):
        raise ProjectError("The disk is full.")

    folder = tmp_path / "elsewhere"
    folder.mkdir()
    header.show()
    assert not header.elsewhere.isVisible()
    with monkeypatch.context() as patch:
        patch.setattr(session.project.review, "record_change", full)
        patch.setattr(session.project.review, "save_draft", full)
        session.table.mask[2, 3] = 2
        session.table.touch()
        session.table.record_change(session.table.mask)
        assert header.elsewhere.isVisible()
        chosen = iter(["", str(folder)])
        patch.setattr(QFileDialog, "getExistingDirectory", staticmethod(lambda *_: next(chosen)))
        header.elsewhere.click()
        assert not list(folder.iterdir()), "nothing was chosen"
        header.elsewhere.click()
    with Project.open(folder, read_only=True) as copy:
        assert copy.masks.read_draft(session.shown_id)[2, 3] == 2
    assert session.flush()
    assert not header.elsewhere.isVisible()
