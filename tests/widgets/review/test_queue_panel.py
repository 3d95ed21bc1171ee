"""Search, order, count and list of the queue."""

from __future__ import annotations

import pytest
from qtpy.QtCore import Qt

from napari_wsss.session.table.queue import ORDERS
from napari_wsss.widgets.controls.listening import let_go
from napari_wsss.widgets.review.queue_panel import ORDER_TITLES, QueuePanel


@pytest.fixture
def panel(session, actions, qtbot):
    made = QueuePanel(session, actions)
    qtbot.addWidget(made)
    made.resize(330, 400)
    made.show()
    yield made
    let_go(made)


def test_a_click_shows_the_image_and_the_mark_follows_the_keys(panel, session, actions, qtbot):
    place = panel.view.visualRect(panel.model.index(3)).center()
    qtbot.mouseClick(panel.view.viewport(), Qt.MouseButton.LeftButton, pos=place)
    assert session.table.image_id == "p3.png"
    assert panel.view.currentIndex().row() == 3
    actions.run("next")
    assert panel.view.currentIndex().row() == 4


def test_search_filters_and_counts(panel, session, qtbot):
    assert panel.count.text() == "6 images"
    session.navigation.go_to("p2.png")
    session.decisions.toggle_flag()
    qtbot.keyClicks(panel.search, "state:flagged")
    panel.search.returnPressed.emit()
    assert [panel.model.image_at(row) for row in range(panel.model.rowCount())] == ["p2.png"]
    assert panel.count.text() == "1 of 6"
    panel.search.clear()
    assert panel.model.rowCount() == 6


def test_orders_sort_or_say_why_not(panel, session):
    assert set(ORDER_TITLES) == set(ORDERS)
    panel.order.activated.emit(panel.order.findData("uncertainty"))
    scores = [session.project.catalog.get(panel.model.image_at(row)).score for row in range(6)]
    assert scores == sorted(scores, reverse=True)
    assert panel.remark.text() == ""
    panel.order.activated.emit(panel.order.findData("diversity"))
    assert "no clusters" in panel.remark.text()


def test_what_is_typed_and_not_understood_is_said(panel, session, qtbot):
    qtbot.keyClicks(panel.search, "split:x")
    qtbot.waitUntil(lambda: "split:x" in panel.remark.text())
    panel.search.clear()
    assert panel.remark.text() == ""


def test_it_follows_the_project(panel, session, qtbot):
    with qtbot.waitSignal(panel.strip_wanted):
        panel.strip.click()
    session.close_project()
    assert (panel.model.rowCount(), panel.count.text()) == (0, "")
