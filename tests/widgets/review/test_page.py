"""Queue, search, labels, note and decisions on the Review page."""

from __future__ import annotations

import pytest

from napari_wsss.widgets.controls.listening import let_go
from napari_wsss.widgets.review.page import ReviewPage


@pytest.fixture
def page(session, sync, actions, qtbot):
    made = ReviewPage(session, sync, actions)
    qtbot.addWidget(made)
    yield made
    let_go(made)


def test_the_note_is_kept_when_the_image_is_left(page, session, actions):
    page.note.setText("check the tail")
    actions.run("next")
    assert session.project.catalog.get("p0.png").note == "check the tail"
    assert page.note.text() == ""
    actions.run("previous")
    assert page.note.text() == "check the tail"


def test_decisions_are_listed_and_taken_back(page, session, actions, qtbot):
    actions.run("accept")
    actions.run("skip")
    texts = [page.decisions.item(row).text() for row in range(page.decisions.count())]
    assert [text[7:] for text in texts] == ["skipped p1.png", "accepted p0.png"]
    page.undo.click()
    assert session.table.image_id == "p1.png"
    assert session.table.record.state == "todo"
    qtbot.waitUntil(lambda: "taken back" in page.decisions.item(0).text(), timeout=20000)


def test_many_decisions_at_once_are_read_once(page, session, monkeypatch, qtbot):
    reads, refresh = [], page.decisions.refresh
    monkeypatch.setattr(page.decisions, "refresh", lambda: reads.append(1) or refresh())
    page._decided.timeout.connect(lambda: reads.append("later"))
    for image_id in ("p1.png", "p2.png", "p3.png"):
        session.table.tell_state(image_id)
    assert reads == []
    qtbot.waitUntil(lambda: reads.count("later") == 1, timeout=20000)
    session.table.tell_state("p0.png")
    assert reads.count(1) == 1, "the shown image's at once"
