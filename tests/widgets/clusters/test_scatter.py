from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from qtpy.QtCore import QEvent, QPoint, QPointF, Qt
from qtpy.QtGui import QMouseEvent
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication

from napari_wsss.widgets.clusters.scatter import ClusterScatter
from napari_wsss.widgets.clusters.selection import ClusterSelection
from napari_wsss.widgets.controls.listening import let_go
from tests.widgets.clustered import cluster, point_of

LEFT = Qt.MouseButton.LeftButton


def drag(widget, points, modifier=Qt.KeyboardModifier.NoModifier):
    """Press at the first point, move over the others, release at the last."""
    QTest.mousePress(widget, LEFT, modifier, points[0])
    for point in points[1:]:
        where = QPointF(point)
        move = QMouseEvent(
            QEvent.Type.MouseMove, where, QPointF(widget.mapToGlobal(point)), Qt.MouseButton.NoButton, LEFT, modifier
        )
        QApplication.sendEvent(widget, move)
    QTest.mouseRelease(widget, LEFT, modifier, points[-1])


def around(points):
    """Return the corners of a box around points, gone round in small steps."""
    left, right = min(p.x() for p in points) - 10, max(p.x() for p in points) + 10
    top, bottom = min(p.y() for p in points) - 10, max(p.y() for p in points) + 10
    corners = [(left, top), (right, top), (right, bottom), (left, bottom), (left, top)]
    return [QPoint(*(np.add(a, np.subtract(b, a) * s)).astype(int)) for a, b in pairwise(corners) for s in (0, 0.5)]


@pytest.fixture
def scatter(session, settle, qtbot):
    made = ClusterScatter(session, ClusterSelection())
    qtbot.addWidget(made)
    made.resize(300, made.height())
    made.show()
    made.show_class(cluster(session, settle).of("red"))
    yield made
    let_go(made)


def test_points_are_clicked_lassoed_and_hovered(scatter, session, settle):
    selection, opened = scatter._selection, []
    scatter.opened.connect(opened.append)
    first, second = [point_of(scatter, f"p{n}.png") for n in (1, 2)], [point_of(scatter, f"p{n}.png") for n in (0, 3)]
    drag(scatter, around(second))
    assert set(selection.ids) == {"p0.png", "p3.png"}
    drag(scatter, around(first), Qt.KeyboardModifier.ShiftModifier)
    assert set(selection.ids) == {"p0.png", "p1.png", "p2.png", "p3.png"}
    QTest.mouseClick(scatter, LEFT, pos=point_of(scatter, "p5.png"))
    assert selection.ids == ("p5.png",)
    QTest.mouseClick(scatter, LEFT, pos=QPoint(150, 20))
    assert selection.ids == ()
    QTest.mouseDClick(scatter, LEFT, pos=point_of(scatter, "p4.png"))
    QTest.mouseRelease(
        scatter, LEFT, pos=point_of(scatter, "p4.png")
    )  # else it stays pressed for the tests that follow
    assert opened == ["p4.png"]

    QTest.mouseMove(scatter, point_of(scatter, "p4.png"))
    scatter.mouseMoveEvent(
        QMouseEvent(
            QEvent.Type.MouseMove,
            QPointF(point_of(scatter, "p4.png")),
            LEFT,
            Qt.MouseButton.NoButton,
            Qt.KeyboardModifier.NoModifier,
        )
    )
    before = scatter.grab().toImage()
    settle(session)
    assert scatter.grab().toImage() != before  # the picture has come
    scatter.show_class(None)
    scatter.grab()


def test_a_lasso_that_goes_round_a_point_leaves_it_out(scatter):
    scatter._points = np.array([(100, 100), (200, 130), (250, 100), (290, 50), (10, 100), (20, 20)], float)
    corners = [(50, 50), (270, 50), (270, 150), (200, 90), (50, 150), (50, 50)]
    drag(scatter, [QPoint(*corner) for corner in corners])
    names = scatter._found.image_ids
    assert set(scatter._selection.ids) == {names[0], names[2]}
