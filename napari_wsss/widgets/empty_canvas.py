"""The next step on the canvas while nothing is shown there: where a person who has opened the panel looks first."""

from napari.components import LayerList
from qtpy.QtCore import QEvent, QObject
from qtpy.QtWidgets import QFrame, QSplitter, QWidget

from napari_wsss.session.session import Session
from napari_wsss.widgets.controls.basic import column
from napari_wsss.widgets.controls.listening import let_go, listen
from napari_wsss.widgets.controls.stubs import certain
from napari_wsss.widgets.next_line import NextLine

WIDEST = 460
"""Pixels."""
FROM_TOP = 0.06
"""Of the canvas' height; below it are napari's own first words."""
LOOK = "#empty_canvas { border: 1px solid #7d838c; border-radius: 6px; }"


def canvas_in(centre: QWidget) -> QWidget:
    """Return the part of a window's central widget that holds the canvas, inside of what napari lets take drops."""
    splitter = centre.findChild(QSplitter)
    held = splitter.widget(0) if splitter is not None else None
    return held or centre


class EmptyCanvas(QFrame):
    """Lies over the canvas as long as no layer does; drops go through it, as it takes none itself.

    Parameters
    ----------
    session : Session
    layers : LayerList
        Of the viewer.
    over : QWidget
        The widget with the canvas, see `canvas_in`.
    """

    def __init__(self, session: Session, layers: LayerList, over: QWidget) -> None:
        super().__init__(over)
        self._over, self._layers = over, layers
        self.setObjectName("empty_canvas")
        self.setStyleSheet(LOOK)
        self.next_line = NextLine(session)
        self.setLayout(column(self.next_line, margin=12))
        over.installEventFilter(self)
        listen(self, (layers.events.inserted, self._follow), (layers.events.removed, self._follow))
        self._follow()

    def _follow(self, _event: object = None) -> None:
        """Be seen exactly while there is no layer."""
        self._place()
        self.setVisible(not len(self._layers))
        self.raise_()

    def _place(self) -> None:
        room = self._over.rect()
        width = min(WIDEST, room.width() - 24)
        self.setGeometry((room.width() - width) // 2, round(FROM_TOP * room.height()), width, self.sizeHint().height())

    def end(self) -> None:
        """Go away for good, with the panel."""
        self._over.removeEventFilter(self)
        let_go(self)
        self.setParent(None)
        self.deleteLater()

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:
        """Keep its place when the canvas gets another size."""
        if watched is self._over and certain(event).type() == QEvent.Type.Resize:
            self._place()
        return False
