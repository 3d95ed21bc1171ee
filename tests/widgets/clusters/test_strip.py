from __future__ import annotations

import numpy as np
import pytest
from qtpy.QtCore import QPoint, Qt
from qtpy.QtTest import QTest

from napari_wsss.widgets.clusters.selection import ClusterSelection
from napari_wsss.widgets.clusters.strip import GAP, SIDE, ImageStrip, describe, pixmap_of
from napari_wsss.widgets.controls.listening import let_go

LEFT = Qt.MouseButton.LeftButton


@pytest.fixture
def strip(session, qtbot):
    made = ImageStrip(session, ClusterSelection())
    qtbot.addWidget(made)
    made.resize(4 * (SIDE + GAP), 60)
    made.show()
    made.show_images("red", [f"p{number}.png" for number in range(6)])
    yield made
    let_go(made)


def test_thumbnails_are_selected_opened_and_drawn_when_they_are_made(strip, session, settle):
    opened, selection = [], strip._selection
    strip.opened.connect(opened.append)
    assert strip.height() == 2 * (SIDE + GAP)
    at = [strip.box_of(number).center() for number in range(6)]
    QTest.mouseClick(strip, LEFT, pos=at[1])
    QTest.mouseClick(strip, LEFT, Qt.KeyboardModifier.ControlModifier, at[5])
    QTest.mouseClick(strip, LEFT, Qt.KeyboardModifier.ControlModifier, at[1])
    assert selection.ids == ("p5.png",)
    QTest.mouseDClick(strip, LEFT, pos=at[2])
    QTest.mouseRelease(strip, LEFT, pos=at[2])  # else it stays pressed for the tests that follow
    assert opened == ["p2.png"]
    assert strip.image_at(QPoint(4 * (SIDE + GAP) - 1, 5)) is None

    strip.grab()
    settle(session)
    shown = strip.grab().toImage()
    assert len({shown.pixel(x, at[0].y()) for x in range(SIDE)}) > 3


def test_an_image_is_described(session):
    assert describe(session, "p2.png").splitlines() == [
        "p2.png",
        "to do",
        "red",
        describe(session, "p2.png").splitlines()[3],
    ]
    assert "confidence" in describe(session, "p2.png")


def test_pixmaps_have_the_pictures_pixels(qapp):
    picture = np.zeros((3, 5, 3), np.uint8)
    picture[1, 2] = (10, 20, 30)
    found = pixmap_of(picture).toImage().pixelColor(2, 1)
    assert (found.red(), found.green(), found.blue()) == (10, 20, 30)
