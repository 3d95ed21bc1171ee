"""The filmstrip: one row of pictures over the queue's model."""

from __future__ import annotations

import pytest
from qtpy.QtCore import QPoint, QPointF, Qt
from qtpy.QtGui import QWheelEvent
from qtpy.QtWidgets import QApplication

from napari_wsss.widgets.controls.listening import let_go
from napari_wsss.widgets.review.filmstrip import Filmstrip
from napari_wsss.widgets.review.queue_model import QueueModel


@pytest.fixture
def strip(session, actions, qtbot):
    model = QueueModel(session)
    made = Filmstrip(session, model, actions)
    qtbot.addWidget(made)
    made.resize(260, 110)
    made.show()
    yield made
    let_go(made)
    let_go(model)


def columns(strip) -> list[int]:
    """Return the left edges of the images that are seen, in order of the queue."""
    places = [strip.visualRect(strip.model().index(row)) for row in range(strip.model().rowCount())]
    return [place.left() for place in places if place.right() > 0 and place.left() < strip.viewport().width()]


def test_a_click_goes_to_an_image_and_the_shown_one_is_kept_in_view(strip, session, actions, qtbot):
    qtbot.waitUntil(lambda: len(columns(strip)) > 1)
    place = strip.visualRect(strip.model().index(1)).center()
    qtbot.mouseClick(strip.viewport(), Qt.MouseButton.LeftButton, pos=place)
    assert session.table.image_id == "p1.png"
    assert session.navigation.go_to("p5.png")
    seen = strip.visualRect(strip.model().index(5))
    assert 0 <= seen.left() < seen.right() <= strip.viewport().width() + 1
    session.navigation.set_search("p2")
    session.navigation.go_to("p2.png")
    assert strip.model().rowCount() == 1
    assert not strip.hasFocus()


def test_the_wheel_scrolls_sideways(strip, qtbot):
    bar = strip.horizontalScrollBar()
    qtbot.waitUntil(lambda: bar.maximum() > 0)
    bar.setValue(0)
    no = Qt.MouseButton.NoButton
    turn = QWheelEvent(
        QPointF(20, 20),
        QPointF(strip.mapToGlobal(QPoint(20, 20))),
        QPoint(),
        QPoint(0, -120),
        no,
        Qt.KeyboardModifier.NoModifier,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    QApplication.sendEvent(strip.viewport(), turn)
    assert 0 < bar.value() <= strip._cell.size.width()


def test_pictures_grow_with_the_strip(strip, qtbot):
    small = strip._cell.size.height()
    strip.resize(260, 160)
    qtbot.waitUntil(lambda: strip.visualRect(strip.model().index(0)).height() > small)
