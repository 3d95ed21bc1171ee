"""Buttons, labels and combos that leave the keyboard to the canvas: none of them takes the focus when clicked."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from qtpy.QtCore import QEvent, QObject, Qt, QTimer
from qtpy.QtWidgets import (
    QAbstractSlider,
    QAbstractSpinBox,
    QComboBox,
    QFrame,
    QHBoxLayout,
    QLabel,
    QLayout,
    QPushButton,
    QScrollArea,
    QSizePolicy,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

PAGE_WIDTH = 300


def button(text: str, on_click: Callable[[], object], tip: str = "") -> QPushButton:
    """Return a push button that never takes the keyboard focus."""
    made = QPushButton(text)
    made.setFocusPolicy(Qt.FocusPolicy.NoFocus)
    made.setToolTip(tip)
    made.clicked.connect(lambda _checked=False: on_click())
    return made


def tool_button(text: str, on_click: Callable[[], object], tip: str = "") -> QToolButton:
    """Return a small flat button that never takes the keyboard focus."""
    made = QToolButton()
    made.setText(text)
    made.setToolTip(tip)
    made.setAutoRaise(True)
    made.setFocusPolicy(Qt.FocusPolicy.NoFocus)
    made.clicked.connect(lambda _checked=False: on_click())
    return made


def combo(entries: Sequence[tuple[str, str]], on_choice: Callable[[str], object] | None = None) -> QComboBox:
    """Return a combo box over ``(value, title)`` entries; `on_choice` gets the value a person chose."""
    made = QComboBox()
    for value, title in entries:
        made.addItem(title, value)
    made.setFocusPolicy(Qt.FocusPolicy.NoFocus)
    made.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
    made.setMinimumContentsLength(10)
    WheelGuard.protect(made)
    if on_choice is not None:
        made.activated.connect(lambda row: on_choice(made.itemData(int(row))))
    return made


def choose(box: QComboBox, value: str) -> None:
    """Show the entry that holds `value` without reporting it as a person's choice."""
    row = box.findData(value)
    if row >= 0:
        box.setCurrentIndex(row)


def text_label(text: str = "", *, wrap: bool = True, quiet: bool = False, tip: str = "") -> QLabel:
    """Return a label whose text can be selected; `quiet` ones are dimmed side remarks."""
    made = QLabel(text)
    made.setWordWrap(wrap)
    made.setToolTip(tip)
    made.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
    made.setFocusPolicy(Qt.FocusPolicy.NoFocus)
    if wrap:
        made.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Minimum)
    if quiet:
        made.setStyleSheet("color: palette(mid);")
        made.setProperty("quiet", True)
        made.setStyleSheet("QLabel { color: #9a9ea6; }")
    return made


def heading(text: str) -> QLabel:
    """Return a section heading."""
    made = QLabel(f"<b>{text}</b>")
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


def line() -> QFrame:
    """Return a thin horizontal rule."""
    made = QFrame()
    made.setFrameShape(QFrame.Shape.HLine)
    made.setFixedHeight(1)
    made.setStyleSheet("background: #5a626c;")
    return made


def scroll_page(page: QWidget) -> QScrollArea:
    """Return `page` inside a scroll area that grows with the dock and never forces its height."""
    area = QScrollArea()
    area.setWidgetResizable(True)
    area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    area.setFrameShape(QFrame.Shape.NoFrame)
    area.setMinimumWidth(PAGE_WIDTH)
    area.setMinimumHeight(80)
    area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
    area.setWidget(page)
    return area


def single_shot(owner: QObject, milliseconds: int, slot: Callable[[], object]) -> QTimer:
    """Return a stopped timer of `owner` that calls `slot` once, `milliseconds` after each start."""
    timer = QTimer(owner)
    timer.setSingleShot(True)
    timer.setInterval(milliseconds)
    timer.timeout.connect(slot)
    return timer


class WheelGuard(QObject):
    """Keeps the wheel for scrolling: a control changes by wheel only while it has the focus."""

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Swallow wheel events of unfocused controls and hand them to the scroll area."""
        if (
            event.type() == QEvent.Type.Wheel
            and isinstance(watched, QAbstractSlider | QAbstractSpinBox | QComboBox)
            and not watched.hasFocus()
        ):
            event.ignore()
            return True
        return False

    @classmethod
    def protect(cls, widget: QWidget) -> None:
        """Install the guard on `widget` and on every control inside it."""
        guard = cls(widget)
        for control in (widget, *widget.findChildren(QWidget)):
            control.installEventFilter(guard)
