"""Buttons, labels and combos that leave the keyboard to the canvas: none of them takes the focus when clicked."""

from collections.abc import Callable, Sequence
from html import escape

from qtpy.QtCore import QEvent, QObject, QRectF, Qt, QTimer
from qtpy.QtGui import QPainter, QResizeEvent, QTextOption
from qtpy.QtWidgets import (
    QAbstractSlider,
    QAbstractSpinBox,
    QComboBox,
    QCompleter,
    QFrame,
    QHBoxLayout,
    QLabel,
    QLayout,
    QLineEdit,
    QPushButton,
    QScrollArea,
    QSizePolicy,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from napari_wsss.widgets.controls.colours import ThemedLabel
from napari_wsss.widgets.controls.folding import Folded
from napari_wsss.widgets.controls.plain_text import PlainButton, as_text
from napari_wsss.widgets.controls.stubs import certain, connect

LAID_OUT_MS = 60
"""Until a form has its new height, after which its page can be scrolled."""
PAGE_WIDTH = 300  # pixels; the least that is comfortable
WIDEST_PAGE = 380
SCROLL_BAR = 14


def button(text: str, on_click: Callable[[], object], tip: str = "") -> QPushButton:
    """Return a push button that never takes the keyboard focus."""
    made = PlainButton(text)
    made.setFocusPolicy(Qt.FocusPolicy.NoFocus)
    made.setToolTip(as_text(tip))
    connect(made.clicked, lambda _checked=False: on_click())
    return made


def explain(made: QPushButton, tip: str, instead: str) -> None:
    """Say at a button what it does, and at a greyed one what is next instead."""
    made.setToolTip(as_text(tip if made.isEnabled() else f"Not now. {instead}"))


def tool_button(text: str, on_click: Callable[[], object], tip: str = "") -> QToolButton:
    """Return a small flat button that never takes the keyboard focus."""
    made = QToolButton()
    made.setText(text)
    made.setToolTip(as_text(tip))
    made.setAutoRaise(True)
    made.setFocusPolicy(Qt.FocusPolicy.NoFocus)
    connect(made.clicked, lambda _checked=False: on_click())
    return made


def combo(entries: Sequence[tuple[str, str]], on_choice: Callable[[str], object] | None = None) -> QComboBox:
    """Return a combo box over ``(value, title)`` entries; `on_choice` gets the value a person chose."""
    made = QComboBox()
    for value, title in entries:
        made.addItem(title, value)
    made.setFocusPolicy(Qt.FocusPolicy.NoFocus)
    narrow(made)
    WheelGuard.protect(made)
    if on_choice is not None:
        connect(made.activated, lambda row: on_choice(made.itemData(int(row))))
    return made


def colour_popup(completer: QCompleter, line: QLineEdit) -> None:
    """Give a popup the colours of its line: it is a window of its own, which napari's style does not reach."""
    ground, text = line.palette().base().color().name(), line.palette().text().color().name()
    certain(completer.popup()).setStyleSheet(f"QListView {{ background: {ground}; color: {text}; }}")


def narrow(box: QComboBox) -> None:
    """Let a combo box be narrower than its longest entry, so that it does not widen the dock."""
    box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
    box.setMinimumContentsLength(8)


def choose(box: QComboBox, value: str) -> None:
    """Show the entry that holds `value` without reporting it as a person's choice."""
    row = box.findData(value)
    if row >= 0:
        box.setCurrentIndex(row)


def text_label(text: str = "", *, wrap: bool = True, quiet: bool = False, tip: str = "") -> ThemedLabel:
    """Return a label whose text can be selected; `quiet` ones are dimmed side remarks."""
    made = ThemedLabel(text)
    made.setWordWrap(wrap)
    made.setToolTip(as_text(tip))
    made.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
    made.setFocusPolicy(Qt.FocusPolicy.NoFocus)
    across = QSizePolicy.Policy.Ignored if wrap else QSizePolicy.Policy.Maximum
    policy = QSizePolicy(across, QSizePolicy.Policy.Minimum)
    policy.setHeightForWidth(wrap)
    made.setSizePolicy(policy)
    if quiet:
        made.tint("")
    return made


def heading(text: str) -> QLabel:
    """Return a section heading."""
    made = ThemedLabel()
    made.show_markup(f"<b>{escape(text)}</b>")
    made.setContentsMargins(0, 6, 0, 0)
    return made


def row(*widgets: QWidget | int) -> QHBoxLayout:
    """Return a horizontal layout; an int among the widgets is a stretch factor."""
    layout = QHBoxLayout()
    layout.setContentsMargins(0, 0, 0, 0)
    layout.setSpacing(4)
    for widget in widgets:
        if isinstance(widget, int):
            layout.addStretch(widget)
        else:
            layout.addWidget(widget)
    return layout


def column(*parts: QWidget | QLayout | int, margin: int = 0) -> QVBoxLayout:
    """Return a vertical layout of widgets, layouts and stretch factors."""
    layout = QVBoxLayout()
    layout.setContentsMargins(margin, margin, margin, margin)
    layout.setSpacing(4)
    for part in parts:
        if isinstance(part, int):
            layout.addStretch(part)
        elif isinstance(part, QLayout):
            layout.addLayout(part)
        else:
            layout.addWidget(part)
    return layout


def clear_layout(layout: QLayout) -> None:
    """Take everything out of a layout of widgets, and delete it soon."""
    while layout.count():
        widget = certain(certain(layout.takeAt(0)).widget())
        widget.hide()
        widget.deleteLater()


def line() -> QFrame:
    """Return a thin horizontal rule."""
    made = QFrame()
    made.setFrameShape(QFrame.Shape.HLine)
    made.setFixedHeight(1)
    made.setStyleSheet("background: #5a626c;")
    return made


def folded(title: str, *contents: QWidget, is_open: bool = False) -> Folded:
    """Return a section that unfolds at a click on its title."""
    made = Folded(title, *contents)
    if is_open:
        made.expand(animate=False)
    return made


class PageArea(QScrollArea):
    """A page that grows with the dock, never forces its height, and scrolls before anything on it is squeezed.

    Parameters
    ----------
    page : QWidget, optional
        None where it comes later, by `hold`.
    """

    def __init__(self, page: QWidget | None = None) -> None:
        super().__init__()
        self.setWidgetResizable(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setMinimumWidth(PAGE_WIDTH)
        self.setMinimumHeight(80)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        if page is not None:
            self.hold(page)

    def hold(self, page: QWidget) -> None:
        """Show a page, which must have a layout."""
        self.setWidget(page)
        page.installEventFilter(self)

    def _fit(self) -> None:
        """Give the page the height its wrapped texts need at this width, which Qt's scroll areas do not ask for."""
        page = self.widget()
        if page is None:
            return
        layout = certain(page.layout())
        needed = layout.totalHeightForWidth(certain(self.viewport()).width())
        least = layout.totalMinimumSize()
        page.setMinimumHeight(needed if needed > 0 else least.height())
        self.setMinimumWidth(max(PAGE_WIDTH, min(WIDEST_PAGE, least.width() + SCROLL_BAR)))

    def resizeEvent(self, event: QResizeEvent | None) -> None:
        """Fit the page to another width."""
        super().resizeEvent(event)
        self._fit()

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:
        """Fit the page when something on it changed its size."""
        if watched is self.widget() and certain(event).type() == QEvent.Type.LayoutRequest:
            self._fit()
        return super().eventFilter(watched, event)


def bring_into_view(widget: QWidget) -> None:
    """Scroll the page that a widget is on, so that it is seen; harmless for one on no page."""
    around = widget.parentWidget()
    while around is not None and not isinstance(around, QScrollArea):
        around = around.parentWidget()
    if around is not None and widget.isVisible():
        around.ensureWidgetVisible(widget)


def single_shot(owner: QObject, milliseconds: int, slot: Callable[[], object]) -> QTimer:
    """Return a stopped timer of `owner` that calls `slot` once, `milliseconds` after each start."""
    timer = QTimer(owner)
    timer.setSingleShot(True)
    timer.setInterval(milliseconds)
    connect(timer.timeout, slot)
    return timer


def draw_line(painter: QPainter, box: QRectF, text: str, where: Qt.AlignmentFlag) -> None:
    """Draw one line of text into a box in pixels (Qt 5 and 6 take different kinds of numbers for alignments)."""
    option = QTextOption(where)
    option.setWrapMode(QTextOption.WrapMode.NoWrap)
    painter.drawText(box, text, option)


def soon(owner: QObject, call: Callable[[], object]) -> None:
    """Make a call when Qt is idle, unless `owner` is gone by then."""
    timer = single_shot(owner, 0, call)
    timer.timeout.connect(timer.deleteLater)
    timer.start()


class WheelGuard(QObject):
    """Keeps the wheel for scrolling: a control changes by wheel only while it has the focus."""

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:
        """Swallow wheel events of unfocused controls and hand them to the scroll area."""
        if (
            certain(event).type() == QEvent.Type.Wheel
            and isinstance(watched, QAbstractSlider | QAbstractSpinBox | QComboBox)
            and not watched.hasFocus()
        ):
            certain(event).ignore()
            return True
        return False

    @classmethod
    def protect(cls, widget: QWidget) -> None:
        """Install the guard on `widget` and on every control inside it."""
        guard = cls(widget)
        for control in (widget, *widget.findChildren(QWidget)):
            control.installEventFilter(guard)
