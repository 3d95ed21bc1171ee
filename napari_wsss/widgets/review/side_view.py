"""Two pictures beside each other over the canvas, which are moved and enlarged as one.

What a person can do with it: choose what lies over each, and another image for the right; wheel to enlarge, drag to
move, double-click to see all; A and D go through the queue; Esc (or the key again) goes back to the canvas.
"""

from pathlib import Path

from qtpy.QtCore import QPointF, QRectF, Qt
from qtpy.QtGui import QImage, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen, QWheelEvent
from qtpy.QtWidgets import QComboBox, QFileDialog, QWidget

from napari_wsss.session.models.side_by_side import TITLES, Drawn, Side
from napari_wsss.session.session import Session
from napari_wsss.widgets.controls.basic import choose, combo, draw_line, row, text_label
from napari_wsss.widgets.controls.elided import ElidedLabel
from napari_wsss.widgets.controls.listening import listen
from napari_wsss.widgets.controls.over import FRAME, GAP, GROUND, TEXT, Over, as_image
from napari_wsss.widgets.controls.stubs import certain, united
from napari_wsss.widgets.keys.actions import Actions

CAPTION = 20  # pixels
STEP, LARGEST = 1.25, 64.0
"""Factor of one notch of the wheel, and how much larger than the whole picture it gets."""
THIS = "this image"


class Panes(QWidget):
    """Draws both; what is under the same point of both stays so, whatever their sizes.

    Attributes
    ----------
    zoom : float
        1 shows the whole picture.
    centre : QPointF
        In shares of the picture's width and height.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._drawn: tuple[Drawn, ...] = ()
        self._images: list[QImage] = []
        self._pressed: QPointF | None = None
        self.zoom, self.centre = 1.0, QPointF(0.5, 0.5)

    def show_sides(self, drawn: tuple[Drawn, ...]) -> None:
        """Show other pictures, where the ones before were looked at."""
        self._drawn, self._images = drawn, [as_image(one.picture) for one in drawn]
        self.update()

    def show_whole(self) -> None:
        """Show all of both pictures."""
        self.zoom, self.centre = 1.0, QPointF(0.5, 0.5)
        self.update()

    def pane(self, place: int) -> QRectF:
        """Return where the left (0) or the right (1) picture may be, in pixels."""
        half = self.width() / 2
        return QRectF(place * half, 0, half, self.height() - CAPTION).adjusted(GAP / 2, GAP, -GAP / 2, 0)

    def target(self, place: int) -> QRectF:
        """Return where all of a picture is, in pixels; much of it may be beyond its pane."""
        pane, image = self.pane(place), self._images[place]
        scale = self.zoom * min(pane.width() / max(1, image.width()), pane.height() / max(1, image.height()))
        width, height = image.width() * scale, image.height() * scale
        corner = pane.center() - QPointF(self.centre.x() * width, self.centre.y() * height)
        return QRectF(corner.x(), corner.y(), width, height)

    def paintEvent(self, event: QPaintEvent | None) -> None:
        """Draw both with their captions."""
        painter = QPainter(self)
        painter.fillRect(self.rect(), GROUND)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, self.zoom < 4)
        for place, drawn in enumerate(self._drawn):
            pane = self.pane(place)
            painter.setClipRect(pane)
            painter.drawImage(self.target(place), self._images[place])
            painter.setClipping(False)
            painter.setPen(QPen(FRAME, 1))
            painter.drawRect(pane)
            painter.setPen(TEXT)
            below = QRectF(pane.left(), pane.bottom(), pane.width(), CAPTION)
            shown = self.fontMetrics().elidedText(drawn.caption, Qt.TextElideMode.ElideMiddle, int(pane.width()))
            draw_line(painter, below, shown, united(Qt.AlignmentFlag.AlignLeft, Qt.AlignmentFlag.AlignVCenter))
        painter.end()

    def _under(self, where: QPointF) -> tuple[int, QPointF] | None:
        """Return the side under a point in pixels, and the point in shares of its picture."""
        for place in range(len(self._images)):
            if self.pane(place).contains(where):
                box = self.target(place)
                share = QPointF((where.x() - box.left()) / box.width(), (where.y() - box.top()) / box.height())
                return place, share
        return None

    def wheelEvent(self, event: QWheelEvent | None) -> None:
        """Enlarge both around the point under the mouse."""
        event = certain(event)
        under = self._under(QPointF(event.position()))
        if under is None or not event.angleDelta().y():
            return
        before, (_, share) = self.zoom, under
        self.zoom = min(LARGEST, max(1.0, before * STEP ** (event.angleDelta().y() / 120)))
        if self.zoom == 1.0:
            self.centre = QPointF(0.5, 0.5)
        else:
            self.centre = share + (self.centre - share) * (before / self.zoom)
        self.update()
        event.accept()

    def mousePressEvent(self, event: QMouseEvent | None) -> None:
        """Begin to move both."""
        self._pressed = QPointF(certain(event).pos())

    def mouseMoveEvent(self, event: QMouseEvent | None) -> None:
        """Move both."""
        here = QPointF(certain(event).pos())
        under = self._under(self._pressed) if self._pressed is not None else None
        if self._pressed is None or under is None:
            return
        box, moved = self.target(under[0]), here - self._pressed
        self.centre -= QPointF(moved.x() / box.width(), moved.y() / box.height())
        self._pressed = here
        self.update()

    def mouseReleaseEvent(self, event: QMouseEvent | None) -> None:
        """End moving."""
        self._pressed = None

    def mouseDoubleClickEvent(self, event: QMouseEvent | None) -> None:
        """Show all of both again."""
        self.show_whole()


class SideView(Over):
    """Both pictures with their choices, over a widget (the canvas) whose size it takes."""

    def __init__(self, session: Session, actions: Actions, over: QWidget) -> None:
        super().__init__(over)
        self._beside, self._actions = session.side_by_side, actions
        self._theirs: Path | None = None
        kinds = tuple(TITLES.items())
        self.whats: tuple[QComboBox, QComboBox] = (
            combo(kinds, lambda _what: self._take(0)),
            combo(kinds, lambda _what: self._take(1)),
        )
        self.other = combo((("", THIS),), lambda _image: self._choose(1))
        for box, side in zip(self.whats, self._beside.sides, strict=True):
            choose(box, side.what)
        self.text = ElidedLabel()
        self.panes = Panes()
        line = row(text_label("Left", wrap=False), self.whats[0], self.text, text_label("Right", wrap=False))
        for part in (self.whats[1], self.other):
            line.addWidget(part)
        line.setStretch(2, 1)
        self.put_together(line, self.panes)
        listen(self, (self._beside.changed, self._show), (session.signals.image_changed, self._on_image))

    def toggle(self) -> None:
        """Show both sides over the canvas, or go back to it."""
        if self.isVisible():
            self.leave()
        elif self._beside.begin():
            self._on_image()
            self.appear()

    def leave(self) -> None:
        """Go back to the canvas."""
        self._beside.end()
        super().leave()

    def _choose(self, place: int) -> None:
        other, what = self.other.currentData() if place else "", self.whats[place].currentData()
        self._beside.choose(place, Side(what, other, self._theirs if what == "theirs" else None))
        self.setFocus()

    def _take(self, place: int) -> None:
        """Let something else lie over a side; another person's project is asked for."""
        if self.whats[place].currentData() == "theirs":
            known = str(self._theirs or "")
            chosen = QFileDialog.getExistingDirectory(self, "Project folder of another person", known)
            if not (chosen or known):
                choose(self.whats[place], self._beside.sides[place].what)
                return
            self._theirs = Path(chosen or known)
        self._choose(place)

    def _on_image(self, _image_id: str = "") -> None:
        """Offer the images around the shown one; the one that is compared with stays."""
        kept = self._beside.sides[1].image_id
        self.other.clear()
        self.other.addItem(THIS, "")
        for image_id in dict.fromkeys((*((kept,) if kept else ()), *self._beside.near())):
            self.other.addItem(image_id, image_id)
        choose(self.other, kept)

    def _show(self) -> None:
        self.text.setText(self._beside.text)
        self.panes.show_sides(self._beside.drawn)

    def paintEvent(self, event: QPaintEvent | None) -> None:
        """Hide the canvas below."""
        painter = QPainter(self)
        painter.fillRect(self.rect(), GROUND)
        painter.end()

    def keyPressEvent(self, event: QKeyEvent | None) -> None:
        """Leave by Esc; the keys of going through the queue and of this view do what they do on the canvas."""
        event = certain(event)
        if event.key() == Qt.Key.Key_Escape:
            self.leave()
            return
        shift = "Shift-" if event.modifiers() == Qt.KeyboardModifier.ShiftModifier else ""
        pressed = shift + event.text().upper()
        for entry in self._actions.table:
            if entry.key == pressed and entry.action in ("previous", "next", "side_by_side"):
                self._actions.run(entry.action)
                return
        event.ignore()
