"""Small charts drawn with QPainter: curves with marks, and bars; no plotting package.

What a person can do with them: read a value by hovering, save them as a picture (`picture_of`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from qtpy.QtCore import QPointF, QRectF, QSize, Qt
from qtpy.QtGui import QColor, QImage, QMouseEvent, QPainter, QPaintEvent, QPen, QPolygonF
from qtpy.QtWidgets import QSizePolicy, QWidget

from napari_wsss.widgets.controls.basic import draw_line
from napari_wsss.widgets.controls.colours import legible
from napari_wsss.widgets.controls.stubs import certain, united

ACCENT = "#54a0ff"
FILL = "#1dd1a1"
TITLE_HEIGHT = 18.0
LEFT, RIGHT, BOTTOM = 50.0, 10.0, 18.0
BAR_HEIGHT = 16.0
NAME_SHARE = 0.34
SHARPNESS = 2.0
"""Pixels of a saved picture per pixel of the screen."""

Point = tuple[float, float]


def percent(value: float) -> str:
    """Return a share as ``12 %``."""
    return f"{100 * value:.0f} %"


def plain(value: float) -> str:
    """Return a number without needless places."""
    return f"{value:.3g}" if abs(value) < 1000 else f"{value:,.0f}"


@dataclass
class Curve:
    """What a `LineChart` shows.

    Parameters
    ----------
    points : sequence of (float, float)
        Ascending in the first number.
    marks : sequence of (float, str)
        Places on the horizontal axis that have a name (a model that was applied).
    """

    points: Sequence[Point] = ()
    marks: Sequence[tuple[float, str]] = field(default_factory=tuple)


class LineChart(QWidget):
    """One curve over a common frame.

    Parameters
    ----------
    title : str
    written : callable
        Value -> text at the vertical axis.
    across : str
        What the horizontal axis counts.
    top : float, optional
        End of the vertical axis; the largest value without.
    """

    def __init__(
        self, title: str, written: Callable[[float], str] = plain, across: str = "", top: float | None = None
    ) -> None:
        super().__init__()
        self.title, self.across, self._written, self._top = title, across, written, top
        self.curve = Curve()
        self._hover: float | None = None
        self.setMouseTracking(True)
        self.setMinimumHeight(96)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def sizeHint(self) -> QSize:
        """Return the preferred size in pixels."""
        return QSize(300, 110)

    def show_curve(self, points: Sequence[Point], marks: Sequence[tuple[float, str]] = ()) -> None:
        """Replace what is shown."""
        self.curve = Curve(tuple(points), tuple(marks))
        self.update()

    def frame(self) -> QRectF:
        """Return where the curve is drawn, in pixels."""
        width, height = self.width() - LEFT - RIGHT, self.height() - TITLE_HEIGHT - BOTTOM - 4
        return QRectF(LEFT, TITLE_HEIGHT + 4, max(10.0, width), max(10.0, height))

    def _ranges(self) -> tuple[float, float, float]:
        """Return first and last place and the top value."""
        points = self.curve.points
        if not points:
            return 0.0, 1.0, 1.0
        first, last = min(0.0, points[0][0]), points[-1][0]
        top = self._top if self._top is not None else max(value for _, value in points)
        return first, last if last > first else first + 1, top if top > 0 else 1.0

    def at(self, point: Point) -> QPointF:
        """Return where a point of the curve is drawn."""
        frame, (first, last, top) = self.frame(), self._ranges()
        level = min(1.0, max(0.0, point[1] / top))
        x = frame.left() + frame.width() * (point[0] - first) / (last - first)
        return QPointF(x, frame.bottom() - frame.height() * level)

    def paintEvent(self, event: QPaintEvent | None) -> None:
        """Draw title, axes, marks and curve."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        self._draw_frame(painter)
        if self.curve.points:
            self._draw_marks(painter)
            accent = legible(ACCENT, self.palette().window().color())
            painter.setPen(QPen(accent, 1.6))
            drawn = [self.at(point) for point in self.curve.points]
            painter.drawPolyline(QPolygonF(drawn))
            if len(drawn) <= 40:
                painter.setBrush(accent)
                for place in drawn:
                    painter.drawEllipse(place, 2.0, 2.0)
        painter.end()

    def _draw_frame(self, painter: QPainter) -> None:
        frame, (first, last, top) = self.frame(), self._ranges()
        text = self.palette().windowText().color()
        faint = QColor(text)
        faint.setAlpha(70)
        painter.setPen(text)
        draw_line(painter, QRectF(2, 0, self.width() - 4, TITLE_HEIGHT), self._heading(), Qt.AlignmentFlag.AlignLeft)
        for share in (0.0, 0.5, 1.0):
            y = frame.bottom() - share * frame.height()
            painter.setPen(QPen(faint, 1))
            painter.drawLine(QPointF(frame.left(), y), QPointF(frame.right(), y))
            painter.setPen(text)
            where = united(Qt.AlignmentFlag.AlignRight, Qt.AlignmentFlag.AlignVCenter)
            draw_line(painter, QRectF(0, y - 8, LEFT - 6, 16), self._written(share * top), where)
        below = QRectF(frame.left(), frame.bottom() + 2, frame.width(), BOTTOM - 2)
        draw_line(painter, below, plain(first), Qt.AlignmentFlag.AlignLeft)
        draw_line(painter, below, f"{plain(last)} {self.across}".strip(), Qt.AlignmentFlag.AlignRight)
        if not self.curve.points:
            draw_line(painter, frame, "nothing yet", Qt.AlignmentFlag.AlignCenter)

    def _heading(self) -> str:
        points = self.curve.points
        if not points:
            return self.title
        if self._hover is None:
            return f"{self.title}: {self._written(points[-1][1])}"
        place, value = min(points, key=lambda point: abs(self.at(point).x() - (self._hover or 0.0)))
        return f"{self.title}: {self._written(value)} at {plain(place)} {self.across}".rstrip()

    def _draw_marks(self, painter: QPainter) -> None:
        frame = self.frame()
        faint = QColor(self.palette().windowText().color())
        faint.setAlpha(130)
        painter.setPen(QPen(faint, 1, Qt.PenStyle.DashLine))
        for place in {place for place, _ in self.curve.marks if place > 0}:
            x = min(frame.right(), self.at((place, 0.0)).x())
            painter.drawLine(QPointF(x, frame.top()), QPointF(x, frame.bottom()))

    def mouseMoveEvent(self, event: QMouseEvent | None) -> None:
        """Say the value under the pointer, and the model at a mark."""
        event = certain(event)
        position = event.position() if hasattr(event, "position") else event.localPos()
        self._hover = float(position.x())
        near = [name for place, name in self.curve.marks if abs(self.at((place, 0.0)).x() - self._hover) < 5]
        self.setToolTip(f"from here on {near[-1]}" if near else "")
        self.update()

    def leaveEvent(self, event: object) -> None:
        """Say the newest value again."""
        self._hover = None
        self.update()


class BarChart(QWidget):
    """A bar per name: its whole length one count, the filled part another."""

    def __init__(self, title: str) -> None:
        super().__init__()
        self.title = title
        self.bars: list[tuple[str, int, int]] = []
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def sizeHint(self) -> QSize:
        """Return the preferred size in pixels."""
        return QSize(300, round(TITLE_HEIGHT + BAR_HEIGHT * max(1, len(self.bars)) + 6))

    def minimumSizeHint(self) -> QSize:
        """Return the least size in pixels."""
        return QSize(200, self.sizeHint().height())

    def show_bars(self, bars: Sequence[tuple[str, int, int]]) -> None:
        """Replace what is shown by (name, whole, filled part) entries."""
        self.bars = list(bars)
        self.updateGeometry()
        self.update()

    def paintEvent(self, event: QPaintEvent | None) -> None:
        """Draw title and bars."""
        painter = QPainter(self)
        text = self.palette().windowText().color()
        painter.setPen(text)
        draw_line(painter, QRectF(2, 0, self.width() - 4, TITLE_HEIGHT), self.title, Qt.AlignmentFlag.AlignLeft)
        longest = max((whole for _, whole, _ in self.bars), default=0) or 1
        fill = legible(FILL, self.palette().window().color())
        start, number = self.width() * NAME_SHARE, 70.0
        room = max(10.0, self.width() - start - number - RIGHT)
        for row, (name, whole, part) in enumerate(self.bars):
            y = TITLE_HEIGHT + 4 + row * BAR_HEIGHT
            where = united(Qt.AlignmentFlag.AlignRight, Qt.AlignmentFlag.AlignVCenter)
            short = painter.fontMetrics().elidedText(name, Qt.TextElideMode.ElideRight, round(start - 12))
            painter.setPen(text)
            draw_line(painter, QRectF(2, y, start - 8, BAR_HEIGHT), short, where)
            counts = QRectF(start + room + 6, y, number, BAR_HEIGHT)
            left = united(Qt.AlignmentFlag.AlignLeft, Qt.AlignmentFlag.AlignVCenter)
            draw_line(painter, counts, f"{part} of {whole}", left)
            faint = QColor(text)
            faint.setAlpha(60)
            painter.fillRect(QRectF(start, y + 3, room * whole / longest, BAR_HEIGHT - 6), faint)
            painter.fillRect(QRectF(start, y + 3, room * part / longest, BAR_HEIGHT - 6), fill)
        painter.end()


def picture_of(widget: QWidget) -> QImage:
    """Return a widget and everything on it as a picture, sharper than the screen."""
    size = widget.size() * SHARPNESS
    image = QImage(size, QImage.Format.Format_RGB32)
    image.setDevicePixelRatio(SHARPNESS)
    image.fill(widget.palette().window().color())
    widget.render(image)
    return image
