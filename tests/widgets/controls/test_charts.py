"""Curves and bars: what is drawn where, what the heading says, and that they can be saved in any theme."""

from __future__ import annotations

import pytest
from qtpy.QtGui import QColor, QPalette

from napari_wsss.widgets.controls.charts import BarChart, LineChart, percent, picture_of, plain
from napari_wsss.widgets.controls.colours import ACCENT, legible


@pytest.fixture
def chart(qtbot):
    made = LineChart("Edited", percent, "masks")
    qtbot.addWidget(made)
    made.resize(300, 120)
    made.show()
    return made


def colours_in(image):
    return {image.pixelColor(x, y).name() for x in range(image.width()) for y in range(image.height())}


def test_the_curve_lies_on_axes_from_nothing_to_its_ends(chart):
    chart.show_curve([(20.0, 0.1), (50.0, 0.4), (100.0, 0.2)])
    (across, up) = chart.axes.plotItem.vb.viewRange()
    assert across == pytest.approx((0.0, 100.0), abs=5)
    assert up == pytest.approx((0.0, 0.4), abs=0.02)
    assert [list(values) for values in chart.axes.plotItem.curves[0].getOriginalDataset()] == [
        [20.0, 50.0, 100.0],
        [0.1, 0.4, 0.2],
    ]
    assert chart.axes.getAxis("left")._tickLevels == [[(0.0, "0 %"), (0.2, "20 %"), (0.4, "40 %")]]
    assert chart.axes.getAxis("bottom").labelText == "masks"


def test_one_point_is_said_and_not_drawn(chart):
    chart.show_curve([(1.0, 0.004)])
    assert chart.heading.text() == "Edited: 0 %"
    assert "axes" not in vars(chart)


def test_no_level_is_written_as_the_one_at_the_bottom(chart):
    chart.show_curve([(1.0, 0.004), (2.0, 0.002)])
    assert chart.axes.getAxis("left")._tickLevels == [[(0.0, "0 %")]]


def test_a_given_top_stays(qtbot):
    chart = LineChart("Agreement", top=1.0)
    qtbot.addWidget(chart)
    chart.show()
    chart.show_curve([(1.0, 0.2), (2.0, 0.1)])
    assert chart.axes.plotItem.vb.viewRange()[1] == pytest.approx((0.0, 1.0), abs=0.05)


def test_the_heading_says_the_newest_value_or_the_one_under_the_pointer(chart):
    assert chart.heading.text() == "Edited: nothing yet"
    chart.show_curve([(20.0, 0.31), (40.0, 0.12)], [(30.0, "classifier-b")])
    assert chart.heading.text() == "Edited: 12 %"
    chart.axes.pointed.emit(22.0)
    assert chart.heading.text() == "Edited: 31 % at 20 masks"
    chart.axes.pointed.emit(None)
    assert chart.heading.text() == "Edited: 12 %"


def marks_of(chart):
    return [item.value() for item in chart.axes.plotItem.items if getattr(item, "angle", 0) == 90]


def test_a_mark_says_the_name_of_its_model_beside_the_pointer(chart, qtbot):
    chart.show_curve([(20.0, 0.31), (40.0, 0.12)], [(0.0, "the first"), (30.0, "classifier-b")])
    assert marks_of(chart) == [30.0]
    qtbot.waitUntil(lambda: chart.axes.width() == 300)
    for place, said in (
        (29.8, "from here on classifier-b"),
        (20.0, ""),
        (1.0, ""),
        (30.3, "from here on classifier-b"),
    ):
        chart.axes.pointed.emit(place)
        assert chart.toolTip() == said
    chart.axes.pointed.emit(None)
    assert chart.toolTip() == ""


def test_a_mark_beyond_the_last_point_stands_at_its_end(chart):
    chart.show_curve([(0.0, 0.31), (1.0, 0.3)], [(30.0, "after the last one")])
    assert chart.axes.plotItem.vb.viewRange()[0] == pytest.approx((0.0, 1.0), abs=0.1)
    assert marks_of(chart) == [1.0]


def test_what_is_hidden_is_drawn_when_it_is_seen(qtbot):
    chart = LineChart("Edited")
    qtbot.addWidget(chart)
    chart.show_curve([(1.0, 0.5), (2.0, 0.4)])
    assert "axes" not in vars(chart)  # pyqtgraph is not needed yet
    chart.show()
    assert len(chart.axes.plotItem.curves) == 1


def test_everything_can_be_drawn(chart, qtbot):
    empty = picture_of(chart)
    chart.show_curve([(1.0, 0.5), (2.0, 0.4)], [(1.0, "a")])
    one = picture_of(chart)
    assert one != empty
    assert one.width() == 2 * chart.width()
    chart.show_curve([(float(i), i / 500) for i in range(500)])
    assert picture_of(chart) != one
    chart.resize(60, 120)
    assert not picture_of(chart).isNull()
    bars = BarChart("Classes")
    qtbot.addWidget(bars)
    bars.show()
    bars.show_bars([("cat", 10, 5), ("a very long name of a class that does not fit", 0, 0)])
    bars.resize(300, 90)
    qtbot.waitUntil(lambda: bars.axes.width() == 300)
    drawn = picture_of(bars)
    bars.show_bars([("cat", 10, 10), ("dog", 0, 0)])
    assert picture_of(bars) != drawn
    bars.show_bars([])
    assert not picture_of(bars).isNull()


def test_bars_stand_between_names_and_counts(qtbot):
    bars = BarChart("Classes")
    qtbot.addWidget(bars)
    bars.show()
    bars.show_bars([("cat", 10, 5), ("a very long name of a class that does not fit", 4, 4)])
    (names,), (counts,) = (bars.axes.getAxis(side)._tickLevels for side in ("left", "right"))
    assert names[0] == (0, "cat")
    assert names[1][1].endswith("…")
    assert counts == [(0, "5 of 10"), (1, "4 of 4")]
    whole, part = (item.opts["width"] for item in bars.axes.plotItem.items)
    assert (whole, part) == ((10, 4), (5, 4))


@pytest.mark.parametrize("ground", ["#262930", "#efebe9"])
def test_it_follows_a_change_of_the_theme(chart, ground):
    chart.show_curve([(float(i), i % 7) for i in range(30)])
    palette = QPalette(chart.palette())
    palette.setColor(QPalette.ColorRole.Window, QColor(ground))
    palette.setColor(QPalette.ColorRole.WindowText, QColor("white" if ground < "#8" else "black"))
    chart.setPalette(palette)
    assert {ground, legible(ACCENT, QColor(ground)).name()} <= colours_in(chart.grab().toImage())


@pytest.mark.parametrize(("value", "text"), [(0.0, "0"), (12.345, "12.3"), (25000.0, "25,000")])
def test_numbers_are_short(value, text):
    assert plain(value) == text


def test_nothing_yet_is_a_line_and_no_axes(chart):
    assert "axes" not in chart.__dict__
    chart.show_curve([(1.0, 0.5), (2.0, 0.4)])
    assert chart.axes.isVisible()
    chart.show_curve([])
    assert not chart.axes.isVisible()
