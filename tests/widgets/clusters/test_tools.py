from __future__ import annotations

import pytest
from qtpy.QtWidgets import QMenu

from napari_wsss.widgets.clusters.selection import ClusterSelection
from napari_wsss.widgets.clusters.tools import ClusterTools
from tests.widgets.clustered import cluster


@pytest.fixture
def tools(session, settle, qtbot):
    cluster(session, settle)
    compared = []
    made = ClusterTools(session, ClusterSelection(), lambda gesture: [gesture()], lambda *pair: compared.append(pair))
    made.compared = compared
    qtbot.addWidget(made)
    made.show_class("red", ["1", "2"])
    return made


def test_buttons_follow_the_selection_and_say_why_not(tools, session):
    selection = tools._selection
    assert not any(button.isEnabled() for button in (tools.move_button, tools.wrong, tools.split_off, tools.compare))
    assert tools.borrow.toolTip() == "select images first"
    selection.take(["p1.png", "p0.png"])
    assert tools.compare.isEnabled()
    assert tools.split_off.toolTip() == "select images of one cluster"
    tools.compare.click()
    assert tools.compared == [("p1.png", "p0.png")]
    selection.take(["p1.png", "p2.png"])
    tools.split_off.click()
    assert [row.name for row in session.gallery.rows("red")] == ["1", "2", "3"]
    selection.take(["p1.png"])
    assert "no mask yet" in tools.borrow.toolTip()


def test_the_menu_offers_the_same(tools, session, settle):
    tools._selection.take(["p1.png"])
    menu = QMenu()
    tools.fill(menu)
    entries = {entry.text(): entry for entry in menu.actions()}
    moves = entries.pop("Move to").menu()
    assert [entry.text() for entry in moves.actions()] == ["1", "2"]
    classes = entries.pop("Is another class").menu()
    assert [entry.text() for entry in classes.actions()] == ["green", "blue"]
    moves.actions()[1].trigger()
    assert session.project.catalog.clusters.of("p1.png")[0] == "red 2"
    assert not entries["Compare side by side"].isEnabled()
    entries["Not red: remove the label"].trigger()
    settle(session)
    assert session.project.catalog.get("p1.png").labels == {"green"}


def test_images_of_another_class_are_labelled_so_and_undo_labels_them_back(tools, session, settle):
    tools._selection.take(["p1.png"])
    before = session.project.catalog.get("p1.png").labels
    menu = QMenu()
    tools._fill_classes(menu)
    {entry.text(): entry for entry in menu.actions()}["blue"].trigger()
    settle(session)
    assert session.project.catalog.get("p1.png").labels == before - {"red"} | {"blue"}
    assert session.gallery.undo_text == "p1.png is blue, not red"
    session.gallery.undo()
    settle(session)
    assert session.project.catalog.get("p1.png").labels == before
