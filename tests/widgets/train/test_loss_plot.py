"""The plot keeps every figure, draws losses and scores on their own scales and survives odd values."""

from __future__ import annotations

import pytest

from napari_wsss.widgets.controls.colours import MARK_CONTRAST, PALETTE, TEXT_CONTRAST, legible
from napari_wsss.widgets.train.loss_plot import LossPlot, Series, is_score


@pytest.fixture
def plot(qtbot):
    made = LossPlot()
    qtbot.addWidget(made)
    made.resize(320, 180)
    made.show()
    return made


def line(plot, place):
    return plot.axes.plotItem.curves[place].getOriginalDataset()


def test_lines_and_legend_have_their_colours(plot):
    plot.show_history([(step, {"loss": 1.0 / step, "mean_iou": step / 20}) for step in range(1, 20)])
    image = plot.axes.grab().toImage()
    found = {image.pixelColor(x, y).name() for x in range(image.width()) for y in range(image.height())}
    ground = plot.palette().window().color()
    assert {legible(colour, ground, MARK_CONTRAST).name() for colour in PALETTE[:2]} <= found
    assert all(legible(colour, ground, TEXT_CONTRAST).name() in plot.heading.text() for colour in PALETTE[:2])


def test_scores_fill_zero_to_one_and_losses_their_own_range(plot):
    plot.show_history([(step, {"loss": 50.0, "mean_iou": 0.5}) for step in (1, 2)])
    assert line(plot, 0)[1].tolist() == [50.0, 50.0]
    assert line(plot, 1)[1].tolist() == [25.0, 25.0]
    assert plot.axes.getAxis("right")._tickLevels == [[(0.0, "0"), (25.0, "0.5"), (50.0, "1")]]
    assert plot.axes.plotItem.vb.viewRange()[1] == pytest.approx((0.0, 50.0), abs=2)
    plot.show_history([(step, {"loss": -2.0 + step}) for step in (1, 2)])
    assert not plot.axes.getAxis("right").isVisible()
    assert plot.loss_range() == (-1.0, 1.0)


def test_odd_figures_are_left_out(plot):
    plot.add(1, {"loss": float("nan"), "lr": 0.1, "gradient_norm": 70.0, "other": float("inf"), "fine": 1.0})
    plot.add(1, {"fine": 2.0})  # a step heard twice, after attaching to a running training
    assert list(plot.series) == ["fine"]
    assert plot.series["fine"].values == [1.0]


def test_an_empty_plot_and_one_point_can_be_drawn(plot, qtbot):
    plot.grab()
    assert plot.heading.text() == "no figures yet"
    plot.add(3, {"loss": 0.0})
    qtbot.waitUntil(lambda: "loss" in plot.heading.text())
    plot.grab()
    plot.clear()
    assert plot.series == {}
    assert plot.axes.plotItem.curves == []


def test_many_figures_at_once_are_drawn_once(plot, qtbot, monkeypatch):
    drawn = []
    monkeypatch.setattr(plot, "draw", lambda: drawn.append(len(plot.series["loss"].steps)))
    for step in range(50):
        plot.add(step, {"loss": 1.0})
    qtbot.waitUntil(lambda: bool(drawn))
    assert drawn == [50]


def test_the_legend_shows_the_figures_under_the_pointer(plot):
    plot.show_history([(step, {"<loss>": float(step)}) for step in range(11)])
    assert "&lt;loss&gt;&nbsp;10<" in plot.heading.text()
    plot.axes.pointed.emit(3.2)
    assert "&lt;loss&gt;&nbsp;3<" in plot.heading.text()
    plot.axes.pointed.emit(None)
    assert "&lt;loss&gt;&nbsp;10<" in plot.heading.text()


def test_hovering_moves_nothing(plot):
    plot.show_history([(step, {f"figure_{n}": 1.0 / 3**step for n in range(5)}) for step in range(9)])
    heights = set()
    for place in range(9):
        plot.axes.pointed.emit(float(place))
        heights.add(plot.heading.heightForWidth(plot.width()))
    assert len(heights) == 1


def test_the_legend_has_as_many_columns_as_fit(plot, qtbot):
    plot.show_history([(1, {f"figure_{n}": 1.0 for n in range(4)})])
    for width, lines in ((1000, 1), (100, 4)):
        plot.resize(width, 180)
        qtbot.waitUntil(lambda lines=lines: plot.heading.text().count("<tr>") == lines)


@pytest.mark.parametrize(("place", "value"), [(-1.0, 1.0), (1.4, 1.0), (1.6, 2.0), (99.0, 3.0), (None, 3.0)])
def test_the_nearest_step_is_meant(place, value):
    assert Series([1.0, 2.0, 5.0], [1.0, 2.0, 3.0]).at(place) == value


@pytest.mark.parametrize(("name", "score"), [("mean_iou", True), ("loss", False), ("mean_average_precision", True)])
def test_scores_are_known_by_their_names(name, score):
    assert is_score(name) is score


def test_the_only_part_of_a_loss_is_not_said_twice(plot):
    plot.show_history([(step, {"classification": 1 / step, "loss": 1 / step}) for step in (1, 2)])
    assert "classification" not in plot.heading.text()
    assert len(plot.axes.plotItem.curves) == 1
    plot.add(3, {"classification": 0.2, "loss": 0.5})
    assert list(plot.shown) == ["classification", "loss"]
