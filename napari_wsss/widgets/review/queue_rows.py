"""How an image of the queue is drawn: picture, state mark, name, why it is shown, how much was edited.

`QueueRow` draws a line of the list, `QueueCell` a picture of the filmstrip; both take their colours from the palette.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from qtpy.QtCore import QModelIndex, QObject, QRectF, QSize, QSizeF, Qt
from qtpy.QtGui import QColor, QFontMetrics, QImage, QPainter, QPen
from qtpy.QtWidgets import QStyle, QStyledItemDelegate, QStyleOptionViewItem

from napari_wsss.project.records import ImageRecord
from napari_wsss.widgets.controls.badge import LOOKS, draw_state
from napari_wsss.widgets.controls.basic import draw_line
from napari_wsss.widgets.controls.colours import legible
from napari_wsss.widgets.controls.stubs import certain, united
from napari_wsss.widgets.preferences import queue_pictures
from napari_wsss.widgets.review.queue_model import EDITED, PICTURE, REASONS, RECORD

ROW_PICTURES = {"none": QSize(0, 0), "small": QSize(60, 45), "medium": QSize(96, 72), "large": QSize(144, 108)}
LEAST_CELL, USUAL_CELL, LARGEST_CELL = 48, 88, 160
ASPECT = 4 / 3
MARK = 15
GAP = 4
QUIET_ALPHA = 185
RING_COLOUR = "#feca57"
LEFT = united(Qt.AlignmentFlag.AlignVCenter, Qt.AlignmentFlag.AlignLeft)
RIGHT = united(Qt.AlignmentFlag.AlignVCenter, Qt.AlignmentFlag.AlignRight)


class _Entry(QStyledItemDelegate):
    """What rows and cells share: no drawing of the style but the background, one size for all."""

    size = QSize()

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex) -> QSize:
        """Return one size for all entries, so that a view need not ask about each."""
        return self.size

    def paint(self, painter: QPainter | None, option: QStyleOptionViewItem, index: QModelIndex) -> None:
        """Draw one entry."""
        record = index.data(RECORD)
        if record is None:
            return
        painter = certain(painter)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        style = certain(option.widget.style())
        style.drawPrimitive(QStyle.PrimitiveElement.PE_PanelItemViewItem, option, painter, option.widget)
        self.draw(painter, option, index, record)
        painter.restore()

    def draw(self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex, record: ImageRecord) -> None:
        """Draw an image over the background."""
        raise NotImplementedError


class QueueRow(_Entry):
    """A line of the list."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._picture = QSize()
        self.show_pictures(queue_pictures())

    def show_pictures(self, size: str) -> None:
        """Make the pictures as large as a word says: ``none``, ``small``, ``medium`` or ``large``."""
        self._picture = ROW_PICTURES[size]
        self.size = QSize(120, self._picture.height() + 2 * GAP)

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex) -> QSize:
        """Return room for the picture and for two lines of text."""
        return self.size.expandedTo(QSize(0, 2 * option.fontMetrics.height() + 2 * GAP + 4))

    def draw(self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex, record: ImageRecord) -> None:
        """Draw picture, state mark and name; below them the reasons and the edit fraction."""
        inside = QRectF(option.rect).adjusted(GAP, GAP, -GAP, -GAP)
        if not self._picture.isEmpty():
            place = QRectF(inside.topLeft(), QSizeF(self._picture))
            draw_picture(painter, place, index.data(PICTURE), text_colour(option))
            inside.adjust(self._picture.width() + 2 * GAP, 0, 0, 0)
        text = inside.adjusted(0, 2, 0, -2)
        upper, lower = text.adjusted(0, 0, 0, -text.height() / 2), text.adjusted(0, text.height() / 2, 0, 0)
        mark = QRectF(upper.left(), upper.center().y() - MARK / 2, MARK, MARK)
        draw_state(painter, record.state, mark, ground_colour(option))
        painter.setPen(text_colour(option))
        name = upper.adjusted(MARK + GAP, 0, 0, 0)
        _draw_elided(painter, option, name, record.id, Qt.TextElideMode.ElideMiddle)
        painter.setPen(text_colour(option, QUIET_ALPHA))
        edited = index.data(EDITED)
        if edited:
            draw_line(painter, lower, edited, RIGHT)
            lower.setRight(lower.right() - QFontMetrics(option.font).boundingRect(edited).width() - 3 * GAP)
        _draw_elided(painter, option, lower, _second_line(record, index.data(REASONS)), Qt.TextElideMode.ElideRight)


class QueueCell(_Entry):
    """A picture of the filmstrip.

    Parameters
    ----------
    shown : callable
        Returns the row of the shown image, which gets a frame.
    """

    def __init__(self, shown: Callable[[], int | None], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._shown = shown
        self.size = QSize()
        self.fit(USUAL_CELL)

    def fit(self, height: int) -> bool:
        """Make cells as high as the room there is, within limits (pixels); return whether that changed anything."""
        high = min(max(height, LEAST_CELL), LARGEST_CELL)
        wanted = QSize(round((high - 2 * GAP) * ASPECT) + 2 * GAP, high)
        changed, self.size = bool(wanted != self.size), wanted
        return changed

    def draw(self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex, record: ImageRecord) -> None:
        """Draw the picture with the state mark in its corner."""
        box = QRectF(option.rect).adjusted(GAP, GAP, -GAP, -GAP)
        draw_picture(painter, box, index.data(PICTURE), text_colour(option))
        corner = QRectF(box.left() + 2, box.top() + 2, MARK + 4, MARK + 4)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(0, 0, 0, 170))  # the marks' colours are made for a dark ground
        painter.drawRoundedRect(corner, 4, 4)
        draw_state(painter, record.state, corner.adjusted(2, 2, -2, -2))
        if index.row() == self._shown():
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(legible(RING_COLOUR, option.palette.base().color()), 3))
            painter.drawRoundedRect(box.adjusted(-1, -1, 1, 1), 3, 3)


def _second_line(record: ImageRecord, why: str) -> str:
    """Return the state in a word where nothing else says it, and why the image is shown."""
    word = "" if record.state in ("todo", "flagged") else LOOKS[record.state].word
    return " · ".join(part for part in (word, why) if part)


def draw_picture(painter: QPainter, box: QRectF, picture: NDArray[np.uint8] | None, colour: QColor) -> None:
    """Draw a picture (h, w, 3) uint8 as large as it fits into the middle of a box; without one an empty frame."""
    if picture is None:
        frame = QColor(colour)
        frame.setAlpha(50)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(frame, 1))
        painter.drawRect(box.adjusted(0.5, 0.5, -0.5, -0.5))
        return
    height, width = picture.shape[:2]
    zoom = min(box.width() / width, box.height() / height)
    place = QRectF(0, 0, width * zoom, height * zoom)
    place.moveCenter(box.center())
    picture = np.ascontiguousarray(picture)
    # PyQt takes any buffer, its stubs know bytes.
    image = QImage(picture.data, width, height, 3 * width, QImage.Format.Format_RGB888)  # type: ignore[call-overload]
    painter.drawImage(place, image)


def text_colour(option: QStyleOptionViewItem, alpha: int = 255) -> QColor:
    """Return the colour of an entry's text on its background, with an opacity from 0 to 255."""
    chosen = option.state & QStyle.StateFlag.State_Selected
    palette = option.palette
    colour = QColor(palette.highlightedText().color() if chosen else palette.text().color())
    colour.setAlpha(alpha)
    return colour


def ground_colour(option: QStyleOptionViewItem) -> QColor:
    """Return the colour an entry is drawn on."""
    chosen = option.state & QStyle.StateFlag.State_Selected
    return QColor(option.palette.highlight().color() if chosen else option.palette.base().color())


def _draw_elided(
    painter: QPainter, option: QStyleOptionViewItem, box: QRectF, text: str, mode: Qt.TextElideMode
) -> None:
    fitting = QFontMetrics(option.font).elidedText(text, mode, int(box.width()) - 2)
    draw_line(painter, box, fitting, LEFT)
