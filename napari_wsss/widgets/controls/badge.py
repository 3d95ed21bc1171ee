"""The review state as shape, colour and word together, so that no one has to tell colours apart."""

from dataclasses import dataclass

from qtpy.QtCore import QPointF, QRectF, QSize, Qt
from qtpy.QtGui import QColor, QIcon, QPainter, QPaintEvent, QPen, QPolygonF
from qtpy.QtWidgets import QWidget

from napari_wsss.project.records import ImageRecord
from napari_wsss.widgets.controls.basic import draw_line
from napari_wsss.widgets.controls.colours import clear_pixmap, legible
from napari_wsss.widgets.controls.plain_text import as_text


@dataclass(frozen=True)
class Look:
    """Shape (``ring, half, disc, square, flag, cross``), colour and word of a state."""

    shape: str
    colour: str
    word: str


LOOKS: dict[str, Look] = {
    "todo": Look("ring", "#9aa3ad", "to do"),
    "draft": Look("half", "#feca57", "draft"),
    "accepted": Look("disc", "#1dd1a1", "accepted"),
    "skipped": Look("square", "#54a0ff", "skipped"),
    "flagged": Look("flag", "#ff9f43", "flagged"),
    "excluded": Look("cross", "#ff6b81", "excluded"),
}


DARK = QColor("#23242b")


def draw_state(painter: QPainter, state: str, box: QRectF, ground: QColor = DARK) -> None:
    """Draw a state's shape into `box` (pixels), in its colour as it is legible on a ground."""
    look = LOOKS.get(state, LOOKS["todo"])
    colour = legible(look.colour, ground)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(QPen(colour, 2))
    painter.setBrush(colour if look.shape in ("disc", "square", "flag") else Qt.BrushStyle.NoBrush)
    inner = box.adjusted(2, 2, -2, -2)
    if look.shape in ("ring", "disc"):
        painter.drawEllipse(inner)
    elif look.shape == "half":
        painter.drawEllipse(inner)
        painter.setBrush(colour)
        painter.drawPie(inner, 90 * 16, 180 * 16)
    elif look.shape == "square":
        painter.drawRect(inner)
    elif look.shape == "flag":
        tip = QPointF(inner.right(), inner.top() + inner.height() * 0.3)
        foot = QPointF(inner.left(), inner.top() + inner.height() * 0.6)
        painter.drawPolygon(QPolygonF([inner.topLeft(), tip, foot]))
        painter.drawLine(inner.topLeft(), inner.bottomLeft())
    else:
        painter.drawLine(inner.topLeft(), inner.bottomRight())
        painter.drawLine(inner.topRight(), inner.bottomLeft())


def state_icon(state: str, size: int = 16, ground: QColor = DARK) -> QIcon:
    """Return a state's shape as an icon of `size` pixels of the screen's units, for a ground."""
    picture = clear_pixmap(size, size)
    painter = QPainter(picture)
    draw_state(painter, state, QRectF(0, 0, size, size), ground)
    painter.end()
    return QIcon(picture)


def state_text(record: ImageRecord, accepted_before: bool = False) -> str:
    """Return a state in words with its facts: ``draft (was accepted) · stale``."""
    words = [LOOKS[record.state].word + (" (was accepted)" if accepted_before else "")]
    if record.stale:
        words.append("stale")
    if record.label_changed:
        words.append("labels changed")
    if record.disagrees:
        words.append("model disagrees")
    return " · ".join(words)


class StateBadge(QWidget):
    """A state's shape and words in one line."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.state, self.text = "todo", ""
        self.setMinimumHeight(18)

    def show_state(self, state: str, text: str) -> None:
        """Show a state's shape with `text` beside it; no text shows nothing."""
        self.state, self.text = state, text
        self.setAccessibleName(text)
        self.setToolTip(as_text(text))
        self.updateGeometry()
        self.update()

    def sizeHint(self) -> QSize:
        """Return the room that shape and text need, in pixels."""
        return QSize(24 + self.fontMetrics().boundingRect(self.text).width() + 8, 18)

    def paintEvent(self, event: QPaintEvent | None) -> None:
        """Draw shape and text."""
        if not self.text:
            return
        painter = QPainter(self)
        draw_state(painter, self.state, QRectF(0, 1, 16, 16), self.palette().window().color())
        painter.setPen(self.palette().windowText().color())
        box = QRectF(self.rect().adjusted(22, 0, 0, 0))
        text = self.fontMetrics().elidedText(self.text, Qt.TextElideMode.ElideRight, int(box.width()))
        draw_line(painter, box, text, Qt.AlignmentFlag.AlignVCenter)
        painter.end()
