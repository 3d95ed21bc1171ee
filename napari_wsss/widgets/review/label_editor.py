"""Image-level labels as chips, and a popup with type-ahead to add and remove them.

What a person can do with it: click a chip to remove its label, press + or N, type a few letters, Enter to add or
remove the marked class, Escape to close; say of an image without labels that nothing is there; take the last edit back,
pixels included.
"""

from qtpy.QtCore import QPoint
from qtpy.QtGui import QCursor
from qtpy.QtWidgets import QWidget
from superqt import QFlowLayout

from napari_wsss.pipeline.lineage import has_model
from napari_wsss.session.session import Session
from napari_wsss.session.table.table import Table
from napari_wsss.widgets.controls.basic import button, clear_layout, text_label, tool_button
from napari_wsss.widgets.controls.class_entries import hex_colour
from napari_wsss.widgets.controls.stubs import certain
from napari_wsss.widgets.controls.type_ahead import TypeAhead

MANY = 3
HALF = 134
"""Labels from which on none takes more than half of a line, in pixels: the classes below stay in sight."""


class LabelChips(QWidget):
    """The shown image's labels, each with its colour; a click removes, ``+`` opens the editor.

    Parameters
    ----------
    session : Session
    add_tip : str
        What the mouse is told at ``+``.
    """

    def __init__(self, session: Session, add_tip: str = "Add or remove labels", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session, self._add_tip = session, add_tip
        layout = QFlowLayout()
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        self.setLayout(layout)
        self.popup = LabelPopup(session, self)
        self.refresh()

    def refresh(self) -> None:
        """Show the labels of the session's image."""
        layout = certain(self.layout())
        clear_layout(layout)
        table = self._session.shown_table
        if table is None:
            return
        for name in table.classes.names:
            if name in table.record.labels:
                layout.addWidget(self._chip(name, hex_colour(table.classes, name), len(table.record.labels) >= MANY))
            elif name in table.record.unknown:
                layout.addWidget(self._unknown_chip(name))
        if table.record.negative:
            tip = "Labelled: none of the classes is there. A click makes the image not labelled again"
            layout.addWidget(button("nothing here  ×", self._session.labels.say_not_labelled, tip))
        elif not table.record.tells:
            layout.addWidget(text_label(unlabelled_text(table), wrap=False, quiet=True))
        layout.addWidget(tool_button("+", self.open_popup, self._add_tip))
        if not table.record.labelled:
            tip = "None of the classes is there: the image trains as such, and its mask is background"
            layout.addWidget(button("nothing here", self._session.labels.say_nothing_there, tip))
        if self._session.labels.can_be_undone:
            undo = tool_button("↶", self._session.labels.undo, "Take the last label back, with its pixels in the mask")
            layout.addWidget(undo)

    def _chip(self, name: str, colour: str, is_one_of_many: bool) -> QWidget:
        chip = button(
            f"{name}  ×", lambda: self._session.labels.remove(name), f"Remove the label '{name}', also from the mask"
        )
        if is_one_of_many:
            chip.setMaximumWidth(HALF)
        chip.setStyleSheet(f"QPushButton {{ border: 2px solid {colour}; border-radius: 9px; padding: 1px 7px; }}")
        return chip

    def _unknown_chip(self, name: str) -> QWidget:
        tip = f"It is not known whether '{name}' is here: no classifier learns it from this image. A click: it is not"
        return button(f"{name} ?  ×", lambda: self._session.labels.remove(name), tip)

    def open_popup(self) -> None:
        """Open the label editor below the chips, or at the mouse while their page is hidden."""
        if self._session.shown_id:
            below = self.mapToGlobal(QPoint(0, self.height()))
            self.popup.open_at(below if self.isVisible() else QCursor.pos())


def unlabelled_text(table: Table) -> str:
    """Return what an image that is not labelled yet gets from the applied model."""
    if not has_model(table.plan):
        return "not labelled yet"
    return "not labelled yet: label it for a proposal" if table.shown.awaits_labels else "not labelled yet: any class"


class LabelPopup(TypeAhead):
    """All classes with a tick for those the image is labelled with; taking one switches its label."""

    hint = "Enter switches the marked class, Esc closes"

    def title_of(self, name: str) -> str:
        """Return the name behind its tick."""
        table = self._session.shown_table
        return ("☑ " if table is not None and name in table.record.labels else "☐ ") + name

    def take(self, name: str) -> None:
        """Add the label where it is missing, else remove it; the popup stays for the next one."""
        table = self._session.shown_table
        if table is None:
            return
        verb = self._session.labels.remove if name in table.record.labels else self._session.labels.add
        verb(name)
        self.text.clear()
        self._fill()
