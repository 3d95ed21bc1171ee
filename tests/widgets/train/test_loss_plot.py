"""The plot keeps every figure, draws losses and scores on their own scales and survives odd values."""

from __future__ import annotations

import pytest

from napari_wsss.widgets.controls.colours import PALETTE, legible
from napari_wsss.widgets.train.loss_plot import MOST_POINTS, LossPlot, Series, is_score


@pytest.fixture
def plot(qtbot):
    made = LossPlot()
    qtbot.addWidget(made)
    made.resize(320, 180)
    return made


def colours_in(plot):
    image = plot.grab().toImage()
    return {image.pixelColor(x, y).name() for x in range(image.width()) for y in range(image.height())}


def test_lines_are_drawn_in_their_colours(plot):
    plot.show_history([(step, {"loss": 1.0 / step, "mean_iou": step / 20}) for step in range(1, 20)])
    found = colours_in(plot)
    ground = plot.palette().window().color()
    assert {legible(colour, ground).name() for colour in PALETTE[:2]} <= found


def test_scores_fill_zero_to_one_and_losses_their_own_range(plot):
    plot.show_history([(step, {"loss": 50.0, "mean_iou": 0.5}) for step in (1, 2)])
    frame = plot._frame()
    assert plot._line("mean_iou", frame)[0].y() == pytest.approx(frame.center().y(), abs=1)
    assert plot._line("loss", frame)[0].y() == pytest.approx(frame.top(), abs=1)


def test_odd_figures_are_left_out(plot):
    plot.add(1, {"loss": float("nan"), "lr": 0.1, "gradient_norm": 70.0, "other": float("inf"), "fine": 1.0})
    plot.add(1, {"fine": 2.0})  # a step heard twice, after attaching to a running training
    assert list(plot.series) == ["fine"]
    assert plot.series["fine"].values == [1.0]


def test_an_empty_plot_and_one_point_can_be_drawn(plot):
    plot.grab()
    plot.add(3, {"loss": 0.0})
    plot.grab()
    plot.clear()
    assert plot.series == {}


def test_long_runs_are_thinned_but_keep_their_end():
    series = Series(list(map(float, range(100_000))), [1.0] * 99_999 + [7.0])
    steps, values = series.thinned()
    assert len(steps) <= 2 * MOST_POINTS + 1
    assert (steps[-1], values[-1]) == (99_999.0, 7.0)


def test_the_legend_shows_the_figures_under_the_pointer(plot):
    plot.show_history([(step, {"loss": float(step)}) for step in range(11)])
    frame = plot._frame()
    plot._hover = frame.left() + 0.3 * frame.width()
    assert plot._value_at_hover(plot.series["loss"]) == 3.0
    plot.leaveEvent(None)
    assert plot._value_at_hover(plot.series["loss"]) == 10.0


@pytest.mark.parametrize(("name", "score"), [("mean_iou", True), ("loss", False), ("mean_average_precision", True)])
def test_scores_are_known_by_their_names(name, score):
    assert is_score(name) is score
