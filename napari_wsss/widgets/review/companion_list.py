"""The images the shown one is compared with, as a small list: see them, replace one, or let the rule choose."""

from pathlib import Path

from qtpy.QtCore import QPoint, QSize, Qt
from qtpy.QtGui import QIcon, QImage, QImageReader, QPixmap
from qtpy.QtWidgets import QAbstractItemView, QListWidget, QListWidgetItem, QWidget

from napari_wsss.pipeline.companions import Companions
from napari_wsss.session.session import Session
from napari_wsss.widgets.controls.basic import button, column, heading, row, text_label
from napari_wsss.widgets.controls.stubs import connect
from napari_wsss.widgets.controls.type_ahead import TypeAhead

IMAGE = Qt.ItemDataRole.UserRole
SIDE = 48  # of a thumbnail, in the screen's units
SHARP = 2  # pixels per unit, for sharp screens
LONGEST_LIST = 140


class CompanionList(QWidget):
    """Companions of the shown image; hidden while the applied model compares nothing."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self.list = QListWidget()
        self.list.setIconSize(QSize(SIDE, SIDE))
        self.list.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.list.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.list.setMaximumHeight(LONGEST_LIST)
        self.list.itemSelectionChanged.connect(self._enable)
        connect(self.list.itemDoubleClicked, lambda item: session.navigation.go_to(item.data(IMAGE)))
        self.list.setToolTip("The maps of this image are made by comparing it with these; a double click goes there")
        self.remark = text_label(quiet=True)
        self.replace = button("Replace …", self._replace, "Choose another image that shares a class")
        self.add = button("Add …", self._add, "Compare it with one more image that shares a class")
        self.remove = button("Remove", self._remove, "Do not compare it with the chosen one")
        self.reset = button("By rule", session.companions.reset, "Forget what was chosen here by hand")
        buttons = row(self.replace, self.add, self.remove, self.reset)
        self.setLayout(column(heading("Compared with"), self.list, self.remark, buttons))
        self.choice = CompanionChoice(session, self)
        self.refresh()

    def refresh(self) -> None:
        """Show the companions of the image that is on the table now."""
        session = self._session
        shown = bool(session.shown_id) and session.companions.wanted
        self.setVisible(shown)
        self.list.clear()
        if not shown:
            return
        found = session.companions.chosen
        for image_id in found.chosen:
            names = ", ".join(sorted(found.labels[image_id])) or "no common class"
            item = QListWidgetItem(self._thumbnail(image_id), f"{image_id}\n{names}")
            item.setData(IMAGE, image_id)
            self.list.addItem(item)
        self.remark.setText(_remark(found))
        self.reset.setEnabled(found.by_person)
        self._enable()

    def chosen(self) -> str:
        """Return the id of the marked companion, "" for none."""
        items = self.list.selectedItems()
        return str(items[0].data(IMAGE)) if items else ""

    def _enable(self) -> None:
        for control in (self.replace, self.remove):
            control.setEnabled(bool(self.chosen()))

    def _replace(self) -> None:
        self._take_another(self.chosen())

    def _add(self) -> None:
        self._take_another("")

    def _remove(self) -> None:
        if self.chosen():
            self._session.companions.replace(self.chosen(), "")

    def _take_another(self, old: str) -> None:
        others = self._session.companions.candidates()
        if not others:
            self._session.signals.notice.emit("No other image shares a class with this one.")
            return
        self.choice.replaced = old
        self.choice.open_at(self.list.mapToGlobal(QPoint(0, self.list.height())))

    def _thumbnail(self, image_id: str) -> QIcon:
        project = self._session.project
        if project is None:
            return QIcon()
        return QIcon(QPixmap.fromImage(_small(project.image_path(image_id))))


class CompanionChoice(TypeAhead):
    """The images that share a class with the shown one, to take one instead of `replaced`, or besides ("")."""

    asks = "image …"
    hint = "Enter takes the marked image, Esc closes"
    replaced = ""

    def names(self) -> list[str]:
        """Return the images that may be taken, best first."""
        return list(self._session.companions.candidates())

    def icon_of(self, name: str) -> QIcon:
        """Return no picture: reading hundreds of photographs takes too long."""
        return QIcon()

    def take(self, name: str) -> None:
        """Compare with this image from now on."""
        self.close()
        self._session.companions.replace(self.replaced, name)


def _remark(found: Companions) -> str:
    """Return who chose, and what could not be taken."""
    missing = "".join(f"; left out {image_id}: {reason}" for image_id, reason in found.skipped.items())
    if found.by_person:
        return f"chosen by hand{missing}"
    return f"chosen by rule{missing}" if found.chosen or missing else "no other image shares a class"


def _small(path: Path) -> QImage:
    """Return a picture of at most 96 pixels; JPEGs are decoded no larger than that. Empty for what Qt cannot read."""
    reader = QImageReader(str(path))
    reader.setAutoTransform(True)
    size = reader.size()
    if size.isValid():
        reader.setScaledSize(size.scaled(SHARP * SIDE, SHARP * SIDE, Qt.AspectRatioMode.KeepAspectRatio))
    return reader.read()
