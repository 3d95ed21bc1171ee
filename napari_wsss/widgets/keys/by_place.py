"""Keys by their place: on a keyboard that types no Latin letters, the key where A is on a Latin one does what A does.

Our keys are Latin letters. Under a Cyrillic, Greek, Hebrew or Arabic layout Qt tells another letter, which nobody has a
use for on the canvas; what it also tells is the place of the key, as the number that the system gives it. A layout of
Latin letters (AZERTY, Dvorak) is followed by its letters, as everywhere in napari.
"""

import sys
from collections.abc import Mapping

from qtpy.QtCore import QEvent, QObject, Qt
from qtpy.QtGui import QKeyEvent
from qtpy.QtWidgets import QApplication, QLineEdit, QMainWindow, QWidget

from napari_wsss.widgets.controls.stubs import certain

EVDEV = (
    *((24, "QWERTYUIOP"), (38, "ASDFGHJKL"), (52, "ZXCVBNM"), (10, "1234567890")),
    *((34, "[]"), (47, ";'"), (59, ",./")),
)
"""Where rows of keys begin among the numbers that X11 and Wayland give places: those of the kernel and 8."""
PC = (
    *((16, "QWERTYUIOP"), (30, "ASDFGHJKL"), (44, "ZXCVBNM"), (2, "1234567890")),
    *((26, "[]"), (39, ";'"), (51, ",./")),
)
"""The same among the scan codes of Windows."""
MAC = dict(
    zip(
        (0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 12, 13, 14, 15, 16, 17, 31, 32, 34, 35, 37, 38, 40, 45, 46),
        "ASDFHGZXCVBQWERYTOUIPLJKNM",
        strict=True,
    )
)
"""The virtual key codes of macOS, which are places as well (it tells no scan codes)."""
TRANSLATED = (QEvent.Type.KeyPress, QEvent.Type.KeyRelease)
LATIN_ENDS = 0x0250
"""First character beyond the letters of Latin alphabets."""


def rows_by_number(rows: tuple[tuple[int, str], ...]) -> dict[int, str]:
    """Return number -> character for rows of neighbouring keys."""
    return {first + place: character for first, row in rows for place, character in enumerate(row)}


def places() -> tuple[Mapping[int, str], bool]:
    """Return which Latin character lies where on this system, and whether places are virtual key codes."""
    if sys.platform == "darwin":
        return MAC, True
    return rows_by_number(PC if sys.platform == "win32" else EVDEV), False


def latin_key(event: QKeyEvent) -> str:
    """Return the Latin character at the place of a key that types a letter or digit of another script, else ""."""
    text = event.text()
    code = event.key()
    foreign = text[0] if text and text[0].isprintable() else (chr(code) if code < 0x110000 else "")
    if not foreign or ord(foreign) < LATIN_ENDS or not foreign.isalnum():
        return ""
    known, virtual = places()
    return known.get(event.nativeVirtualKey() if virtual else event.nativeScanCode(), "")


class KeysByPlace(QObject):
    """Hands keys of other alphabets to a window's canvas as the Latin ones of their place.

    Fields in which people type are left alone.
    """

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._ended = False

    def watch(self, window: QMainWindow) -> None:
        """Watch the window and what is in its middle: napari takes keys from both."""
        centre = window.centralWidget()
        inside = [] if centre is None else [centre, *centre.findChildren(QWidget)]
        for widget in (window, *inside):
            if not isinstance(widget, QLineEdit):
                widget.installEventFilter(self)

    def end(self) -> None:
        """Leave all keys as they are."""
        self._ended = True  # Qt forgets the filters with this object; some of the widgets may be gone already

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:
        """Send a key press or release of another alphabet on as the Latin key of its place."""
        if self._ended or not isinstance(event, QKeyEvent) or event.type() not in TRANSLATED:
            return False
        latin = latin_key(event)
        if not latin:
            return False
        shifted = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
        text = latin if shifted else latin.lower()
        sent = QKeyEvent(event.type(), ord(latin), event.modifiers(), text, event.isAutoRepeat(), event.count())
        QApplication.sendEvent(certain(watched), sent)
        event.setAccepted(sent.isAccepted())
        return True
