"""`Over`: something that lies over another widget (the canvas) for a while, with a line of its own at the top."""

import numpy as np
from qtpy.QtCore import QEvent, QObject, Qt
from qtpy.QtGui import QColor, QImage
from qtpy.QtWidgets import QHBoxLayout, QWidget

from napari_wsss.widgets.controls.basic import column, tool_button
from napari_wsss.widgets.controls.listening import let_go
from napari_wsss.widgets.controls.stubs import certain

GROUND, TEXT, BAD, FRAME = (QColor(code) for code in ("#16171c", "#d0d4da", "#d55e00", "#3a3d46"))
GAP = 6  # pixels


class Over(QWidget):
    """A view over a widget whose size it takes; hidden until it is wanted, left by Esc.

    Parameters
    ----------
    over : QWidget
    """

    def __init__(self, over: QWidget) -> None:
        super().__init__(over)
        self._over = over
        self.setAutoFillBackground(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        over.installEventFilter(self)
        self.hide()

    def put_together(self, line: QHBoxLayout, content: QWidget) -> None:
        """Show a line of choices, the button that goes back at its end, and the content below it."""
        line.addWidget(tool_button("✕", self.leave, "Back to the canvas (Esc)"))
        head = QWidget()
        head.setAutoFillBackground(True)
        head.setLayout(line)
        head.setStyleSheet(f"QWidget {{ background: {GROUND.name()}; color: {TEXT.name()}; }}")
        layout = column(head, content)
        layout.setSpacing(0)  # the canvas would be seen between them
        layout.setStretch(1, 1)
        self.setLayout(layout)

    def appear(self) -> None:
        """Lie over the widget, with the keys."""
        self.setGeometry(self._over.rect())
        self.show()
        self.raise_()
        self.setFocus()

    def leave(self) -> None:
        """Go back to the canvas."""
        self.hide()
        self._over.setFocus()

    def end(self) -> None:
        """Go away for good, with the panel."""
        self._over.removeEventFilter(self)
        let_go(self)
        self.setParent(None)
        self.deleteLater()

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:
        """Take the size of what it lies over."""
        if watched is self._over and certain(event).type() == QEvent.Type.Resize and self.isVisible():
            self.setGeometry(self._over.rect())
        return False


def as_image(picture: np.ndarray) -> QImage:
    """Return a picture (H, W, 3) uint8 RGB as Qt draws it, in memory of its own."""
    height, width = picture.shape[:2]
    return QImage(np.ascontiguousarray(picture).tobytes(), width, height, 3 * width, QImage.Format.Format_RGB888).copy()
