"""Where a person and the model differ, class by class, the largest difference first.

What a person can do with it: measure, unfold a class, double-click an image to see it.
"""

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import QHeaderView, QTreeWidget, QTreeWidgetItem, QWidget

from napari_wsss.session.models.disagreement import Difference
from napari_wsss.session.session import Session
from napari_wsss.widgets.controls.basic import button, column, heading, row, text_label
from napari_wsss.widgets.controls.listening import listen
from napari_wsss.widgets.controls.stubs import certain

IMAGE = Qt.ItemDataRole.UserRole
MOST_ROWS = 200
HEIGHT = 160  # pixels
TIP = "Accepted masks against what the model in use proposes of them (1 - IoU of the class)"


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
        self.measure = button("Compare", session.disagreement.measure, TIP)
        self.text = text_label(quiet=True)
        self.tree = QTreeWidget()
        self.tree.setHeaderLabels(["Class, image", "differs", "missed", "added"])
        self.tree.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.tree.setMinimumHeight(HEIGHT)
        header = certain(self.tree.header())
        header.setStretchLastSection(False)
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        for place in (1, 2, 3):
            header.setSectionResizeMode(place, QHeaderView.ResizeMode.ResizeToContents)
        self.tree.itemDoubleClicked.connect(self._open)
        self.setLayout(column(row(heading("You and the model differ"), 1, self.measure), self.text, self.tree))
        listen(self, (session.disagreement.changed, self.refresh))
        self.refresh()

    def refresh(self) -> None:
        """Show what was found last."""
        found = self._session.disagreement
        self.tree.clear()
        for name, rows in found.by_class().items():
            mean = sum(one.share for one in rows) / len(rows)
            top = QTreeWidgetItem([f"{name} ({len(rows)})", f"{mean:.0%}", "", ""])
            self.tree.addTopLevelItem(top)
            for one in rows[:MOST_ROWS]:
                top.addChild(_row(one))
        self.tree.setVisible(bool(found.found))
        self.measure.setEnabled(self._session.project is not None)
        self.text.setText(_words(found.measured, len(found.found), found.without))

    def _open(self, item: QTreeWidgetItem, _column: int) -> None:
        if image_id := item.data(0, IMAGE):
            self.wanted.emit(str(image_id))


def _row(one: Difference) -> QTreeWidgetItem:
    made = QTreeWidgetItem([one.image_id, f"{one.share:.0%}", f"{one.missed:.1%}", f"{one.added:.1%}"])
    made.setData(0, IMAGE, one.image_id)
    made.setToolTip(0, f"{one.image_id}: {one.missed:.1%} only you painted, {one.added:.1%} only the model proposes")
    return made


def _words(measured: bool, count: int, without: int) -> str:
    if not measured:
        return "Not compared yet."
    rest = f" {without} accepted images have no proposal of this model." if without else ""
    return (f"{count} differences, the largest first." if count else "Nothing differs.") + rest
