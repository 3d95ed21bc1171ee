"""The Clusters page on the small project, with real clicks and keys."""

from __future__ import annotations

import pytest
from qtpy.QtCore import Qt
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QToolButton

from napari_wsss.pipeline.borrowing import BorrowReport
from napari_wsss.widgets.clusters.page import ClustersPage
from napari_wsss.widgets.controls.listening import let_go
from tests.widgets.clustered import cluster, point_of
from tests.widgets.clusters.test_scatter import around, drag


@pytest.fixture
def page(session, sync, actions, qtbot):
    made = ClustersPage(session, sync, actions)
    qtbot.addWidget(made)
    made.resize(350, 700)
    made.show()
    yield made
    let_go(made)


def names(page):
    return [row.shown.name for row in page.rows]


def click(page, row, text):
    next(button for button in page.rows[row].findChildren(QToolButton) if button.text() == text).click()


def test_without_clusters_it_says_what_they_are_good_for(page, session, monkeypatch):
    assert "No clusters yet" in page.remark.text()
    assert not page.rows
    assert not page.scatter.isVisible()
    asked = []
    monkeypatch.setattr(session.gallery, "find", asked.append)
    page.count.setValue(3)
    page.find_button.click()
    assert asked == [3]


def test_gestures_on_rows_and_their_undo(page, session, settle, qtbot):
    cluster(session, settle)
    page.refresh()
    assert names(page) == ["1", "2"]
    assert page.class_name == "red"
    name = page.rows[1].name
    name.setFocus()
    name.selectAll()
    QTest.keyClicks(name, "on the left")
    QTest.keyClick(name, Qt.Key.Key_Return)
    assert names(page) == ["1", "on the left"]

    for row in page.rows:
        row.pick.click()
    assert page.merge.isEnabled()
    page.merge.click()
    assert names(page) == ["1"]
    click(page, 0, "Split")
    assert len(page.rows) == 2
    assert "split" in page.undo.toolTip()
    for _ in range(3):
        page.undo.click()
    assert names(page) == ["1", "2"]
    assert not page.undo.isEnabled()
    page.rows[0].renamed.emit("2")
    assert names(page) == ["1", "2"]


def test_points_select_images_that_are_not_of_the_class(page, session, settle, qtbot):
    cluster(session, settle)
    page.refresh()
    QTest.qWait(20)
    drag(page.scatter, around([point_of(page.scatter, one) for one in ("p0.png", "p3.png")]))
    assert set(page.selection.ids) == {"p0.png", "p3.png"}
    page.tools.compare.click()
    assert page.pair.isVisible()
    page.tools.wrong.click()
    settle(session)
    assert names(page) == ["1"]
    assert page.selection.ids == ()
    page.undo.click()
    settle(session)
    assert session.project.catalog.get("p0.png").labels == {"red", "green"}
    assert names(page) == ["1", "2"]


def test_other_pages_work_on_a_cluster(page, session, settle, qtbot):
    cluster(session, settle)
    page.refresh()
    wanted = []
    page.page_wanted.connect(lambda *said: wanted.append(said))
    click(page, 1, "Parameters")
    assert session.table.image_id in page.rows[1].shown.members
    click(page, 0, "Review")
    assert session.navigation.queue.search == 'cluster:"red 1"'
    assert session.table.image_id in page.rows[0].shown.members
    session.gallery.borrowing.done.emit(BorrowReport("p0.png", ("p1.png",)))
    session.project.catalog.set_borrowed(["p1.png"], "p0.png")
    page.borrowed.click()
    assert session.navigation.queue.ids() == ["p1.png"]
    assert wanted == [("Refine", "cluster:red 2"), ("Review", ""), ("Review", "")]


def test_decisions_elsewhere_are_followed_while_the_page_is_seen(page, session, settle, qtbot):
    cluster(session, settle)
    page.refresh()
    session.navigation.go_to("p1.png")
    session.decisions.accept()
    qtbot.waitUntil(lambda: "25 % accepted" in page.rows[0].facts.text(), timeout=3000)
    page.hide()
    session.close_project()
    page.show()
    assert not page.rows
    assert page.remark.text() == "No project is open."
