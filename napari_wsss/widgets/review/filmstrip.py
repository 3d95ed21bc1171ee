"""The filmstrip: the queue as a row of pictures, with the same model and pictures as the list of the Review page.

What a person can do with it: click a picture to go there, scroll with the wheel, make the strip higher for larger
pictures.
"""

from qtpy.QtCore import QModelIndex, QSize, Qt
from qtpy.QtGui import QResizeEvent, QWheelEvent
from qtpy.QtWidgets import QAbstractItemView, QListView, QWidget

from napari_wsss.session.session import Session
from napari_wsss.widgets.controls.listening import listen
from napari_wsss.widgets.controls.stubs import certain
from napari_wsss.widgets.keys.actions import Actions
from napari_wsss.widgets.review.queue_model import QueueModel
from napari_wsss.widgets.review.queue_rows import QueueCell

LEAST_HEIGHT, USUAL_HEIGHT = 72, 112
WHEEL_STEP = 0.8
"""Share of a picture's width per degree-notch of the wheel, a bit less than a picture so that none is missed."""
NOTCH = 120


class Filmstrip(QListView):
    """One row of pictures; the shown image has a frame and is kept in view."""

    def __init__(self, session: Session, model: QueueModel, actions: Actions, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session, self._actions, self._queue = session, actions, model
        self.setModel(model)
        self._cell = QueueCell(model.row_shown, self)
        self.setItemDelegate(self._cell)
        self.setFlow(QListView.Flow.LeftToRight)
        self.setWrapping(False)
        self.setUniformItemSizes(True)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setSelectionMode(QAbstractItemView.SelectionMode.NoSelection)
        self.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOn)
        self.setMinimumHeight(LEAST_HEIGHT)
        self.clicked.connect(self._go_to)
        model.pictures_changed.connect(certain(self.viewport()).update)
        listen(
            self, (session.signals.image_changed, self._on_image), (session.signals.queue_changed, self.bring_into_view)
        )
        self.bring_into_view()

    def sizeHint(self) -> QSize:
        """Return a height for one row of pictures."""
        return QSize(600, USUAL_HEIGHT)

    def bring_into_view(self) -> None:
        """Scroll so that the shown image is seen among its neighbours."""
        row = self._queue.row_shown()
        if row is not None:
            self.scrollTo(self._queue.index(row), QAbstractItemView.ScrollHint.PositionAtCenter)
        certain(self.viewport()).update()

    def _on_image(self, _image_id: str) -> None:
        self.bring_into_view()

    def _go_to(self, index: QModelIndex) -> None:
        self._actions.go_to(self._queue.image_at(index.row()))

    def wheelEvent(self, event: QWheelEvent | None) -> None:
        """Scroll sideways by any wheel."""
        event = certain(event)
        turned = event.angleDelta()
        notches = (turned.y() or turned.x()) / NOTCH
        bar = certain(self.horizontalScrollBar())
        bar.setValue(bar.value() - round(notches * WHEEL_STEP * self._cell.size.width()))
        event.accept()

    def resizeEvent(self, event: QResizeEvent | None) -> None:
        """Make the pictures as large as the height allows, and keep the shown one in view."""
        super().resizeEvent(event)
        if self._cell.fit(certain(self.viewport()).height()):
            self.scheduleDelayedItemsLayout()
        self.bring_into_view()
