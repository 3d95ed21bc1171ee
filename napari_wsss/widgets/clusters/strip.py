"""Thumbnails of images with the contour of a class's map; click, Shift or Ctrl and click, double click, right click."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from qtpy.QtCore import QEvent, QPoint, QRect, QRectF, Qt, Signal
from qtpy.QtGui import (
    QColor,
    QContextMenuEvent,
    QHelpEvent,
    QImage,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QPixmap,
    QResizeEvent,
)
from qtpy.QtWidgets import QSizePolicy, QToolTip, QWidget

from napari_wsss.session.gallery.pictures import Wish
from napari_wsss.session.session import Session
from napari_wsss.widgets.clusters.selection import ClusterSelection, is_adding
from napari_wsss.widgets.controls.badge import draw_state, state_text
from napari_wsss.widgets.controls.listening import listen
from napari_wsss.widgets.controls.stubs import certain

SIDE = 50
GAP = 3
MARK = 13
SELECTED = "#ffd84d"
WAITING = QColor(127, 127, 127, 70)
"""Where a picture will be: no palette knows the colours of napari's themes."""


class ImageStrip(QWidget):
    """Thumbnails of one class's images in rows as wide as there is room.

    Attributes
    ----------
    opened : Signal(str)
        An image was double clicked.
    menu_wanted : Signal(object)
        A right click at a position (QPoint, global); the image below it is selected.
    """

    opened = Signal(str)
    menu_wanted = Signal(object)

    def __init__(self, session: Session, selection: ClusterSelection, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session, self._selection = session, selection
        self._class_name = ""
        self._ids: tuple[str, ...] = ()
        self._states: dict[str, str] = {}
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        selection.changed.connect(self.update)
        listen(self, (session.gallery.pictures.ready, self._on_picture))

    def show_images(self, class_name: str, image_ids: Sequence[str]) -> None:
        """Show images with the contour of a class's map."""
        self._class_name, self._ids = class_name, tuple(image_ids)
        project = self._session.project
        self._states = {one: project.catalog.state(one) for one in self._ids} if project is not None else {}
        self._fit()
        self.update()

    # -- where things are ---------------------------------------------------------------------------------

    def _columns(self) -> int:
        return max(1, (self.width() + GAP) // (SIDE + GAP))

    def _fit(self) -> None:
        rows = -(-len(self._ids) // self._columns())
        self.setFixedHeight(max(1, rows * (SIDE + GAP)))

    def box_of(self, number: int) -> QRect:
        """Return where an image is drawn, in pixels."""
        row, column = divmod(number, self._columns())
        return QRect(column * (SIDE + GAP), row * (SIDE + GAP), SIDE, SIDE)

    def image_at(self, position: QPoint) -> str | None:
        """Return the image at a position, None between them."""
        boxes = (one for number, one in enumerate(self._ids) if self.box_of(number).contains(position))
        return next(boxes, None)

    # -- drawing ------------------------------------------------------------------------------------------

    def _on_picture(self, wish: Wish) -> None:
        if wish.image_id in self._states:
            self.update()

    def paintEvent(self, event: QPaintEvent | None) -> None:
        """Draw the thumbnails that are in view; missing ones are asked for."""
        painter = QPainter(self)
        for number, image_id in enumerate(self._ids):
            box = self.box_of(number)
            if box.intersects(certain(event).rect()):
                self._draw(painter, image_id, box)
        painter.end()

    def _draw(self, painter: QPainter, image_id: str, box: QRect) -> None:
        ratio = self.devicePixelRatioF()
        picture = self._session.gallery.pictures.get(image_id, self._class_name, round(SIDE * ratio))
        painter.fillRect(box, WAITING)
        if picture is not None:
            pixmap = pixmap_of(picture, ratio)
            size = pixmap.size() / ratio
            left, top = (SIDE - size.width()) // 2, (SIDE - size.height()) // 2
            painter.drawPixmap(box.left() + left, box.top() + top, pixmap)
        state = self._states.get(image_id, "todo")
        if state != "todo":
            corner = QRectF(box.right() - MARK, box.top() + 1, MARK, MARK)
            painter.fillRect(corner, QColor(0, 0, 0, 140))
            draw_state(painter, state, corner)
        if image_id in self._selection:
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(QColor(SELECTED), 3))
            painter.drawRect(box.adjusted(1, 1, -2, -2))

    # -- hands --------------------------------------------------------------------------------------------

    def resizeEvent(self, event: QResizeEvent | None) -> None:
        """Put the thumbnails into rows of another width."""
        self._fit()

    def mousePressEvent(self, event: QMouseEvent | None) -> None:
        """Select the image, or take it in or out with Shift or Ctrl."""
        event = certain(event)
        found = self.image_at(event.pos())
        if found is not None and event.button() == Qt.MouseButton.LeftButton:
            self._selection.click(found, is_adding(event.modifiers()))

    def mouseDoubleClickEvent(self, event: QMouseEvent | None) -> None:
        """Open the image."""
        found = self.image_at(certain(event).pos())
        if found is not None:
            self.opened.emit(found)

    def contextMenuEvent(self, event: QContextMenuEvent | None) -> None:
        """Select what is below the pointer unless it is selected, and ask for the menu."""
        event = certain(event)
        found = self.image_at(event.pos())
        if found is not None:
            if found not in self._selection:
                self._selection.click(found)
            self.menu_wanted.emit(event.globalPos())

    def event(self, event: QEvent | None) -> bool:
        """Show name, state and labels of the image below the pointer."""
        if isinstance(event, QHelpEvent) and event.type() == QEvent.Type.ToolTip:
            found = self.image_at(event.pos())
            QToolTip.showText(event.globalPos(), describe(self._session, found) if found else "", self)
            return True
        return super().event(event)


def describe(session: Session, image_id: str) -> str:
    """Return name, state, confidence and origin of an image in a few lines."""
    if session.project is None:
        return image_id
    record = session.project.catalog.get(image_id)
    lines = [image_id, state_text(record), record.labels_text]
    if record.score is not None:
        lines.append(f"confidence {1 - record.score:.0%}")
    if record.borrowed_from:
        lines.append(f"proposal from {record.borrowed_from}")
    return "\n".join(line for line in lines if line)


def pixmap_of(picture: NDArray[np.uint8], ratio: float = 1.0) -> QPixmap:
    """Return a pixmap of (h, w, 3) uint8 RGB for a screen of this pixel ratio."""
    plain = np.ascontiguousarray(picture)
    height, width = plain.shape[:2]
    # PyQt takes any buffer, its stubs know bytes.
    image = QImage(plain.data, width, height, 3 * width, QImage.Format.Format_RGB888)  # type: ignore[call-overload]
    made = QPixmap.fromImage(image)
    made.setDevicePixelRatio(ratio)
    return made
