"""A slider with its number beside it, which can be typed, and a line that says where the value comes from.

What a person can do with it: drag (every position is tried at once), type a number, put the value back with the arrow,
which forgets what the place named beside it says.
"""

import math

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import QDoubleSpinBox, QSlider, QWidget

from napari_wsss.widgets.controls.basic import WheelGuard, column, row, text_label, tool_button
from napari_wsss.widgets.controls.colours import ThemedLabel
from napari_wsss.widgets.controls.number_text import read_as_it_looks
from napari_wsss.widgets.controls.stubs import certain

STEPS = 1000
NUMBER_WIDTH = 42  # pixels
FORGET = "Forget this value: the next wider place decides again"


def number_field(low: float, high: float, decimals: int = 2) -> QDoubleSpinBox:
    """Return a narrow field for a number, typed or changed with the arrow keys; it takes the focus by a click only."""
    made = QDoubleSpinBox()
    made.setRange(low, high)
    made.setDecimals(decimals)
    made.setSingleStep(10.0**-decimals)
    made.setButtonSymbols(QDoubleSpinBox.ButtonSymbols.NoButtons)
    # napari's style leaves room for buttons that are not there.
    made.setStyleSheet(
        f"QDoubleSpinBox {{ min-width: {NUMBER_WIDTH}px; max-width: {NUMBER_WIDTH}px; padding: 1px 3px; }}"
    )
    made.setAlignment(Qt.AlignmentFlag.AlignRight)
    made.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
    made.setKeyboardTracking(False)
    read_as_it_looks(made)
    # Enter gives the keyboard back to the canvas.
    certain(made.lineEdit()).returnPressed.connect(made.clearFocus)
    return made


class LiveSlider(QWidget):
    """One number between two bounds.

    Parameters
    ----------
    title : str
        Left of the slider; "" for none.
    low, high : float
        Bounds; with `logarithmic` both above 0.
    logarithmic : bool
        Equal ways on the slider are equal factors.

    Attributes
    ----------
    taken, settled : Signal()
        The mouse took the handle; a value was decided (the handle let go, a number typed).
    moved : Signal(float)
        A person moved to this value.
    forgotten : Signal()
        The arrow was pressed.
    """

    taken = Signal()
    moved = Signal(float)
    settled = Signal()
    forgotten = Signal()

    def __init__(self, title: str, low: float, high: float, *, logarithmic: bool = False) -> None:
        super().__init__()
        self._low, self._high, self._logarithmic = low, high, logarithmic
        self._quiet = False
        self.slider = QSlider(Qt.Orientation.Horizontal)
        self.slider.setRange(0, STEPS)
        self.slider.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.number = number_field(low, high)
        self.reset = tool_button("↺", self.forgotten.emit, FORGET)
        self.why = text_label(quiet=True)
        self.name = ThemedLabel(title)
        self.name.setVisible(bool(title))
        self.line = row(self.name, self.slider, self.number, self.reset)
        self.setLayout(column(self.line, self.why))
        self.slider.valueChanged.connect(self._on_slider)
        self.slider.sliderPressed.connect(self.taken.emit)
        self.slider.sliderReleased.connect(self.settled.emit)
        self.number.valueChanged.connect(self._on_number)
        WheelGuard.protect(self)

    @property
    def value(self) -> float:
        """The value shown."""
        return float(self.number.value())

    @property
    def is_held(self) -> bool:
        """True while the mouse holds the handle."""
        return bool(self.slider.isSliderDown())

    def show_value(self, value: float) -> None:
        """Show a value without reporting it; a handle that is held stays under the mouse."""
        self._quiet = True
        self.number.setValue(value)
        if not self.is_held:
            self.slider.setValue(self._position(value))
        self._quiet = False

    def explain(self, text: str, can_forget: bool) -> None:
        """Show where the value comes from, and whether the arrow has something to forget."""
        self.why.setText(text)
        self.why.setVisible(bool(text))
        self.reset.setEnabled(can_forget)

    def _position(self, value: float) -> int:
        value = min(max(value, self._low), self._high)
        if self._logarithmic:
            share = math.log(value / self._low) / math.log(self._high / self._low)
        else:
            share = (value - self._low) / (self._high - self._low)
        return round(share * STEPS)

    def _at(self, position: int) -> float:
        share = position / STEPS
        if self._logarithmic:
            return float(self._low * (self._high / self._low) ** share)
        return self._low + (self._high - self._low) * share

    def _on_slider(self, position: int) -> None:
        if not self._quiet:
            value = round(self._at(position), self.number.decimals())
            self.show_value(value)
            self.moved.emit(value)

    def _on_number(self, value: float) -> None:
        if not self._quiet:
            self.show_value(value)
            self.moved.emit(float(value))
            self.settled.emit()
