"""Axes are read, never handled: the pointer says where it is, and the wheel scrolls the page."""

from __future__ import annotations

import pyqtgraph
import pytest
import qtpy
from qtpy.QtCore import QEvent, QPoint, QPointF, Qt
from qtpy.QtGui import QPalette, QWheelEvent
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication, QWidget

from napari_wsss.widgets.controls.axes import DOTTED, Axes
from napari_wsss.widgets.controls.basic import column


@pytest.fixture
def axes(qtbot):
    made, page = Axes(), QWidget()
    page.setLayout(column(made))
    qtbot.addWidget(page)
    page.resize(320, 120)
    with qtbot.waitExposed(page):
        page.show()
    made.begin((0.0, 100.0), (0.0, 1.0))
    yield made
    page.hide()


def test_pyqtgraph_draws_with_the_binding_of_everything_else(axes):
    assert pyqtgraph.Qt.QT_LIB == qtpy.API_NAME
    assert pyqtgraph.getConfigOption("background") == "k"  # what other plugins find is untouched
    assert axes.focusPolicy() == Qt.FocusPolicy.NoFocus


def test_the_pointer_says_where_it_is(axes, qtbot):
    places = []
    axes.pointed.connect(places.append)
    middle = axes.mapFromScene(axes.plotItem.vb.mapViewToScene(QPointF(50.0, 0.5)))
    QTest.mouseMove(axes.viewport(), middle)
    qtbot.waitUntil(lambda: bool(places))
    assert places[-1] == pytest.approx(50.0, abs=1.0)
    QApplication.sendEvent(axes, QEvent(QEvent.Type.Leave))
    assert places[-1] is None


def test_the_wheel_is_left_to_the_page(axes):
    before = axes.viewRect()
    wheel = QWheelEvent(
        QPointF(100, 100),
        QPointF(axes.viewport().mapToGlobal(QPoint(100, 100))),
        QPoint(),
        QPoint(0, -240),
        Qt.MouseButton.NoButton,
        Qt.KeyboardModifier.NoModifier,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    QApplication.sendEvent(axes.viewport(), wheel)
    assert not wheel.isAccepted()  # so Qt offers a person's to what is around it (not one that a program sends)
    assert axes.viewRect() == before


def test_pixels_reach_as_far_as_they_are_wide(axes, qtbot):
    box = axes.getViewBox()
    qtbot.waitUntil(lambda: box.width() > 200)
    left, right = (axes.plotItem.vb.mapViewToScene(QPointF(place, 0.5)).x() for place in (40.0, 40.0 + axes.reach(10)))
    assert right - left == pytest.approx(10.0, abs=0.5)


@pytest.mark.parametrize("count", [1, DOTTED, DOTTED + 1])
def test_few_points_are_dotted(axes, count):
    axes.draw_curve(list(range(count)), [0.5] * count, axes.palette().text().color())
    assert (axes.plotItem.curves[0].opts["symbol"] is None) == (count > DOTTED)


def test_colours_are_those_of_the_palette_when_it_is_drawn(axes):
    palette = QPalette(axes.palette())
    palette.setColor(QPalette.ColorRole.Window, Qt.GlobalColor.darkGreen)
    axes.setPalette(palette)
    axes.begin((0.0, 1.0), (0.0, 1.0))
    assert axes.grab().toImage().pixelColor(1, 1) == palette.window().color()
