"""Queue, search, labels, note and decisions on the Review page."""

from __future__ import annotations

import pytest

from napari_wsss.widgets.review_page import ReviewPage


@pytest.fixture
def page(session, sync, actions, qtbot):
    made = ReviewPage(session, sync, actions)
    qtbot.addWidget(made)
    yield made
    made.close_page()


def test_a_click_in_the_queue_shows_the_image(page, session):
    page.queue.clicked.emit(page.model.index(3))
    assert session.current_id == "p3.png"
    assert page.queue.currentIndex().row() == 3


def test_the_mark_follows_the_keys(page, session, actions):
    actions.run("next")
    assert page.queue.currentIndex().row() == 1


def test_search_filters_the_queue(page, session, qtbot):
    session.go_to("p2.png")
    session.toggle_flag()
    qtbot.keyClicks(page.search, "state:flagged")
    page.search.returnPressed.emit()
    assert [page.model.image_at(row) for row in range(page.model.rowCount())] == ["p2.png"]
    page.search.clear()
    assert page.model.rowCount() == 6


def test_a_wrong_search_says_why(page, session, qtbot):
    with qtbot.waitSignal(page._actions.notice, raising=False, timeout=10):
        failures = []
        session.failed.connect(failures.append)
        page.search.setText("state:nonsense")
        page.search.returnPressed.emit()
    assert "nonsense" in failures[0]


def test_the_order_box_sorts(page, session):
    page.order.activated.emit(page.order.findData("uncertainty"))
    assert session.queue.order == "uncertainty"
    scores = [session.project.catalog.get(page.model.image_at(row)).score for row in range(6)]
    assert scores == sorted(scores, reverse=True)


def test_the_note_is_kept_when_the_image_is_left(page, session, actions):
    page.note.setText("check the tail")
    actions.run("next")
    assert session.project.catalog.get("p0.png").note == "check the tail"
    assert page.note.text() == ""
    actions.run("previous")
    assert page.note.text() == "check the tail"


def test_decisions_are_listed_and_taken_back(page, session, actions):
    actions.run("accept")
    actions.run("skip")
    texts = [page.decisions.item(row).text() for row in range(page.decisions.count())]
    assert [text.split(" ", 2)[2].strip() for text in texts] == ["p1.png → skipped", "p0.png → accepted"]
    page.undo.click()
    assert session.current_id == "p1.png"
    assert session.record.state == "todo"
    assert "taken back" in page.decisions.item(0).text() or "accepted" in page.decisions.item(0).text()
