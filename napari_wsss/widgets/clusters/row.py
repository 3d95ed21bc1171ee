"""One cluster of the gallery: its name (typed in place), what became of its images, its nearest images, its actions."""

from collections.abc import Callable

from qtpy.QtCore import Qt, Signal
from qtpy.QtGui import QFocusEvent, QKeyEvent
from qtpy.QtWidgets import QCheckBox, QLineEdit, QToolButton, QWidget

from napari_wsss.session.gallery.gallery import GalleryRow
from napari_wsss.session.session import Session
from napari_wsss.widgets.clusters.accept import AcceptBox
from napari_wsss.widgets.clusters.selection import ClusterSelection, cluster_colour
from napari_wsss.widgets.clusters.strip import ImageStrip
from napari_wsss.widgets.controls.basic import column, line, row, text_label, tool_button
from napari_wsss.widgets.controls.charts import percent
from napari_wsss.widgets.controls.plain_text import as_text
from napari_wsss.widgets.controls.stubs import certain

MORE = 48
"""Images shown after *all*."""


class ClusterRow(QWidget):
    """A cluster.

    Attributes
    ----------
    renamed : Signal(str)
        The person typed another name.
    acted : Signal(str)
        A button was clicked: ``review``, ``parameters``, ``split``.
    picked : Signal()
        The box for merging was ticked or cleared.
    """

    renamed = Signal(str)
    acted = Signal(str)
    picked = Signal()

    def __init__(
        self, session: Session, selection: ClusterSelection, shown: GalleryRow, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.shown = shown
        self._all = False
        self.pick = QCheckBox()
        self.pick.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.pick.setToolTip("Pick two or more clusters to merge them")
        self.pick.toggled.connect(lambda _on: self.picked.emit())
        self.name = NameEdit()
        self.name.named.connect(self.renamed.emit)
        self.facts = text_label(quiet=True)
        self.strip = ImageStrip(session, selection)
        self.accept = AcceptBox(session)
        self.accept.hide()
        self.accept_shown = self._toggle("Accept …", self._show_accept)
        self.all_shown = self._toggle("all", self._show_all)
        buttons = row(
            tool_button("Review", lambda: self.acted.emit("review"), "Show only these images in the queue"),
            tool_button(
                "Parameters", lambda: self.acted.emit("parameters"), "Refine them with parameters of their own"
            ),
            tool_button(
                "Split", lambda: self.acted.emit("split"), "Make a new cluster of the half that is farther off"
            ),
            self.accept_shown,
            1,
        )
        header = row(self.pick, self.name, self.all_shown)
        header.setStretch(1, 1)
        self.setLayout(column(line(), header, self.facts, self.strip, buttons, self.accept))
        self.show_row(shown)

    @staticmethod
    def _toggle(text: str, on_change: Callable[[bool], None]) -> QToolButton:
        made = QToolButton()
        made.setText(text)
        made.setCheckable(True)
        made.setAutoRaise(True)
        made.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        made.toggled.connect(on_change)
        return made

    def show_row(self, shown: GalleryRow) -> None:
        """Show the cluster as it is now."""
        self.shown = shown
        self.name.show_name(shown.name, cluster_colour(shown.place).name())
        self.facts.setText(_facts(shown))
        self.facts.setToolTip(as_text(f"{shown.full_name}: {shown.facts.by_hand} accepted one by one"))
        few = len(shown.nearest)
        self.all_shown.setText("show fewer" if self._all else f"show {min(MORE, len(shown.members))}")
        self.all_shown.setVisible(len(shown.members) > few)
        self.strip.show_images(shown.class_name, shown.members[:MORE] if self._all else shown.nearest)
        if self.accept.isVisibleTo(self):
            self.accept.show_row(shown)

    def _show_accept(self, wanted: bool) -> None:
        self.accept.setVisible(wanted)
        if wanted:
            self.accept.begin(self.shown)

    def _show_all(self, wanted: bool) -> None:
        self._all = wanted
        self.show_row(self.shown)


class NameEdit(QLineEdit):
    """A name that looks like text until it is clicked; Enter keeps what is typed, Esc or leaving it does not.

    Attributes
    ----------
    named : Signal(str)
        Another name was typed.
    """

    named = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._name = ""
        self.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
        self.setFrame(False)
        self.setMinimumWidth(60)
        self.setToolTip("Click to rename; Enter keeps the name")
        self.returnPressed.connect(self._keep)

    def show_name(self, name: str, colour: str) -> None:
        """Show the name of a cluster, in bold beside a bar of its colour."""
        self._name = name
        self.setStyleSheet(f"QLineEdit {{ border-left: 5px solid {colour}; padding-left: 4px; font-weight: bold; }}")
        if not self.hasFocus():
            self.setText(name)

    def _keep(self) -> None:
        name = self.text().strip()
        self.clearFocus()
        self.setText(self._name)  # until it is renamed
        if name and name != self._name:
            self.named.emit(name)

    def focusInEvent(self, event: QFocusEvent | None) -> None:
        """Select the name, ready to be replaced."""
        super().focusInEvent(event)
        self.selectAll()

    def focusOutEvent(self, event: QFocusEvent | None) -> None:
        """Show the name there is."""
        super().focusOutEvent(event)
        self.setText(self._name)

    def keyPressEvent(self, event: QKeyEvent | None) -> None:
        """Give up on Esc; hand everything else on."""
        if certain(event).key() == Qt.Key.Key_Escape:
            self.clearFocus()
            self.setText(self._name)
            return
        super().keyPressEvent(event)


def _facts(shown: GalleryRow) -> str:
    """Return ``30 images · 70 % accepted · edited 12 %``."""
    size, facts = len(shown.members), shown.facts
    parts = [f"{size} image{'' if size == 1 else 's'}"]
    if size:
        parts.append(f"{percent(facts.accepted / size)} accepted")
    if facts.edited is not None:
        parts.append(f"edited {percent(facts.edited)}")
    return " · ".join(parts)
