"""Colours that can be read on any ground: napari's dark and light theme, and whatever a person makes of them.

Our own colours mean something (a state, a curve), so their hue stays and only their lightness follows the ground.
"""

from qtpy.QtCore import QEvent, Qt
from qtpy.QtGui import QColor, QGuiApplication, QPixmap, QShowEvent
from qtpy.QtWidgets import QLabel, QWidget

from napari_wsss.widgets.controls.stubs import certain

MARK_CONTRAST, TEXT_CONTRAST = 3.0, 4.5
"""What WCAG 2.1 asks of marks and of text of usual size."""
PALETTE = ("#ff9f43", "#54a0ff", "#1dd1a1", "#ff6b81", "#c56cf0", "#feca57")
"""Colours of things told apart by nothing else: curves, clusters."""
ACCENT, FILL = PALETTE[1:3]
WRONG = PALETTE[3]
"""What keeps a person from going on."""
STEPS = 24
QUIET_SHARE = 0.6
"""Share of the text's colour in that of a side remark; the rest is ground."""


def luminance(colour: QColor) -> float:
    """Return the relative luminance of a colour in [0, 1] (WCAG 2.1)."""
    shares = (colour.redF(), colour.greenF(), colour.blueF())
    parts = [(p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4) for p in shares]
    return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]


def contrast(first: QColor, second: QColor) -> float:
    """Return the contrast ratio of two opaque colours, from 1 to 21 (WCAG 2.1)."""
    low, high = sorted((luminance(first), luminance(second)))
    return (high + 0.05) / (low + 0.05)


def mixed(first: QColor, second: QColor, share: float) -> QColor:
    """Return the colour between two, `share` in [0, 1] of the first."""
    pairs = ((first.red(), second.red()), (first.green(), second.green()), (first.blue(), second.blue()))
    return QColor(*(round(share * one + (1 - share) * other) for one, other in pairs))


def legible(colour: QColor | str, ground: QColor, least: float = MARK_CONTRAST) -> QColor:
    """Return a colour, made lighter or darker only as far as it takes to be seen on a ground.

    Parameters
    ----------
    colour : QColor or str
    ground : QColor
    least : float
        Contrast ratio to reach.
    """
    wanted = QColor(colour)
    end = max((QColor("white"), QColor("black")), key=lambda far: contrast(far, ground))
    for step in range(STEPS + 1):
        found = mixed(end, wanted, step / STEPS)
        if contrast(found, ground) >= least:
            return found
    return end


def quiet(text: QColor, ground: QColor) -> QColor:
    """Return the colour of side remarks: fainter than the text, legible all the same."""
    return legible(mixed(text, ground, QUIET_SHARE), ground, TEXT_CONTRAST)


class ThemedLabel(QLabel):
    """A label that shows text as it stands; its colour may mean something, or be that of a side remark.

    It follows a change of the theme at once.
    """

    def __init__(self, text: str = "", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setText(text)
        self._colour: str | None = None
        self._bold = False
        self._sheet = ""
        self._is_following = False

    def setText(self, text: str | None) -> None:
        """Show a text as it stands, whatever is in it."""
        self.setTextFormat(Qt.TextFormat.PlainText)
        super().setText(text)

    def show_markup(self, markup: str) -> None:
        """Show HTML that we wrote; what is not ours in it has been escaped."""
        self.setTextFormat(Qt.TextFormat.RichText)
        super().setText(markup)

    def tint(self, colour: str, bold: bool = False) -> None:
        """Write in a colour (``#rrggbb``), or with "" as a side remark."""
        self._colour, self._bold = colour, bold
        self._follow()

    def changeEvent(self, event: QEvent | None) -> None:
        """Follow theme and parent."""
        super().changeEvent(event)
        if certain(event).type() in (QEvent.Type.StyleChange, QEvent.Type.PaletteChange, QEvent.Type.ParentChange):
            self._follow()

    def showEvent(self, event: QShowEvent | None) -> None:
        """Follow what happened to the theme while it was hidden."""
        super().showEvent(event)
        self._follow()

    def _follow(self) -> None:
        if self._colour is None:
            return
        around = (self.parentWidget() or self).palette()
        ground, text = around.window().color(), around.windowText().color()
        colour = legible(self._colour, ground, TEXT_CONTRAST) if self._colour else quiet(text, ground)
        weight = " font-weight: bold;" if self._bold else ""
        sheet = f"QLabel {{ color: {colour.name()};{weight} }}"
        if sheet != self._sheet and not self._is_following:  # setting one brings the next event
            self._sheet, self._is_following = sheet, True
            self.setStyleSheet(sheet)
            self._is_following = False


def clear_pixmap(width: int, height: int) -> QPixmap:
    """Return an empty, clear pixmap of a size in the screen's units, with as many pixels as the sharpest screen has."""
    application = QGuiApplication.instance()
    ratio = application.devicePixelRatio() if isinstance(application, QGuiApplication) else 1.0
    made = QPixmap(round(width * ratio), round(height * ratio))
    made.setDevicePixelRatio(ratio)
    made.fill(Qt.GlobalColor.transparent)
    return made
