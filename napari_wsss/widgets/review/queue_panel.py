"""Search, order and list of the review queue.

What a person can do with it: search (``state:flagged class:dog changed>20% name``), choose the order, see why each
image is shown, click one to go there.
"""

from qtpy.QtCore import QModelIndex, Qt, Signal
from qtpy.QtWidgets import QAbstractItemView, QListView, QWidget

from napari_wsss.core.plural import counted
from napari_wsss.session.session import Session
from napari_wsss.session.table.queue import ORDERS
from napari_wsss.widgets.controls.basic import choose, column, combo, row, text_label, tool_button
from napari_wsss.widgets.controls.listening import listen
from napari_wsss.widgets.controls.stubs import certain
from napari_wsss.widgets.keys.actions import Actions
from napari_wsss.widgets.review.queue_model import QueueModel
from napari_wsss.widgets.review.queue_rows import QueueRow
from napari_wsss.widgets.review.search_field import SearchField

ORDER_TITLES = {
    "file": "file order",
    "undecided first": "undecided first",
    "uncertainty": "most uncertain first",
    "diversity": "most diverse first",
    "flagged": "flagged first",
    "changed": "most changed by the last model",
    "disagrees": "model disagrees",
    "mismatch": "mask and labels differ",
    "differs": "compared masks differ most",
    "random": "random",
}
LEAST_HEIGHT = 166
"""Three rows with small pictures; the classes to paint are seen below them on a screen of 720 pixels."""


class QueuePanel(QWidget):
    """The queue as a list with a search line and an order.

    Attributes
    ----------
    strip_wanted : Signal()
        The filmstrip should be shown or hidden.
    """

    strip_wanted = Signal()

    def __init__(self, session: Session, actions: Actions, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session, self._actions = session, actions
        self.search = SearchField(session)
        self.order = combo([(order, ORDER_TITLES[order]) for order in ORDERS], session.navigation.set_order)
        self.count = text_label(wrap=False, quiet=True)
        self.remark = text_label(quiet=True)
        self.model = QueueModel(session, self)
        self.view = self._view()
        again = tool_button("⟳", session.navigation.refresh_queue, "Sort and search again with what is known now")
        self.strip = tool_button("▭▭▭", self.strip_wanted.emit, "Show or hide the filmstrip below the image")
        first = row(self.search)
        second = row(text_label("Order", wrap=False), self.order, again, self.strip)
        second.setStretch(1, 1)
        layout = column(first, second, row(self.count, self.remark), self.view)
        layout.setStretch(3, 1)
        self.setLayout(layout)
        listen(
            self,
            (session.signals.project_opened, self.refresh),
            (session.signals.project_closed, self.refresh),
            (session.signals.queue_changed, self.refresh),
            (session.signals.image_changed, self._on_image),
        )
        self.search.problem.connect(self._show_problem)
        self.refresh()

    def _view(self) -> QListView:
        view = QListView()
        view.setModel(self.model)
        self._row = QueueRow(view)
        view.setItemDelegate(self._row)
        view.setUniformItemSizes(True)
        view.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        view.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        view.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        view.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        certain(view.verticalScrollBar()).setSingleStep(24)
        view.setMinimumHeight(LEAST_HEIGHT)
        view.clicked.connect(self._go_to_row)
        self.model.pictures_changed.connect(certain(view.viewport()).update)
        return view

    def show_pictures(self, size: str) -> None:
        """Make the pictures as large as a word says (see `QueueRow.show_pictures`)."""
        self._row.show_pictures(size)
        self.view.doItemsLayout()
        self.mark_row()

    def refresh(self) -> None:
        """Show order, search and length of the queue."""
        queue, project = self._session.queue, self._session.project
        self.search.refresh()
        self.remark.setText(queue.remark if queue is not None else "")
        if queue is None or project is None:
            self.count.setText("")
        else:
            choose(self.order, queue.order.partition("(")[0])
            whole = len(project.catalog)
            self.count.setText(f"{len(queue):,} of {whole:,}" if queue.search else counted(whole, "image"))
        self.mark_row()

    def _show_problem(self, text: str) -> None:
        queue = self._session.queue
        self.remark.setText(text or (queue.remark if queue is not None else ""))

    def _on_image(self, _image_id: str) -> None:
        self.mark_row()

    def mark_row(self) -> None:
        """Mark the shown image and bring it into view."""
        position = self.model.row_shown()
        if position is None:
            self.view.clearSelection()
            return
        index = self.model.index(position)
        self.view.setCurrentIndex(index)
        self.view.scrollTo(index)

    def _go_to_row(self, index: QModelIndex) -> None:
        self._actions.go_to(self.model.image_at(index.row()))
        self.mark_row()  # the switch may have been refused
