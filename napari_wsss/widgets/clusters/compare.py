"""Two images side by side, each with the contour of a class's map, to see whether they are of one kind."""

from functools import partial

from qtpy.QtCore import QRectF, Qt, Signal
from qtpy.QtGui import QPainter, QPaintEvent
from qtpy.QtWidgets import QSizePolicy, QWidget

from napari_wsss.session.gallery.pictures import Wish
from napari_wsss.session.session import Session
from napari_wsss.widgets.clusters.strip import describe, pixmap_of
from napari_wsss.widgets.controls.basic import column, draw_line, row, text_label, tool_button
from napari_wsss.widgets.controls.listening import listen

HEIGHT = 170
ASKED_SIDE = 320
"""Pictures are made this large and drawn as large as there is room."""


class ComparePair(QWidget):
    """Two images; hidden while there are not two to compare.

    Attributes
    ----------
    opened : Signal(str)
        The person wants to work on an image.
    """

    opened = Signal(str)

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self.images = (_Large(session), _Large(session))
        self.texts = (text_label(quiet=True), text_label(quiet=True))
        opens = [tool_button("Open", partial(self._open, side), "Work on this image") for side in (0, 1)]
        sides = [column(self.images[side], row(self.texts[side], opens[side])) for side in (0, 1)]
        close = tool_button("close", self.hide)
        pair = row()
        for side in sides:
            pair.addLayout(side, 1)
        self.setLayout(column(row(text_label("Side by side", wrap=False), 1, close), pair))
        self.hide()

    def show_pair(self, class_name: str, first: str, second: str) -> None:
        """Show two images of a class."""
        for image, text, image_id in zip(self.images, self.texts, (first, second), strict=True):
            image.show_image(class_name, image_id)
            text.setText("\n".join(describe(self._session, image_id).splitlines()[:3]))
        self.show()

    def _open(self, side: int) -> None:
        self.opened.emit(self.images[side].image_id)


class _Large(QWidget):
    """One image as large as there is room."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self._class_name = self.image_id = ""
        self.setFixedHeight(HEIGHT)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        listen(self, (session.gallery.pictures.ready, self._on_picture))

    def show_image(self, class_name: str, image_id: str) -> None:
        self._class_name, self.image_id = class_name, image_id
        self.update()

    def _on_picture(self, wish: Wish) -> None:
        if wish.image_id == self.image_id:
            self.update()

    def paintEvent(self, event: QPaintEvent | None) -> None:
        """Draw the image in the middle, a word while it is being made."""
        painter = QPainter(self)
        box = QRectF(self.rect())
        picture = None
        if self.image_id:
            picture = self._session.gallery.pictures.get(self.image_id, self._class_name, ASKED_SIDE)
        if picture is None:
            painter.fillRect(box, self.palette().mid())
            draw_line(painter, box, "…", Qt.AlignmentFlag.AlignCenter)
        else:
            height, width = picture.shape[:2]
            scale = min(box.width() / width, box.height() / height)
            target = QRectF(0, 0, width * scale, height * scale)
            target.moveCenter(box.center())
            painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
            painter.drawPixmap(target, pixmap_of(picture), QRectF(0, 0, width, height))
        painter.end()
