"""The quiet line there while retraining may pay, with the curve of what was edited; the panel's head says why.

What a person can do with it: go to the Train page, or put it off until more masks are accepted. It never takes the
focus, asks nothing and blocks nothing.
"""

from collections.abc import Callable

from qtpy.QtCore import QPointF, QRectF, QSize
from qtpy.QtGui import QPainter, QPaintEvent, QPen, QPolygonF
from qtpy.QtWidgets import QSizePolicy, QWidget

from napari_wsss.session.models.hint import RetrainHint
from napari_wsss.widgets.controls.basic import row, text_label, tool_button
from napari_wsss.widgets.controls.charts import Point
from napari_wsss.widgets.controls.colours import ACCENT, legible
from napari_wsss.widgets.controls.listening import listen
from napari_wsss.widgets.controls.plain_text import as_text

RETRAIN = "Retrain?"


class Sparkline(QWidget):
    """A curve the size of a word, from 0 to its largest value."""

    def __init__(self) -> None:
        super().__init__()
        self.points: tuple[Point, ...] = ()
        self.setFixedSize(QSize(54, 22))
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)

    def show_points(self, points: list[Point]) -> None:
        """Replace the curve; one point alone is not shown."""
        self.points = tuple(points)
        self.setVisible(len(points) > 1)
        self.update()

    def paintEvent(self, event: QPaintEvent | None) -> None:
        """Draw the curve."""
        if len(self.points) < 2:
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        frame = QRectF(self.rect()).adjusted(2, 3, -2, -3)
        top = max(value for _, value in self.points) or 1.0
        first, last = self.points[0][0], self.points[-1][0]
        painter.setPen(QPen(legible(ACCENT, self.palette().window().color()), 1.5))
        drawn = [
            QPointF(
                frame.left() + frame.width() * (place - first) / (last - first),
                frame.bottom() - frame.height() * value / top,
            )
            for place, value in self.points
        ]
        painter.drawPolyline(QPolygonF(drawn))
        painter.end()


class HintLine(QWidget):
    """There while the session's hint is due.

    Parameters
    ----------
    hint : RetrainHint
    to_train : callable
        Shows the Train page.
    """

    def __init__(self, hint: RetrainHint, to_train: Callable[[], object], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._hint = hint
        self.text = text_label()
        self.curve = Sparkline()
        self.train = tool_button("Train …", to_train, "Shows the Train page; nothing starts by itself")
        self.later = tool_button("Later", hint.later)
        layout = row(self.curve, self.text, self.train, self.later)
        layout.setStretch(1, 1)
        self.setLayout(layout)
        listen(self, (hint.changed, self.refresh))
        self.refresh()

    def refresh(self) -> None:
        """Show the hint as it is, or nothing."""
        self.text.setText(RETRAIN if self._hint.text else "")
        self.text.setToolTip(as_text(self._hint.text))
        self.later.setToolTip(f"Put off until {self._hint.every} more masks are accepted")
        self.curve.show_points(self._hint.curve)
        self.setVisible(bool(self._hint.text))
