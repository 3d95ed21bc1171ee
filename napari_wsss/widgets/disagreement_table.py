"""Where accepted masks and the model's, or another person's, differ: class by class, the largest difference first.

What a person can do with it: choose whose masks are the second ones, measure, unfold a class, double-click an image to
see it.
"""

from pathlib import Path

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import QFileDialog, QHeaderView, QTreeWidget, QTreeWidgetItem, QWidget

from napari_wsss.session.models.disagreement import Difference
from napari_wsss.session.models.second_masks import Second
from napari_wsss.session.session import Session
from napari_wsss.widgets.controls.basic import button, choose, column, combo, heading, row, text_label
from napari_wsss.widgets.controls.listening import listen
from napari_wsss.widgets.controls.plain_text import as_text
from napari_wsss.widgets.controls.stubs import certain

IMAGE = Qt.ItemDataRole.UserRole
MOST_ROWS = 200
HEIGHT = 160  # pixels
TIP = "Accepted masks against those of the choice beside (1 - IoU of the class); Order on Review can follow it"
MODEL, BEFORE, PROJECT = "model", "before", "project"
SECONDS = ((MODEL, "the model in use"), (BEFORE, "the model before"), (PROJECT, "another person …"))
SECOND_TIP = "Another person's masks are in a project of theirs with the same images; it is only read"


class DisagreementTable(QWidget):
    """Classes with their images.

    Attributes
    ----------
    wanted : Signal(str)
        An image should be shown.
    """

    wanted = Signal(str)

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self.second = combo(SECONDS, self._choose)
        self.second.setToolTip(SECOND_TIP)
        self.measure = button("Compare", lambda: session.disagreement.measure(), TIP)
        self.text = text_label(quiet=True)
        self.tree = QTreeWidget()
        self.tree.setHeaderLabels(["Class, image", "differs", "missed", "added"])
        self.tree.setTextElideMode(Qt.TextElideMode.ElideMiddle)  # names of images are told apart by their ends
        self.tree.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.tree.setMinimumHeight(HEIGHT)
        header = certain(self.tree.header())
        header.setStretchLastSection(False)
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        for place in (1, 2, 3):
            header.setSectionResizeMode(place, QHeaderView.ResizeMode.ResizeToContents)
        self.tree.itemDoubleClicked.connect(self._open)
        choice = row(text_label("with", wrap=False), self.second, self.measure)
        choice.setStretch(1, 1)
        self.setLayout(column(heading("Accepted masks compared"), choice, self.text, self.tree))
        listen(self, (session.disagreement.changed, self.refresh))
        self.refresh()

    def _choose(self, kind: str) -> None:
        """Compare with another second; another person's project is asked for."""
        second = Second(before=kind == BEFORE)
        if kind == PROJECT:
            chosen = QFileDialog.getExistingDirectory(self, "Project folder of another person")
            second = Second(Path(chosen)) if chosen else self._session.disagreement.second
        self._session.disagreement.measure(second)
        self.refresh()

    def refresh(self) -> None:
        """Show what was found last."""
        found = self._session.disagreement
        second = found.second
        choose(self.second, PROJECT if second.project is not None else BEFORE if second.before else MODEL)
        self.tree.clear()
        for name, rows in found.by_class().items():
            mean = sum(one.share for one in rows) / len(rows)
            top = QTreeWidgetItem([f"{name} ({len(rows)})", f"{mean:.0%}", "", ""])
            self.tree.addTopLevelItem(top)
            for one in rows[:MOST_ROWS]:
                top.addChild(_row(one, second.name))
        self.tree.setVisible(bool(found.found))
        self.measure.setEnabled(self._session.project is not None)
        self.text.setText(_words(found.measured, len(found.found), found.without, second.name))

    def _open(self, item: QTreeWidgetItem, _column: int) -> None:
        if image_id := item.data(0, IMAGE):
            self.wanted.emit(str(image_id))


def _row(one: Difference, second: str) -> QTreeWidgetItem:
    made = QTreeWidgetItem([one.image_id, f"{one.share:.0%}", f"{one.missed:.1%}", f"{one.added:.1%}"])
    made.setData(0, IMAGE, one.image_id)
    tip = f"{one.image_id}: {one.missed:.1%} only in your mask, {one.added:.1%} only in that of {second}"
    made.setToolTip(0, as_text(tip))
    return made


def _words(measured: bool, count: int, without: int, second: str) -> str:
    if not measured:
        return "Not compared yet."
    rest = f" {without} accepted images have no mask of {second}." if without else ""
    return (f"{count} differences from {second}, the largest first." if count else "Nothing differs.") + rest
