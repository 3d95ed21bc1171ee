"""A live plot of a training run's figures, drawn with QPainter: no plotting package and no redraw thread.

What a person can do with it: read loss and scores while they change, hover to see the figures of one step.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from qtpy.QtCore import QPointF, QRectF, QSize, Qt
from qtpy.QtGui import QColor, QMouseEvent, QPainter, QPaintEvent, QPen, QPolygonF
from qtpy.QtWidgets import QSizePolicy, QWidget

from napari_wsss.widgets.controls.basic import draw_line
from napari_wsss.widgets.controls.colours import PALETTE, legible
from napari_wsss.widgets.controls.stubs import certain, united

MOST_POINTS = 400
MARGIN = QRectF(44, 36, 12, 20)  # left, top, right, bottom in pixels; the top grows with the legend
DOTTED = 30  # so few points are also drawn as dots, as one alone gives no line
LEGEND_LINE = 15.0


@dataclass
class Series:
    """One figure over steps: `steps` ascending, `values` finite, same length."""

    steps: list[float] = field(default_factory=list)
    values: list[float] = field(default_factory=list)

    def thinned(self) -> tuple[Sequence[float], Sequence[float]]:
        """Return at most about `MOST_POINTS` evenly chosen points, the last one included."""
        stride = max(1, len(self.steps) // MOST_POINTS)
        chosen = sorted({*range(0, len(self.steps), stride), len(self.steps) - 1}) if self.steps else []
        return [self.steps[i] for i in chosen], [self.values[i] for i in chosen]


def is_score(name: str) -> bool:
    """Return whether a figure lives in [0, 1] and is drawn against the right-hand 0 to 1 axis."""
    return any(part in name.casefold() for part in ("iou", "accuracy", "precision", "recall", "score", "map"))


class LossPlot(QWidget):
    """Plots any number of named figures: losses against their own range, scores against 0 to 1."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.series: dict[str, Series] = {}
        self._hover: float | None = None
        self.setMinimumHeight(130)
        self.setMouseTracking(True)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def sizeHint(self) -> QSize:
        """Return the preferred size in pixels."""
        return QSize(300, 180)

    def clear(self) -> None:
        """Forget every figure."""
        self.series.clear()
        self.update()

    def add(self, step: float, metrics: Mapping[str, float]) -> None:
        """Append the figures of one step; learning rates, norms of gradients and what is not finite are left out."""
        for name, value in metrics.items():
            if name.startswith(("lr", "learning", "gradient")) or not abs(value) < float("inf"):
                continue
            series = self.series.setdefault(name, Series())
            if not series.steps or step > series.steps[-1]:
                series.steps.append(step)
                series.values.append(float(value))
        self.update()

    def show_history(self, history: Sequence[tuple[float, Mapping[str, float]]]) -> None:
        """Replace everything by a run's recorded ``(step, metrics)`` pairs."""
        self.series.clear()
        for step, metrics in history:
            self.add(step, metrics)
        self.update()

    def _span(self) -> tuple[float, float]:
        steps = [edge for s in self.series.values() if s.steps for edge in (s.steps[0], s.steps[-1])]
        first, last = (min(steps), max(steps)) if steps else (0.0, 1.0)
        return first, last if last > first else first + 1

    def _loss_range(self) -> tuple[float, float]:
        values = [v for name, s in self.series.items() if not is_score(name) for v in s.values]
        if not values:
            return 0.0, 1.0
        # The first losses of an untrained network would flatten the rest of the curve.
        ordered = sorted(values)
        top = ordered[min(len(ordered) - 1, int(0.98 * len(ordered)))]
        return 0.0 if ordered[0] >= 0 else ordered[0], top if top > 0 else 1.0

    def _frame(self) -> QRectF:
        places = self._legend()
        top = max(MARGIN.y(), places[-1][1].bottom() + 6 if places else 0.0)
        return QRectF(
            MARGIN.x(),
            top,
            max(10.0, self.width() - MARGIN.x() - MARGIN.width()),
            max(10.0, self.height() - top - MARGIN.height()),
        )

    def _legend(self) -> list[tuple[str, QRectF]]:
        """Return name and place of each figure's entry, line by line."""
        places, x, y = [], MARGIN.x(), 2.0
        for name in self.series:
            width = self.fontMetrics().boundingRect(f"{_title(name)} 0.00e-00").width() + 12
            if x > MARGIN.x() and x + width > self.width():
                x, y = MARGIN.x(), y + LEGEND_LINE
            places.append((name, QRectF(x, y, width, LEGEND_LINE)))
            x += width
        return places

    def _line(self, name: str, frame: QRectF) -> QPolygonF:
        first, last = self._span()
        low, high = (0.0, 1.0) if is_score(name) else self._loss_range()
        points = []
        for step, value in zip(*self.series[name].thinned(), strict=True):
            level = min(1.0, max(0.0, (value - low) / (high - low)))
            points.append(
                QPointF(
                    frame.left() + frame.width() * (step - first) / (last - first),
                    frame.bottom() - frame.height() * level,
                )
            )
        return QPolygonF(points)

    def paintEvent(self, event: QPaintEvent | None) -> None:
        """Draw the frame, one line per figure and the legend with the newest figures."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        frame = self._frame()
        self._draw_axes(painter, frame)
        for colour, name in zip(self._colours(), self.series, strict=False):
            painter.setPen(QPen(colour, 1.6))
            line = self._line(name, frame)
            painter.drawPolyline(line)
            if len(self.series[name].steps) <= DOTTED:
                painter.setBrush(colour)
                for place in line:
                    painter.drawEllipse(place, 2.0, 2.0)
        self._draw_legend(painter, frame)
        painter.end()

    def _colours(self) -> list[QColor]:
        ground = self.palette().window().color()
        return [legible(PALETTE[i % len(PALETTE)], ground) for i in range(len(self.series))]

    def _draw_axes(self, painter: QPainter, frame: QRectF) -> None:
        text = self.palette().windowText().color()
        faint = QColor(text)
        faint.setAlpha(70)
        low, high = self._loss_range()
        first, last = self._span()
        for share in (0.0, 0.5, 1.0):
            y = frame.bottom() - share * frame.height()
            painter.setPen(QPen(faint, 1))
            painter.drawLine(QPointF(frame.left(), y), QPointF(frame.right(), y))
            painter.setPen(text)
            value = f"{low + share * (high - low):.3g}"
            box = QRectF(0, y - 8, MARGIN.x() - 6, 16)
            draw_line(painter, box, value, united(Qt.AlignmentFlag.AlignRight, Qt.AlignmentFlag.AlignVCenter))
        below = QRectF(frame.left(), frame.bottom() + 3, frame.width(), 16)
        draw_line(painter, below, f"{first:g}", Qt.AlignmentFlag.AlignLeft)
        draw_line(painter, below, f"{last:g}", Qt.AlignmentFlag.AlignRight)
        if not self.series:
            draw_line(painter, frame, "no figures yet", Qt.AlignmentFlag.AlignCenter)

    def _draw_legend(self, painter: QPainter, frame: QRectF) -> None:
        for colour, (name, place) in zip(self._colours(), self._legend(), strict=False):
            painter.setPen(colour)
            text = f"{_title(name)} {self._value_at_hover(self.series[name]):.3g}"
            draw_line(painter, place, text, Qt.AlignmentFlag.AlignLeft)
        if self._hover is not None and self.series:
            painter.setPen(QPen(self.palette().windowText().color(), 1, Qt.PenStyle.DotLine))
            painter.drawLine(QPointF(self._hover, frame.top()), QPointF(self._hover, frame.bottom()))

    def _value_at_hover(self, series: Series) -> float:
        if self._hover is None:
            return series.values[-1]
        frame, (first, last) = self._frame(), self._span()
        step = first + (last - first) * (self._hover - frame.left()) / frame.width()
        nearest = min(range(len(series.steps)), key=lambda i: abs(series.steps[i] - step))
        return series.values[nearest]

    def mouseMoveEvent(self, event: QMouseEvent | None) -> None:
        """Show the figures under the pointer in the legend."""
        event = certain(event)
        position = event.position() if hasattr(event, "position") else event.localPos()
        frame = self._frame()
        self._hover = float(min(frame.right(), max(frame.left(), position.x())))
        self.update()

    def leaveEvent(self, event: object) -> None:
        """Show the newest figures again."""
        self._hover = None
        self.update()


def _title(name: str) -> str:
    return name.replace("_", " ")
