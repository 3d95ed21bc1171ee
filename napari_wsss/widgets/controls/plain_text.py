"""Text that is not ours (names, notes, paths, errors) shown as text, where Qt would take it for markup or for keys.

Qt guesses: a tooltip, or napari's notification, that begins like HTML is laid out as HTML; an ``&`` in a button's text
underlines the next letter and makes it a key.
"""

import re

from qtpy.QtCore import QSize, Qt
from qtpy.QtGui import QKeySequence, QPaintEvent
from qtpy.QtWidgets import QPushButton, QStyle, QStyleOptionButton, QStylePainter

MARKUP = re.compile(r"<(?=\s*[\w/!?])|&(?=#|\w+;)")
"""The first character of a tag, a comment or an entity."""
JOINER = "\u2060"
"""Is not seen and has no width; behind it nothing is markup any more."""
LEAST_WIDTH = 48
BORDER = 2  # pixels that napari's greyed buttons have and others have not; layouts do not ask again for them
WIDEST = 260
"""Pixels: a longer text is shortened in the middle, so that no name widens the panel."""


def as_text(text: str) -> str:
    """Return a text that is shown as it stands where Qt guesses what it is."""
    return MARKUP.sub(lambda found: f"{found[0]}{JOINER}", text)


def without_keys(text: str) -> str:
    """Return a text for menus and small buttons in which no ``&`` makes a key."""
    return text.replace("&", "&&")


class PlainButton(QPushButton):
    """A push button that shows its text as it stands, shortened where it is long."""

    def __init__(self, text: str = "") -> None:
        super().__init__()
        self.setText(text)

    def setText(self, text: str | None) -> None:
        """Show a text; an ``&`` in it makes no key."""
        super().setText(text)
        self.setShortcut(QKeySequence())

    def sizeHint(self) -> QSize:
        """Return the room of the whole text, up to a width that every panel has."""
        return self._whole().boundedTo(QSize(WIDEST, 10_000))

    def minimumSizeHint(self) -> QSize:
        """Return the room of a short text."""
        wanted = self._whole()
        return wanted if wanted.width() <= WIDEST else QSize(LEAST_WIDTH, wanted.height())

    def _whole(self) -> QSize:
        keys = self.text().count("&")  # for which Qt plans no room
        return super().sizeHint() + QSize(keys * self.fontMetrics().horizontalAdvance("&"), 0)

    def paintEvent(self, event: QPaintEvent | None) -> None:
        """Draw the button with as much of its text as there is room for."""
        option = QStyleOptionButton()
        self.initStyleOption(option)
        style = self.style()
        assert style is not None
        room = style.subElementRect(QStyle.SubElement.SE_PushButtonContents, option, self).width() + BORDER
        shown = self.fontMetrics().elidedText(self.text(), Qt.TextElideMode.ElideMiddle, room)
        option.text = without_keys(shown)
        QStylePainter(self).drawControl(QStyle.ControlElement.CE_PushButton, option)
