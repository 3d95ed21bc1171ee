from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from training.loop.plot import curves_of, smoothed, write_plot


def test_a_step_noted_twice_counts_once_and_the_learning_rate_is_left_out() -> None:
    events = [
        {"done": 1, "metrics": {"loss": 3.0, "learning_rate": 0.1, "gradient_norm": 70.0}},
        {"done": 2, "metrics": {"loss": 2.0}},
        {"done": 2, "metrics": {"loss": 1.0, "miou": 0.5}},
    ]
    assert curves_of(events) == {"loss": [(1, 3.0), (2, 1.0)], "miou": [(2, 0.5)]}


def test_parts_of_the_loss_are_drawn_above(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from matplotlib.axes import Axes

    drawn: dict[str, str] = {}
    plot = Axes.plot

    def noted(self: Axes, *points: object, **style: object) -> object:
        if "label" in style:
            drawn[str(style["label"])] = "above" if self.get_subplotspec().rowspan.start == 0 else "below"
        return plot(self, *points, **style)

    monkeypatch.setattr(Axes, "plot", noted)
    events = [
        {"done": 1, "metrics": {"loss": 3.0, "classification": 2.0, "masks": 1.0}},
        {"done": 1, "metrics": {"seed_miou": 0.3}},
    ]
    write_plot(tmp_path / "p.png", events, "run")
    assert drawn == {"loss": "above", "classification": "above", "masks": "above", "seed_miou": "below"}


def test_smoothing_keeps_a_constant_and_starts_at_the_first_value() -> None:
    assert smoothed([2.0, 2.0, 2.0]) == pytest.approx([2.0, 2.0, 2.0])
    assert smoothed([1.0, 0.0])[0] == 1.0


@pytest.mark.parametrize("events", [[], [{"done": 1, "metrics": {"loss": 1.0}}, {"done": 1, "metrics": {"miou": 0.4}}]])
def test_the_plot_is_a_png_also_without_events(tmp_path: Path, events: list[dict[str, object]]) -> None:
    write_plot(tmp_path / "plot.png", events, "a run")
    with Image.open(tmp_path / "plot.png") as image:
        assert image.format == "PNG"
        assert min(image.size) > 300
