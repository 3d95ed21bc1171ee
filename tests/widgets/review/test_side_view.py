"""Both pictures keep the same place under the mouse, whatever is chosen, and one key goes back."""

from __future__ import annotations

import numpy as np
import pytest
from qtpy.QtCore import QPointF, Qt
from qtpy.QtWidgets import QWidget

from napari_wsss.session.models.side_by_side import Drawn
from napari_wsss.widgets.review import side_view
from napari_wsss.widgets.review.side_view import Panes, SideView


@pytest.fixture
def view(session, actions, qtbot):
    over = QWidget()
    over.resize(800, 500)
    qtbot.addWidget(over)
    over.show()
    qtbot.waitExposed(over)
    made = SideView(session, actions, over)
    actions.beside_wanted.connect(made.toggle)
    yield made
    made.end()


def test_the_key_opens_it_and_esc_leaves(view, session, actions, settle, qtbot):
    actions.run("side_by_side")
    settle(session)
    assert view.isVisible()
    assert view.size() == view.parent().size()
    assert len(view.panes._images) == 2
    image_id = session.table.image_id
    qtbot.keyClick(view, Qt.Key.Key_D)
    settle(session)
    assert session.table.image_id != image_id
    assert session.table.image_id in view.panes._drawn[0].caption
    qtbot.keyClick(view, Qt.Key.Key_B, Qt.KeyboardModifier.ShiftModifier)
    assert not view.isVisible()
    assert session.side_by_side.drawn == ()
    actions.run("side_by_side")
    qtbot.keyClick(view, Qt.Key.Key_Escape)
    assert not view.isVisible()


def test_a_choice_shows_another_side(view, session, actions, settle):
    actions.run("side_by_side")
    settle(session)
    view.whats[0].setCurrentIndex(0)
    view.whats[0].activated.emit(0)
    settle(session)
    assert session.side_by_side.sides[0].what == "photograph"
    assert view.panes._drawn[0].mask is None
    assert view.other.count() > 2
    view.other.setCurrentIndex(1)
    view.other.activated.emit(1)
    settle(session)
    assert view.panes._drawn[1].caption.endswith(view.other.itemData(1))


def test_another_persons_project_is_asked_for_once(view, session, actions, settle, monkeypatch, tmp_path):
    asked = []

    def answer(*_):
        asked.append(1)
        return str(tmp_path) if len(asked) > 1 else ""

    monkeypatch.setattr(side_view.QFileDialog, "getExistingDirectory", answer)
    actions.run("side_by_side")
    for expected in ("proposal", "theirs"):
        view.whats[1].setCurrentIndex(view.whats[1].findData("theirs"))
        view.whats[1].activated.emit(view.whats[1].currentIndex())
        assert view.whats[1].currentData() == session.side_by_side.sides[1].what == expected
    assert session.side_by_side.sides[1].of == tmp_path
    view.other.setCurrentIndex(1)
    view.other.activated.emit(1)
    assert (len(asked), session.side_by_side.sides[1].of) == (2, tmp_path)
    settle(session)
    assert "no project" in view.text.text()


@pytest.mark.parametrize("zoom", [1.0, 1.7, 9.0])
def test_sides_of_other_sizes_are_linked(qtbot, zoom):
    panes = Panes()
    qtbot.addWidget(panes)
    panes.resize(700, 400)
    sizes = (40, 60), (80, 120)
    panes.show_sides(tuple(Drawn(np.zeros((*size, 3), np.uint8), None, "") for size in sizes))
    panes.zoom, panes.centre = zoom, QPointF(0.3, 0.6)
    left, right = panes.target(0), panes.target(1)
    assert left.size() == right.size()
    moved = panes.pane(1).center() - panes.pane(0).center()
    assert (right.center() - left.center() - moved).manhattanLength() < 1e-6


def test_the_wheel_keeps_what_is_under_the_mouse(qtbot):
    panes = Panes()
    qtbot.addWidget(panes)
    panes.resize(700, 400)
    panes.show_sides(tuple(Drawn(np.zeros((40, 60, 3), np.uint8), None, "") for _ in range(2)))
    where = panes.pane(0).center() + QPointF(30, -20)
    before = panes._under(where)[1]

    class Wheel:
        def position(self):
            return where

        def angleDelta(self):
            return QPointF(0, 240).toPoint()

        def accept(self):
            pass

    panes.wheelEvent(Wheel())
    assert panes.zoom > 1.5
    assert (panes._under(where)[1] - before).manhattanLength() < 1e-6
    panes.show_whole()
    assert panes.zoom == 1
