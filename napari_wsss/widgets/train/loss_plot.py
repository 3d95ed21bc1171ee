"""A live plot of a training run's figures.

What a person can do with it: read loss and scores while they change, hover to see the figures of one step.
"""

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html import escape

from qtpy.QtGui import QColor, QResizeEvent

from napari_wsss.widgets.controls.basic import single_shot
from napari_wsss.widgets.controls.charts import LEVELS, Chart, plain
from napari_wsss.widgets.controls.colours import MARK_CONTRAST, PALETTE, TEXT_CONTRAST, legible

LOSS = "loss"
PAUSE = 100  # milliseconds between two drawings
HEIGHT = 140
GAP = 12  # pixels between two entries of the legend


@dataclass
class Series:
    """One figure over steps: `steps` ascending, `values` finite, same length."""

    steps: list[float] = field(default_factory=list)
    values: list[float] = field(default_factory=list)

    def at(self, step: float | None) -> float:
        """Return the value at the step nearest to one, or (None) the newest."""
        if step is None:
            return self.values[-1]
        after = min(bisect_left(self.steps, step), len(self.steps) - 1)
        before = max(after - 1, 0)
        return self.values[before if step - self.steps[before] < self.steps[after] - step else after]


def is_score(name: str) -> bool:
    """Return whether a figure lives in [0, 1] and is drawn against the right-hand 0 to 1 axis."""
    return any(part in name.casefold() for part in ("iou", "accuracy", "precision", "recall", "score", "map"))


class LossPlot(Chart):
    """Plots any number of named figures: losses against their own range, scores against 0 to 1."""

    def __init__(self) -> None:
        super().__init__()
        self.series: dict[str, Series] = {}
        self._soon = single_shot(self, PAUSE, self.refresh)

    def clear(self) -> None:
        """Forget every figure."""
        self.show_history([])

    def add(self, step: float, metrics: Mapping[str, float]) -> None:
        """Append the figures of one step; learning rates, gradients and figures that are not finite are left out."""
        self._take(step, metrics)
        if not self._soon.isActive():
            self._soon.start()

    def _take(self, step: float, metrics: Mapping[str, float]) -> None:
        for name, value in metrics.items():
            if name.startswith(("lr", "learning", "gradient")) or not abs(value) < float("inf"):
                continue
            series = self.series.setdefault(name, Series())
            if not series.steps or step > series.steps[-1]:
                series.steps.append(step)
                series.values.append(float(value))

    def show_history(self, history: Sequence[tuple[float, Mapping[str, float]]]) -> None:
        """Replace everything by a run's recorded ``(step, metrics)`` pairs."""
        self.series.clear()
        for step, metrics in history:
            self._take(step, metrics)
        self.refresh()

    @property
    def shown(self) -> dict[str, Series]:
        """What is drawn, by name: of a loss with one part alone, which is the loss itself, only the whole."""
        whole = self.series.get(LOSS)
        return {name: series for name, series in self.series.items() if name == LOSS or series != whole}

    def loss_range(self) -> tuple[float, float]:
        """Return the ends of the left axis."""
        values = sorted(v for name, s in self.series.items() if not is_score(name) for v in s.values) or [0.0, 1.0]
        # The first losses of an untrained network would flatten the rest of the curve.
        top = values[min(len(values) - 1, int(0.98 * len(values)))]
        return min(0.0, values[0]), top if top > 0 else 1.0

    def colours(self, least: float) -> list[QColor]:
        """Return each figure's colour, with a contrast of at least so much."""
        ground = self.palette().window().color()
        return [legible(PALETTE[place % len(PALETTE)], ground, least) for place in range(len(self.shown))]

    def tell(self) -> None:
        """Show the legend, in the colours of the lines."""
        self.heading.show_markup(self.said())

    def said(self) -> str:
        """Return the legend as HTML: each figure's newest value, or the one under the pointer."""
        cells = [
            f"<td style='color: {colour.name()}'>{escape(title(name))}&nbsp;{series.at(self.place):.3g}</td>"
            for colour, (name, series) in zip(self.colours(TEXT_CONTRAST), self.shown.items(), strict=True)
        ]
        widths = [self.fontMetrics().boundingRect(f"{title(name)} 0.00e-00").width() + GAP for name in self.shown]
        beside = max(1, self.width() // max(widths, default=1))  # whatever the values, so that hovering moves nothing
        lines = ["".join(cells[place : place + beside]) for place in range(0, len(cells), beside)]
        return f"<table width='100%'><tr>{'</tr><tr>'.join(lines)}</tr></table>" if cells else "no figures yet"

    def draw(self) -> None:
        """Draw one line per figure, scores brought to the height of the losses."""
        steps = [step for series in self.series.values() for step in (series.steps[0], series.steps[-1])] or [0.0]
        low, high = self.loss_range()
        self.axes.setFixedHeight(HEIGHT)
        self.axes.begin((min(steps), max(*steps, min(steps) + 1)), (low, high))
        shares = [(low + share * (high - low), plain(share)) for share in LEVELS]
        self.axes.draw_levels([(level, plain(level)) for level, _ in shares])
        self.axes.name_places("right", shares if any(map(is_score, self.series)) else [])
        for colour, (name, series) in zip(self.colours(MARK_CONTRAST), self.shown.items(), strict=True):
            values = [low + value * (high - low) for value in series.values] if is_score(name) else series.values
            self.axes.draw_curve(series.steps, values, colour)

    def resizeEvent(self, event: QResizeEvent | None) -> None:
        """Lay the legend out for another width."""
        super().resizeEvent(event)
        self.point(self.place)


def title(name: str) -> str:
    """Return a figure's name as it is written, on one line."""
    return name.replace("_", " ").replace(" ", "\N{NO-BREAK SPACE}")
