"""The legend: every class that can be painted, with its colour, its key and how much of the mask it holds.

What a person can do with it: click a class to paint it, see which one is painted now; by the right button show its map,
copy its proposal, add or remove its label, rename it, give it another colour.
"""

from typing import Any

from qtpy.QtCore import QModelIndex, QPoint, QRect, QRectF, QSize, Qt
from qtpy.QtGui import QPainter, QShowEvent
from qtpy.QtWidgets import QListView, QMenu, QStyle, QStyledItemDelegate, QStyleOptionViewItem, QWidget

from napari_wsss.core.classes import BACKGROUND, IGNORE
from napari_wsss.session.session import Session
from napari_wsss.widgets.controls.basic import draw_line, single_shot
from napari_wsss.widgets.controls.class_entries import SWATCH, choose_colour, value_colour
from napari_wsss.widgets.controls.colours import mixed
from napari_wsss.widgets.controls.listening import listen
from napari_wsss.widgets.controls.stubs import certain, united
from napari_wsss.widgets.keys.actions import Actions
from napari_wsss.widgets.layers.viewer_sync import ViewerSync
from napari_wsss.widgets.review.legend_model import ENTRY, LegendEntry, LegendModel

COUNT_AFTER_MS = 200
ROW_HEIGHT, LEAST_ROWS, MOST_ROWS = 20, 3, 8
DIM = 0.7
"""Opacity of what matters less: classes the image is not labelled with, counts."""


class LegendDelegate(QStyledItemDelegate):
    """Draws a row: swatch, key, name, amount; the painted class stands out by its background and its weight."""

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex) -> QSize:
        """Return the same height for every row."""
        return QSize(120, max(ROW_HEIGHT, option.fontMetrics.height() + 4))

    def paint(self, painter: QPainter | None, option: QStyleOptionViewItem, index: QModelIndex) -> None:
        """Draw one row."""
        entry, model = index.data(ENTRY), index.model()
        classes = model.classes if isinstance(model, LegendModel) else None
        if entry is None or classes is None:
            return
        painter = certain(painter)
        painter.save()
        box, palette = option.rect, option.palette
        if entry.painted:
            painter.fillRect(box, palette.highlight())
        elif option.state & QStyle.StateFlag.State_MouseOver:
            painter.fillRect(box, mixed(palette.highlight().color(), palette.base().color(), 0.5))
        font = option.font
        font.setBold(entry.painted)
        painter.setFont(font)
        painter.setPen(palette.highlightedText().color() if entry.painted else palette.text().color())
        self._draw_swatch(painter, box, value_colour(classes, entry.value))
        self._draw_texts(painter, QRectF(box.adjusted(8 + SWATCH, 0, -4, 0)), entry)
        painter.restore()

    def _draw_swatch(self, painter: QPainter, box: QRect, colour: Any) -> None:
        square = QRect(box.left() + 4, box.center().y() - SWATCH // 2 + 1, SWATCH, SWATCH)
        painter.fillRect(square, colour)
        painter.drawRect(square)

    def _draw_texts(self, painter: QPainter, box: QRectF, entry: LegendEntry) -> None:
        left = united(Qt.AlignmentFlag.AlignLeft, Qt.AlignmentFlag.AlignVCenter)
        right = united(Qt.AlignmentFlag.AlignRight, Qt.AlignmentFlag.AlignVCenter)
        metrics = painter.fontMetrics()
        is_own = entry.labelled or entry.painted or entry.value in (BACKGROUND, IGNORE)
        painter.setOpacity(DIM)
        draw_line(painter, QRectF(box.left() + 4, box.top(), 18, box.height()), entry.key, left)
        draw_line(painter, box, entry.amount, right)
        painter.setOpacity(1 if is_own or entry.pixels else DIM)
        room = box.width() - 26 - metrics.boundingRect(entry.amount + "  ").width()
        name = metrics.elidedText(entry.name, Qt.TextElideMode.ElideRight, int(room))
        draw_line(painter, box.adjusted(24, 0, 0, 0), name, left)


class Legend(QListView):
    """The list of classes; it never takes the keyboard, except while a class is renamed."""

    def __init__(self, session: Session, sync: ViewerSync, actions: Actions, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session, self._sync, self._actions = session, sync, actions
        self.entries = LegendModel(session, sync, actions, self)
        self.setModel(self.entries)
        self.setItemDelegate(LegendDelegate(self))
        self.setUniformItemSizes(True)
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setSelectionMode(QListView.SelectionMode.NoSelection)
        self.setEditTriggers(QListView.EditTrigger.NoEditTriggers)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.customContextMenuRequested.connect(self._open_menu)
        self.clicked.connect(lambda index: sync.choose_value(self.entries.entry(index.row()).value))
        self._recount = single_shot(self, COUNT_AFTER_MS, self._count)
        listen(
            self,
            (session.signals.project_opened, self.refresh),
            (session.signals.project_closed, self.refresh),
            (session.signals.image_changed, self._on_image),
            (session.signals.labels_changed, self._on_image),
            (session.signals.classes_changed, self.refresh),
            (session.signals.save_state_changed, self._on_saved),
            (session.signals.mask_replaced, self._on_saved),
        )
        sync.class_chosen.connect(self._mark)
        actions.table_changed.connect(self.refresh)
        self.refresh()

    def refresh(self) -> None:
        """List the classes of the shown image anew."""
        self.entries.reset()
        rows = min(max(self.entries.rowCount(), LEAST_ROWS), MOST_ROWS)
        height = max(ROW_HEIGHT, self.fontMetrics().height() + 4)
        self.setFixedHeight(rows * height + 2 * self.frameWidth())
        self._mark()

    def _on_image(self, _image_id: str = "") -> None:
        self.refresh()

    def _on_saved(self, _state: object) -> None:
        self._recount.start()

    def _count(self) -> None:
        if self.isVisible():
            self.entries.count()

    def showEvent(self, event: QShowEvent | None) -> None:
        """Count what was painted while the legend was hidden."""
        super().showEvent(event)
        self.entries.count()

    def _mark(self, _value: int = 0) -> None:
        self.entries.refresh()
        row = self.entries.row_of(self._sync.value)
        if row >= 0:
            self.scrollTo(self.entries.index(row))

    def _open_menu(self, where: QPoint) -> None:
        index = self.indexAt(where)
        if index.isValid():
            self.menu_of(index).popup(certain(self.viewport()).mapToGlobal(where))

    def menu_of(self, index: QModelIndex) -> QMenu:
        """Return what can be done with the class of a row."""
        entry, session = self.entries.entry(index.row()), self._session
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        is_class = entry.value not in (BACKGROUND, IGNORE)
        table = session.table
        may_write = table is not None and not table.project.read_only
        may_copy = may_write and table is not None and table.proposal is not None and entry.value != IGNORE
        copy = certain(menu.addAction("Copy its proposal into the mask", lambda: self._actions.copy(entry.value)))
        copy.setEnabled(may_copy)
        if not is_class:
            return menu
        shown = certain(menu.addAction("Show its map", lambda: self._sync.cams.show(entry.name)))
        shown.setEnabled(entry.name in self._sync.cams.names)
        verb, title = (
            (session.labels.remove, "Remove its label") if entry.labelled else (session.labels.add, "Add its label")
        )
        certain(menu.addAction(title, lambda: verb(entry.name))).setEnabled(may_write)
        menu.addSeparator()
        certain(menu.addAction("Rename …", lambda: self.edit(index))).setEnabled(may_write)
        recolour = certain(menu.addAction("Colour …", lambda: choose_colour(session, entry.name, self)))
        recolour.setEnabled(may_write)
        return menu
