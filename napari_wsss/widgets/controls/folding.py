"""A section that folds: superqt's, with an arrow that points the usual way, is sharp and follows the theme."""

from qtpy.QtCore import QEvent, QPointF, Qt
from qtpy.QtGui import QIcon, QPainter, QPolygonF, QShowEvent
from qtpy.QtWidgets import QWidget
from superqt import QCollapsible

from napari_wsss.widgets.controls.colours import clear_pixmap
from napari_wsss.widgets.controls.stubs import certain

ARROW = 10
INDENT = 8
RIGHT = ((3.0, 1.0), (8.0, 5.0), (3.0, 9.0))
DOWN = ((1.0, 3.0), (9.0, 3.0), (5.0, 8.0))


class Folded(QCollapsible):
    """A title that shows and hides what is below it, at a click and without taking the focus.

    Parameters
    ----------
    title : str
    contents : sequence of QWidget
    """

    def __init__(self, title: str, *contents: QWidget) -> None:
        super().__init__(title)
        self.setDuration(0)  # an animation would move the page under the mouse
        self.toggleButton().setFocusPolicy(Qt.FocusPolicy.NoFocus)
        certain(self.layout()).setContentsMargins(0, 2, 0, 2)
        certain(self.content().layout()).setContentsMargins(INDENT, 2, 0, 2)
        for widget in contents:
            self.addWidget(widget)
        self._ink = ""
        self._draw_arrows()

    def changeEvent(self, event: QEvent | None) -> None:
        """Draw the arrows in the colour of another theme."""
        super().changeEvent(event)
        if certain(event).type() in (QEvent.Type.StyleChange, QEvent.Type.PaletteChange):
            self._draw_arrows()

    def showEvent(self, event: QShowEvent | None) -> None:
        """Follow what happened to the theme while it was hidden."""
        super().showEvent(event)
        self._draw_arrows()

    def _draw_arrows(self) -> None:
        ink = self.palette().windowText().color().name()
        if ink != self._ink:
            self._ink = ink
            self.setCollapsedIcon(self._arrow(RIGHT))
            self.setExpandedIcon(self._arrow(DOWN))

    def _arrow(self, corners: tuple[tuple[float, float], ...]) -> QIcon:
        picture = clear_pixmap(ARROW, ARROW)
        painter = QPainter(picture)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(self.palette().windowText())
        painter.drawPolygon(QPolygonF([QPointF(*corner) for corner in corners]))
        painter.end()
        return QIcon(picture)
