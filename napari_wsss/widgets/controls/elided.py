"""A line of text that never asks for more room than there is: shortened where it is long, whole in its tooltip."""

from qtpy.QtCore import QSize, Qt
from qtpy.QtGui import QResizeEvent
from qtpy.QtWidgets import QSizePolicy, QWidget

from napari_wsss.widgets.controls.colours import ThemedLabel
from napari_wsss.widgets.controls.plain_text import as_text

BESIDE = 6  # pixels left and right of the text together: some letters reach over their place
ROUNDED = 2  # by which a text may be wider than the whole pixels it is said to have
RIGHT, MIDDLE = Qt.TextElideMode.ElideRight, Qt.TextElideMode.ElideMiddle


class ElidedLabel(ThemedLabel):
    """One line in a fixed height, whatever it says.

    Parameters
    ----------
    quiet : bool
        Written as a side remark.
    tip : str
        Shown below the whole text when the mouse rests on it.
    mode : Qt.TextElideMode
        Where it is shortened.
    """

    def __init__(
        self, *, quiet: bool = False, tip: str = "", mode: Qt.TextElideMode = RIGHT, parent: QWidget | None = None
    ) -> None:
        self._whole, self._tip, self._mode = "", tip, mode
        super().__init__("", parent)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        if quiet:
            self.tint("")

    def text(self) -> str:
        """Return the whole text, also where it is shown shortened."""
        return self._whole

    def setText(self, text: str | None) -> None:
        """Show a text; its line breaks become dots between."""
        self._whole = text or ""
        self._shorten()
        self.updateGeometry()  # where a layout gives it just the room of its text

    def explain(self, tip: str) -> None:
        """Set what the tooltip says below the whole text."""
        self._tip = tip
        self._shorten()

    def sizeHint(self) -> QSize:
        """Return the room of the whole line."""
        return QSize(self.fontMetrics().horizontalAdvance(self._line()) + BESIDE, self.fontMetrics().height() + 2)

    def minimumSizeHint(self) -> QSize:
        """Return the room of one line without text."""
        return QSize(0, self.fontMetrics().height() + 2)

    def resizeEvent(self, event: QResizeEvent | None) -> None:
        """Shorten the line to another width."""
        super().resizeEvent(event)
        self._shorten()

    def _line(self) -> str:
        return " · ".join(self._whole.splitlines())

    def _shorten(self) -> None:
        room = max(0, self.width() - BESIDE + ROUNDED)
        shown = self.fontMetrics().elidedText(self._line(), self._mode, room)
        if shown != super().text():
            super().setText(shown)
        self.setToolTip(as_text("\n".join(part for part in (self._whole, self._tip) if part)))
