"""The images of a class as points in two dimensions, alike ones close together, coloured by cluster.

What a person can do with it: hover to see an image, click to select it, drag around some to select them (Shift or Ctrl
adds), double click to open one.
"""

from itertools import compress

import numpy as np
from qtpy.QtCore import QEvent, QPoint, QPointF, QRectF, Qt, Signal
from qtpy.QtGui import QColor, QContextMenuEvent, QMouseEvent, QPainter, QPaintEvent, QPen, QPixmap, QPolygonF
from qtpy.QtWidgets import QSizePolicy, QToolTip, QWidget

from napari_wsss.clusters.found import ClassClusters
from napari_wsss.session.session import Session
from napari_wsss.widgets.clusters.selection import ClusterSelection, cluster_colour, is_adding
from napari_wsss.widgets.clusters.strip import SELECTED, describe, pixmap_of
from napari_wsss.widgets.controls.basic import draw_line
from napari_wsss.widgets.controls.colours import legible
from napari_wsss.widgets.controls.listening import listen
from napari_wsss.widgets.controls.stubs import certain

HEIGHT = 170
MARGIN = 12
REACH = 9.0
"""Pixels within which a point is meant."""
LASSO_STEP = 3.0
POINT_CONTRAST = 2.0
"""Points keep close to the colour that stands beside their cluster's name."""
PICTURE = 84
MANY = 1500
"""Beyond so many points they are drawn smaller."""


class ClusterScatter(QWidget):
    """The projection of one class's images.

    Attributes
    ----------
    opened : Signal(str)
        An image was double clicked.
    menu_wanted : Signal(object)
        A right click at a position (QPoint, global) while something is selected.
    """

    opened = Signal(str)
    menu_wanted = Signal(object)

    def __init__(self, session: Session, selection: ClusterSelection, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session, self._selection = session, selection
        self._found: ClassClusters | None = None
        self._points = np.zeros((0, 2))
        self._drawn: QPixmap | None = None  # the points without selection and lasso
        self._lasso: list[QPointF] = []
        self._hovered: int | None = None
        self.setFixedHeight(HEIGHT)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        selection.changed.connect(self.update)
        listen(self, (session.gallery.pictures.ready, self._on_picture))

    def show_class(self, found: ClassClusters | None) -> None:
        """Show the images of a class, nothing for None."""
        self._found, self._hovered, self._lasso = found, None, []
        self._place()

    def _place(self) -> None:
        """Put the projection into the widget, both axes filling it."""
        self._drawn = None
        projection = self._found.projection if self._found is not None else np.zeros((0, 2))
        if len(projection):
            low, span = projection.min(0), np.maximum(np.ptp(projection, axis=0), 1e-9)
            room = np.array([self.width() - 2 * MARGIN, self.height() - 2 * MARGIN])
            shares = np.where(np.ptp(projection, axis=0) > 0, (projection - low) / span, 0.5)
            self._points = MARGIN + shares * room
        else:
            self._points = np.zeros((0, 2))
        self.update()

    # -- drawing ------------------------------------------------------------------------------------------

    def paintEvent(self, event: QPaintEvent | None) -> None:
        """Draw points, selection, lasso and the image below the pointer."""
        painter = QPainter(self)
        if self._drawn is None:
            self._drawn = self._points_drawn()
        painter.drawPixmap(0, 0, self._drawn)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        self._draw_selected(painter)
        if len(self._lasso) > 1:
            painter.setPen(QPen(self._selected_colour(), 1, Qt.PenStyle.DashLine))
            painter.drawPolygon(QPolygonF(self._lasso))
        if self._hovered is not None and not self._lasso:
            self._draw_hovered(painter, self._hovered)
        painter.end()

    def _points_drawn(self) -> QPixmap:
        ratio = self.devicePixelRatioF()
        made = QPixmap(self.size() * ratio)
        made.setDevicePixelRatio(ratio)
        made.fill(self.palette().base().color())
        painter = QPainter(made)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if self._found is None or not len(self._points):
            painter.setPen(self.palette().windowText().color())
            draw_line(painter, QRectF(self.rect()), "no images", Qt.AlignmentFlag.AlignCenter)
        else:
            size = 7.0 if len(self._points) < MANY else 3.0
            for place in self._found.filled():
                inside = self._points[self._found.assignment == place]
                pen = QPen(legible(cluster_colour(place), self.palette().base().color(), POINT_CONTRAST), size)
                pen.setCapStyle(Qt.PenCapStyle.RoundCap)
                painter.setPen(pen)
                painter.drawPoints(QPolygonF([QPointF(x, y) for x, y in inside]))
        painter.end()
        return made

    def _draw_selected(self, painter: QPainter) -> None:
        if self._found is None:
            return
        painter.setPen(QPen(self._selected_colour(), 2))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        for row, image_id in enumerate(self._found.image_ids):
            if image_id in self._selection:
                painter.drawEllipse(QPointF(*self._points[row]), 6, 6)

    def _selected_colour(self) -> QColor:
        return legible(SELECTED, self.palette().base().color())

    def changeEvent(self, event: QEvent | None) -> None:
        """Draw the points anew on the ground of another theme."""
        super().changeEvent(event)
        if certain(event).type() in (QEvent.Type.StyleChange, QEvent.Type.PaletteChange):
            self._drawn = None
            self.update()

    def _draw_hovered(self, painter: QPainter, row: int) -> None:
        """Draw the image below the pointer beside it, where there is room."""
        assert self._found is not None
        ratio = self.devicePixelRatioF()
        name, class_name = self._found.image_ids[row], self._found.name
        picture = self._session.gallery.pictures.get(name, class_name, round(PICTURE * ratio))
        x, y = self._points[row]
        painter.setPen(QPen(self.palette().windowText().color(), 2))
        painter.drawEllipse(QPointF(x, y), 6, 6)
        if picture is None:
            return
        pixmap = pixmap_of(picture, ratio)
        width, height = pixmap.width() / ratio, pixmap.height() / ratio
        left = x + 12 if x + 12 + width < self.width() else x - 12 - width
        top = min(max(0.0, y - height / 2), self.height() - height)
        painter.drawPixmap(QPointF(left, top), pixmap)
        painter.drawRect(QRectF(left, top, width, height))

    def _on_picture(self, wish: object) -> None:
        if self._hovered is not None:
            self.update()

    # -- hands --------------------------------------------------------------------------------------------

    def nearest(self, position: QPoint) -> int | None:
        """Return the row of the point at a position, None when there is none near enough."""
        if not len(self._points):
            return None
        distances = np.hypot(*(self._points - (position.x(), position.y())).T)
        row = int(distances.argmin())
        return row if distances[row] <= REACH else None

    def mousePressEvent(self, event: QMouseEvent | None) -> None:
        """Begin a lasso, or a click."""
        event = certain(event)
        if event.button() == Qt.MouseButton.LeftButton:
            self._lasso = [QPointF(event.pos())]

    def mouseMoveEvent(self, event: QMouseEvent | None) -> None:
        """Draw the lasso on, or look at the image below the pointer."""
        event = certain(event)
        if self._lasso and event.buttons() & Qt.MouseButton.LeftButton:
            moved = QPointF(event.pos()) - self._lasso[-1]
            if abs(moved.x()) + abs(moved.y()) >= LASSO_STEP:
                self._lasso.append(QPointF(event.pos()))
                self.update()
            return
        hovered = self.nearest(event.pos())
        if hovered != self._hovered:
            self._hovered = hovered
            text = "" if hovered is None or self._found is None else self._found.image_ids[hovered]
            QToolTip.showText(self.mapToGlobal(event.pos()), describe(self._session, text) if text else "", self)
            self.update()

    def mouseReleaseEvent(self, event: QMouseEvent | None) -> None:
        """Select what the lasso holds, or the point that was clicked."""
        event = certain(event)
        if event.button() != Qt.MouseButton.LeftButton or not self._lasso or self._found is None:
            return
        lasso, self._lasso = self._lasso, []
        adding = is_adding(event.modifiers())
        row = self.nearest(event.pos())
        if len(lasso) > 3:
            around, rule = QPolygonF(lasso), Qt.FillRule.OddEvenFill
            inside = [around.containsPoint(QPointF(x, y), rule) for x, y in self._points]
            self._selection.take(compress(self._found.image_ids, inside), adding)
        elif row is not None:
            self._selection.click(self._found.image_ids[row], adding)
        elif not adding:
            self._selection.take([])
        self.update()

    def mouseDoubleClickEvent(self, event: QMouseEvent | None) -> None:
        """Open the image below the pointer."""
        row = self.nearest(certain(event).pos())
        if row is not None and self._found is not None:
            self.opened.emit(self._found.image_ids[row])

    def contextMenuEvent(self, event: QContextMenuEvent | None) -> None:
        """Ask for the menu of what is selected, or of the image below the pointer."""
        event = certain(event)
        row = self.nearest(event.pos())
        if row is not None and self._found is not None and self._found.image_ids[row] not in self._selection:
            self._selection.click(self._found.image_ids[row])
        if len(self._selection):
            self.menu_wanted.emit(event.globalPos())

    def leaveEvent(self, event: object) -> None:
        """Show no image any more."""
        self._hovered = None
        self.update()

    def resizeEvent(self, event: object) -> None:
        """Spread the points over another width."""
        self._place()
