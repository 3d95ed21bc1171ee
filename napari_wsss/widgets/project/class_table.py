"""The project's classes: mask value, colour, name, key and how many images carry the label.

What a person can do with it: rename a class by a double click, add one at the end, click its colour for another one,
mark it and merge it into another class or delete it; what that does to labels and masks stands there before, and *Undo*
takes it back. The order never changes, because masks on disk depend on it. Keys are those of the image shown now.
"""

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QComboBox, QHeaderView, QLineEdit, QSizePolicy, QTableWidget, QTableWidgetItem, QWidget

from napari_wsss.core.errors import WsssError
from napari_wsss.session.session import Session
from napari_wsss.widgets import preferences
from napari_wsss.widgets.controls.basic import (
    LAID_OUT_MS,
    bring_into_view,
    button,
    column,
    row,
    single_shot,
    text_label,
)
from napari_wsss.widgets.controls.class_entries import choose_colour, swatch
from napari_wsss.widgets.controls.listening import listen
from napari_wsss.widgets.controls.plain_text import as_text
from napari_wsss.widgets.controls.stubs import certain, without
from napari_wsss.widgets.keys.own_keys import class_keys, key_table

COLUMNS = ("Value", "", "Class", "Key", "Images")
COLOUR, NAME, KEY = 1, 2, 3
KEY_TIP = "The key that paints the class in the image shown now: its own labels have the first digits"
COLOUR_TIP = "Click for another colour on the screen; exported files keep theirs"
DELETED = (
    ("Delete; its pixels are ignored (255)", "ignore"),
    ("Delete; its pixels become background", "background"),
)
CHOOSE = "Merge or delete …"


class ClassTable(QWidget):
    """Shows and edits the class list."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._quiet = False
        self._names: tuple[str, ...] = ()
        self._offered = ""  # the class that the choices are of
        self.table = self._table()
        self.name = QLineEdit()
        self.name.setPlaceholderText("new class …")
        self.name.returnPressed.connect(self._add)
        self.becomes = QComboBox()
        self.becomes.setToolTip("Mark a class above; what happens to labels and masks is said before anything is done")
        self.becomes.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.becomes.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.becomes.currentIndexChanged.connect(self._say_effect)
        self.do = button("Do it", self._become)
        self.palette_colour = button("Palette colour", self._give_palette_colour, "Give the marked class its own back")
        self.undo = button("Undo", session.class_list.undo)
        self.effect = text_label(quiet=True)
        self.effect.hide()
        self._bring = single_shot(self, LAID_OUT_MS, lambda: bring_into_view(self.effect))
        self.setLayout(
            column(
                self.table,
                row(self.name, button("Add class", self._add, "At the end of the list")),
                row(self.becomes, self.do),
                row(self.palette_colour, self.undo, 1),
                self.effect,
            )
        )
        listen(
            self,
            (session.signals.image_changed, self._show_keys),
            (session.own_keys.changed, self._show_keys),
        )

    def _table(self) -> QTableWidget:
        table = QTableWidget(0, len(COLUMNS))
        table.setHorizontalHeaderLabels(COLUMNS)
        certain(table.horizontalHeaderItem(KEY)).setToolTip(KEY_TIP)
        certain(table.verticalHeader()).hide()
        table.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
        table.setSelectionBehavior(QTableWidget.SelectionBehavior.SelectRows)
        table.setSelectionMode(QTableWidget.SelectionMode.SingleSelection)
        table.setMinimumHeight(140)
        modes = certain(table.horizontalHeader())
        modes.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        modes.setSectionResizeMode(NAME, QHeaderView.ResizeMode.Stretch)
        table.itemChanged.connect(self._on_renamed)
        table.itemClicked.connect(self._on_clicked)
        table.itemSelectionChanged.connect(self._on_marked)
        return table

    # -- what is shown ----------------------------------------------------------------------------------------

    def refresh(self) -> None:
        """Show the session's classes; the mark stays on its class."""
        marked = self.marked
        self._quiet = True
        classes, project = self._session.classes, self._session.project
        self._names = classes.current if classes else ()
        counts = project.catalog.class_counts() if project else {}
        self.table.setRowCount(len(self._names))
        self.table.clearSelection()
        for position, name in enumerate(self._names):
            value = str(classes.mask_value(name)) if classes else ""
            for place, text in enumerate([value, "", name, "", str(counts.get(name, 0))]):
                item = QTableWidgetItem(text)
                if place != NAME:
                    item.setFlags(without(item.flags(), Qt.ItemFlag.ItemIsEditable))
                if place == COLOUR and classes is not None:
                    item.setIcon(swatch(classes, classes.mask_value(name)))
                    item.setToolTip(COLOUR_TIP)
                self.table.setItem(position, place, item)
            if name == marked:
                self.table.selectRow(position)
        self.setEnabled(project is not None and not project.read_only)
        self._show_keys()
        self._quiet = False
        self._on_marked()

    @property
    def marked(self) -> str:
        """The class whose row is marked, "" for none."""
        position = self.table.currentRow()
        return self._names[position] if self.table.selectedItems() and position < len(self._names) else ""

    def _show_keys(self, _image_id: str = "") -> None:
        """Show which key paints which class in the shown image."""
        classes = self._session.classes
        if classes is None:
            return
        table = key_table(self._session.own_keys.keys, preferences.digits_mean_classes())
        keys = class_keys(table, self._session.digits)
        for position, name in enumerate(self._names):
            certain(self.table.item(position, KEY)).setText(keys.get(classes.mask_value(name), ""))

    def _on_marked(self) -> None:
        """Offer what can be done with the marked class."""
        if self._quiet:
            return
        name, classes, before = self.marked, self._session.classes, self._offered
        chosen = self.becomes.currentData() if name == before else ""
        self._offered = name
        self.becomes.blockSignals(True)
        self.becomes.clear()
        self.becomes.addItem(CHOOSE, "")
        if name:
            for other in self._names:
                if other != name and classes is not None:
                    self.becomes.addItem(swatch(classes, classes.mask_value(other)), f"Merge into {other}", other)
            for text, into in DELETED:
                self.becomes.addItem(text, into)
        self.becomes.setCurrentIndex(max(0, self.becomes.findData(chosen)))
        self.becomes.blockSignals(False)
        self.becomes.setEnabled(len(self._names) > 1 and bool(name))
        coloured = classes is not None and bool(name) and classes.mask_value(name) in classes.colours
        self.palette_colour.setEnabled(coloured)
        undoable = self._session.class_list.undoable
        self.undo.setEnabled(bool(undoable))
        self.undo.setToolTip(as_text(f"Take back: {undoable}" if undoable else "No merge, deletion or colour is there"))
        self._say_effect()

    def _say_effect(self, _place: int = 0) -> None:
        """Say what the chosen change does, before it is done."""
        name, into = self.marked, self.becomes.currentData()
        try:
            text = self._session.class_list.effect(name, into).text if name and into else ""
        except WsssError as reason:
            text = str(reason)
        self.effect.setText(text)
        self.effect.setVisible(bool(text))
        self.do.setEnabled(bool(text))
        if text:
            self._bring.start()  # it is to be read before the button is clicked, and stands below it

    # -- what is done -----------------------------------------------------------------------------------------

    def _become(self) -> None:
        name, into = self.marked, self.becomes.currentData()
        if name and into:
            self._session.class_list.become(name, into)
            self.refresh()

    def _on_clicked(self, item: QTableWidgetItem) -> None:
        if item.column() == COLOUR:
            choose_colour(self._session, self._names[item.row()], self)

    def _give_palette_colour(self) -> None:
        if self.marked:
            self._session.class_list.colour(self.marked, "")

    def _on_renamed(self, item: QTableWidgetItem) -> None:
        if self._quiet or self._session.classes is None or item.column() != NAME:
            return
        before, after = self._names[item.row()], item.text().strip()
        if after != before:
            self._session.class_list.rename(before, after)
            self.refresh()

    def _add(self) -> None:
        name = self.name.text().strip()
        if name and self._session.class_list.add(name):
            self.name.clear()
        self.refresh()
