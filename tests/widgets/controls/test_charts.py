"""Curves and bars: where a point is drawn, what the heading says, and that they can be saved."""

from __future__ import annotations

import pytest
from qtpy.QtCore import QPointF

from napari_wsss.widgets.controls.charts import BarChart, LineChart, percent, picture_of, plain


@pytest.fixture
def chart(qtbot):
    made = LineChart("Edited", percent, "masks")
    qtbot.addWidget(made)
    made.resize(300, 120)
    return made


def test_points_span_the_frame(chart):
    chart.show_curve([(0.0, 0.0), (50.0, 0.4), (100.0, 0.2)])
    frame = chart.frame()
    assert chart.at((0.0, 0.0)) == QPointF(frame.left(), frame.bottom())
    assert chart.at((100.0, 0.4)) == QPointF(frame.right(), frame.top())
    assert chart.at((50.0, 0.2)) == frame.center()
    assert chart.at((50.0, 9.0)).y() == frame.top()


def test_the_heading_says_the_newest_value_or_the_one_under_the_pointer(chart):
    assert chart._heading() == "Edited"
    chart.show_curve([(20.0, 0.31), (40.0, 0.12)], [(30.0, "classifier-b")])
    assert chart._heading() == "Edited: 12 %"
    chart._hover = chart.at((20.0, 0.0)).x()
    assert chart._heading() == "Edited: 31 % at 20 masks"
    chart.leaveEvent(None)
    assert chart._heading() == "Edited: 12 %"


def test_everything_can_be_drawn(chart, qtbot):
    empty = picture_of(chart)
    chart.show_curve([(1.0, 0.5)], [(1.0, "a")])
    one = picture_of(chart)
    assert one != empty
    assert one.width() == 600
    chart.show_curve([(float(i), i / 500) for i in range(500)])
    assert picture_of(chart) != one
    bars = BarChart("Classes")
    qtbot.addWidget(bars)
    bars.show_bars([("cat", 10, 5), ("a very long name of a class that does not fit", 0, 0)])
    bars.resize(bars.sizeHint())
    drawn = picture_of(bars)
    bars.show_bars([("cat", 10, 10), ("dog", 0, 0)])
    assert picture_of(bars) != drawn


@pytest.mark.parametrize(("value", "text"), [(0.0, "0"), (12.345, "12.3"), (25000.0, "25,000")])
def test_numbers_are_short(value, text):
    assert plain(value) == text
