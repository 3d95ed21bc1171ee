"""The grid over the canvas: a page of proposals as large as they fit, verified at a glance.

What a person can do with it: click a picture, or press its letter, to mark a bad one; Enter accepts the rest as one
step and shows the next page; Page Up and Page Down turn pages without deciding; + and - change how many are seen; rest
the mouse on a picture to see it large; double-click opens it on the canvas; Esc goes back.
"""

import string

import numpy as np
from qtpy.QtCore import QEvent, QPointF, QRectF, Qt, Signal
from qtpy.QtGui import QColor, QImage, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen
from qtpy.QtWidgets import QLineEdit, QWidget

from napari_wsss.session.gallery.pictures import Wish
from napari_wsss.session.session import Session
from napari_wsss.widgets.controls.basic import draw_line, row, single_shot, text_label, tool_button
from napari_wsss.widgets.controls.charts import percent
from napari_wsss.widgets.controls.elided import ElidedLabel
from napari_wsss.widgets.controls.listening import let_go, listen
from napari_wsss.widgets.controls.over import BAD, FRAME, GAP, GROUND, TEXT, Over, as_image
from napari_wsss.widgets.controls.stubs import certain, united

MARKS = string.digits[1:] + string.ascii_lowercase
"""Keys of the pictures of a page, row by row; there are more than on the largest page without the last one."""
CAPTION = 18  # pixels
LACKS = QColor("#feca57")
COMPUTE = "Have the missing proposals made in the background; they come to the end of the pages"
LARGE_SHARE, LARGE_AFTER_MS = 0.9, 500
"""Of the grid's sides that a picture takes which the mouse rests on, and after how long."""


class Pages(QWidget):
    """Draws the page; what is clicked is marked.

    Attributes
    ----------
    opened : Signal(str)
        An image should be shown on the canvas.
    """

    opened = Signal(str)

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._grid = session.grid
        self._hovered = self._large = ""
        self._enlarge = single_shot(self, LARGE_AFTER_MS, self._show_large)
        self.setMouseTracking(True)
        listen(self, (self._grid.changed, self._on_changed), (session.gallery.pictures.ready, self._on_picture))

    def _on_changed(self) -> None:
        self._hovered = self._large = ""
        self.update()

    def _on_picture(self, wish: Wish) -> None:
        if not self._grid.is_of_page(wish):
            return
        if self._large:
            self.update()
        else:
            self.update(self.box(self._grid.page.index(wish.image_id)).toAlignedRect())

    def box(self, place: int) -> QRectF:
        """Return where the picture at a place of the page is, in pixels."""
        side = self._grid.side
        width, height = self.width() / side, self.height() / side
        down, across = divmod(place, side)
        return QRectF(across * width, down * height, width, height).adjusted(GAP, GAP, -GAP, -GAP)

    def image_at(self, where: QPointF) -> str:
        """Return the image at a point in pixels, "" between them."""
        page = enumerate(self._grid.page)
        return next((image_id for place, image_id in page if self.box(place).contains(where)), "")

    def _picture(self, image_id: str) -> QImage | None:
        cell = self.box(0)
        wanted = int(max(cell.width(), cell.height()) * self.devicePixelRatioF())
        found = self._grid.picture(image_id, max(64, wanted // 32 * 32))
        return as_image(found) if isinstance(found, np.ndarray) else None

    def paintEvent(self, event: QPaintEvent | None) -> None:
        """Draw the pictures with their key and how sure it is, or what it lacks; marked ones are crossed out."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        painter.fillRect(self.rect(), GROUND)
        asked = QRectF(certain(event).rect())
        for place, image_id in enumerate(self._grid.page):
            if self.box(place).intersects(asked):
                self._draw(painter, place, image_id)
        picture = self._picture(self._large) if self._large else None
        if picture is not None:
            room = QRectF(self.rect()).center(), self.width() * LARGE_SHARE, self.height() * LARGE_SHARE
            target = _fitted(picture, QRectF(room[0].x() - room[1] / 2, room[0].y() - room[2] / 2, *room[1:]))
            painter.drawImage(target, picture)
            painter.setPen(QPen(TEXT, 2))
            painter.drawRect(target)
        painter.end()

    def _draw(self, painter: QPainter, place: int, image_id: str) -> None:
        box = self.box(place)
        inner, picture = box.adjusted(0, 0, 0, -CAPTION), self._picture(image_id)
        is_bad = image_id in self._grid.marked
        target = _fitted(picture, inner) if picture is not None else inner
        if picture is not None:
            painter.setOpacity(0.35 if is_bad else 1.0)
            painter.drawImage(target, picture)
            painter.setOpacity(1.0)
        painter.setPen(QPen(BAD if is_bad else FRAME, 3 if is_bad else 1))
        painter.drawRect(target)
        if is_bad:
            painter.drawLine(target.topLeft(), target.bottomRight())
            painter.drawLine(target.topRight(), target.bottomLeft())
        lacking = self._grid.lacking(image_id)
        painter.setPen(LACKS if lacking else TEXT)
        key = f"{MARKS[place]}   " if place < len(MARKS) else ""
        caption = QRectF(box.left(), inner.bottom(), box.width(), CAPTION)
        sure = f"{percent(self._grid.confidence(image_id))} sure" if not lacking else f"no {', '.join(lacking)}"
        sure, metrics = f"{key}{sure}   ", self.fontMetrics()
        left = int(caption.width()) - metrics.horizontalAdvance(sure)  # the name alone is shortened
        name = metrics.elidedText(image_id, Qt.TextElideMode.ElideMiddle, left)
        draw_line(painter, caption, sure + name, united(Qt.AlignmentFlag.AlignLeft, Qt.AlignmentFlag.AlignVCenter))

    def mouseMoveEvent(self, event: QMouseEvent | None) -> None:
        """Begin to wait for a picture the mouse rests on."""
        hovered = self.image_at(QPointF(certain(event).pos()))
        if hovered != self._hovered:
            self._hovered, was_large, self._large = hovered, self._large, ""
            self._enlarge.start()
            if was_large:
                self.update()

    def leaveEvent(self, event: QEvent | None) -> None:
        """Show the page alone again."""
        self._hovered = self._large = ""
        self._enlarge.stop()
        self.update()

    def _show_large(self) -> None:
        self._large = self._hovered
        self.update()

    def mousePressEvent(self, event: QMouseEvent | None) -> None:
        """Mark the picture that is clicked, or take its mark away."""
        self._enlarge.stop()
        self._large = ""
        self._grid.toggle(self.image_at(QPointF(certain(event).pos())))

    def mouseDoubleClickEvent(self, event: QMouseEvent | None) -> None:
        """Show the image on the canvas; the mark of the first click goes."""
        image_id = self.image_at(QPointF(certain(event).pos()))
        if image_id:
            self._grid.toggle(image_id)
            self.opened.emit(image_id)


class GridView(Over):
    """The page with its search line, over a widget (the canvas) whose size it takes.

    Attributes
    ----------
    opened : Signal(str)
        An image should be shown on the canvas; the grid is hidden then.
    """

    opened = Signal(str)

    def __init__(self, session: Session, over: QWidget) -> None:
        super().__init__(over)
        self._grid = session.grid
        self.search = QLineEdit()
        self.search.setPlaceholderText("which images: class:cat, cluster:4, score<0.3 …")
        self.search.returnPressed.connect(self._find)
        self.text = ElidedLabel()
        self.pages = Pages(session)
        self.pages.opened.connect(self._open)
        fewer = tool_button("–", lambda: self._grid.resize(self._grid.side - 1), "Fewer, larger (-)")
        more = tool_button("+", lambda: self._grid.resize(self._grid.side + 1), "More, smaller (+)")
        self.compute = tool_button("Compute", self._grid.compute_missing, COMPUTE)
        accept = tool_button("Accept the rest", self._accept, "All that are not marked, as one step (Enter)")
        line = row(text_label("Verify", wrap=False), self.search, self.text, self.compute, fewer, more, accept)
        line.setStretch(1, 2)
        line.setStretch(2, 3)
        self.put_together(line, self.pages)
        listen(self, (self._grid.changed, self._say), (session.gallery.pictures.ready, self._on_picture))

    def toggle(self) -> None:
        """Show the grid on what is undecided now, or go back to the canvas."""
        if self.isVisible():
            self.leave()
            return
        self._find()
        self.appear()

    def end(self) -> None:
        """Go away for good, with the panel."""
        let_go(self.pages)
        super().end()

    def _find(self) -> None:
        self._grid.find(self.search.text())
        self.setFocus()

    def _accept(self) -> None:
        self._grid.accept_rest()

    def _open(self, image_id: str) -> None:
        self.leave()
        self.opened.emit(image_id)

    def _on_picture(self, wish: Wish) -> None:
        if self._grid.lacking(wish.image_id) and self._grid.is_of_page(wish):
            self._say()

    def _say(self) -> None:
        self.text.setText(self._grid.text)
        self.compute.setText(f"Compute {len(self._grid.missing):,}")
        self.compute.setVisible(bool(self._grid.missing))

    def keyPressEvent(self, event: QKeyEvent | None) -> None:
        """Mark by letters, accept, turn, resize, leave."""
        event = certain(event)
        verbs = {
            Qt.Key.Key_Return: self._accept,
            Qt.Key.Key_Enter: self._accept,
            Qt.Key.Key_PageDown: lambda: self._grid.turn(1),
            Qt.Key.Key_PageUp: lambda: self._grid.turn(-1),
            Qt.Key.Key_Plus: lambda: self._grid.resize(self._grid.side + 1),
            Qt.Key.Key_Minus: lambda: self._grid.resize(self._grid.side - 1),
            Qt.Key.Key_Escape: self.leave,
        }
        place = MARKS.find(event.text().lower()) if event.text() else -1
        page = self._grid.page
        if event.key() in verbs:
            verbs[Qt.Key(event.key())]()
        elif 0 <= place < len(page):
            self._grid.toggle(page[place])
        else:
            event.ignore()


def _fitted(picture: QImage, box: QRectF) -> QRectF:
    """Return the largest box of a picture's shape in the middle of another."""
    scale = min(box.width() / max(1, picture.width()), box.height() / max(1, picture.height()))
    width, height = picture.width() * scale, picture.height() * scale
    return QRectF(box.center().x() - width / 2, box.center().y() - height / 2, width, height)
