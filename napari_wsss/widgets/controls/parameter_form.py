"""A form made from a `Parameters` instance: its fields' titles, bounds and choices are declared once, in the method.

What a person can do with it: change a value, with the slider or by typing its number, put one value back with the arrow
beside it, read below it where it comes from, unfold *Advanced*.
"""

import dataclasses
import math
import types
import typing
from collections.abc import Mapping, Sequence
from typing import Any, get_args, get_origin

from magicgui.widgets import LineEdit, create_widget
from magicgui.widgets.bases import ValueWidget
from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import (
    QAbstractButton,
    QAbstractSlider,
    QAbstractSpinBox,
    QComboBox,
    QCompleter,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QWidget,
)

from napari_wsss.core.errors import ParameterError
from napari_wsss.core.parameters import caption, fields_of, from_dict, named, to_dict, type_of
from napari_wsss.session.typed_numbers import as_it_looks, parts_of_list
from napari_wsss.widgets.controls.basic import (
    WheelGuard,
    colour_popup,
    column,
    folded,
    narrow,
    row,
    text_label,
    tool_button,
)
from napari_wsss.widgets.controls.colours import WRONG, ThemedLabel
from napari_wsss.widgets.controls.live_slider import FORGET
from napari_wsss.widgets.controls.number_text import read_as_it_looks
from napari_wsss.widgets.controls.plain_text import as_text

LONGEST_SLIDER = 200.0
SLIDER_STEPS = 100
SMALLEST_PLACE = 0.01  # a default nearer to the end than this could not be set on a slider
ROW_HEIGHT = 26  # pixels
LONGEST_TITLE = 100  # pixels; longer ones stand above their field, so that sliders keep room to move
METADATA = ("title", "description", "minimum", "maximum", "choices", "others", "advanced", "decimals")


class ParameterForm(QWidget):
    """Edits one frozen `Parameters` dataclass.

    Parameters
    ----------
    parameters : dataclass instance
        What is shown first. Its class declares the fields (see `napari_wsss.core.parameters.parameter`).

    Attributes
    ----------
    changed : Signal(dict)
        Emitted with the one value a person changed, ``{name: plain JSON value}``, only when it is valid; also while
        a slider is being dragged.
    settled : Signal()
        Emitted after it where the value is decided: a slider let go, anything else changed.
    forgotten : Signal(str)
        The arrow of an explained field was pressed: the place that gives its value should no longer.
    """

    changed = Signal(dict)
    settled = Signal()
    forgotten = Signal(str)

    def __init__(self, parameters: Any, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._cls = type(parameters)
        self._defaults = self._cls()
        self._quiet = False
        self.fields: dict[str, ValueWidget[Any]] = {}
        self._resets: dict[str, QWidget] = {}
        self._labels: dict[str, QLabel] = {}
        self._why: dict[str, ThemedLabel] = {}
        self._rows: dict[str, QHBoxLayout] = {}
        self._explained: dict[str, bool] = {}
        self.problem = text_label(quiet=True)
        self.problem.hide()
        self._build(to_dict(parameters))
        WheelGuard.protect(self)

    def _build(self, values: Mapping[str, Any]) -> None:
        plain, advanced = self._form(), self._form()
        for name, declared in fields_of(self._cls).items():
            target = advanced if declared.metadata.get("advanced") else plain
            self._add_field(target, name, declared.metadata, values[name])
        parts: list[Any] = [plain]
        if advanced.rowCount():
            inner = QWidget()
            inner.setLayout(advanced)
            parts.append(folded("Advanced", inner))
        self.setLayout(column(*parts, self.problem))
        self._mark_defaults()

    @staticmethod
    def _form() -> QFormLayout:
        layout = QFormLayout()
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(3)
        # Wrapped titles and rows have no height that a fold could ask for, and would be cut off.
        layout.setRowWrapPolicy(QFormLayout.RowWrapPolicy.DontWrapRows)
        layout.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        return layout

    def _add_field(self, target: QFormLayout, name: str, metadata: Mapping[str, Any], value: Any) -> None:
        widget = field_widget(type_of(self._cls, name), metadata, value)
        widget.changed.connect(lambda _value, name=name: self._on_change(name))
        reset = tool_button("↺", lambda: self.reset(name), "Back to the default")
        plain, explained = caption(metadata, name)
        title, description = ThemedLabel(plain), as_text(explained)
        title.setToolTip(description)
        widget.native.setToolTip(description)
        _leave_keyboard(widget.native)
        read_as_it_looks(widget.native)
        if isinstance(widget.native, QComboBox):
            narrow(widget.native)
        holder = QWidget()
        self._rows[name] = row(widget.native, *_offering(widget.native), reset)
        holder.setLayout(self._rows[name])
        holder.setMinimumHeight(ROW_HEIGHT)
        why = self._why[name] = text_label(quiet=True)
        why.hide()
        for slider in _sliders(widget.native):
            slider.sliderReleased.connect(self.settled.emit)
        if title.sizeHint().width() > LONGEST_TITLE:
            target.addRow(title)
            target.addRow(holder)
        else:
            target.addRow(title, holder)
        target.addRow("", why)
        self.fields[name], self._resets[name], self._labels[name] = widget, reset, title

    def _on_change(self, name: str) -> None:
        if self._quiet:
            return
        try:
            value = to_dict(self.parameters())[name]
        except ParameterError as wrong:
            self.problem.setText(str(wrong))
            self.problem.show()
            return
        self.problem.hide()
        self._mark_defaults()
        self.changed.emit({name: value})
        if not self.is_held:
            self.settled.emit()

    @property
    def is_held(self) -> bool:
        """True while the mouse holds a slider."""
        return any(slider.isSliderDown() for widget in self.fields.values() for slider in _sliders(widget.native))

    def parameters(self) -> Any:
        """Return the checked dataclass instance of what is shown; raise `ParameterError` when it is not valid."""
        hints = {name: type_of(self._cls, name) for name in self.fields}
        given = {name: read_value(hints[name], widget.value) for name, widget in self.fields.items()}
        return from_dict(self._cls, given)

    def values(self) -> dict[str, Any]:
        """Return the plain JSON values that differ from the defaults."""
        shown, usual = to_dict(self.parameters()), to_dict(self._defaults)
        return {name: value for name, value in shown.items() if not _alike(value, usual[name])}

    def show_values(self, values: Mapping[str, Any]) -> None:
        """Show `values` laid over the defaults, without reporting a change."""
        self._quiet = True
        try:
            for name, value in {**to_dict(self._defaults), **values}.items():
                if name in self.fields:
                    show_value(self.fields[name], value)
        finally:
            self._quiet = False
        self._mark_defaults()

    def reset(self, name: str) -> None:
        """Put one field back to its default and report it; where it is explained, ask for it to be forgotten."""
        if name in self._explained:
            self.forgotten.emit(name)
        else:
            show_value(self.fields[name], to_dict(self._defaults)[name])

    def add_beside(self, name: str, offer: QWidget) -> None:
        """Put a widget beside a field that helps to fill it in, such as a button that asks for a file."""
        row_of = self._rows[name]
        row_of.insertWidget(row_of.count() - 1, offer)

    def find_fault(self, name: str, fault: str) -> None:
        """Show in red below a field what is wrong with its value; "" takes it away."""
        why = self._why[name]
        why.setText(fault)
        why.tint(WRONG if fault else "")
        why.setVisible(bool(fault))

    def explain(self, places: Mapping[str, tuple[str, bool]]) -> None:
        """Show below fields where their values come from.

        Parameters
        ----------
        places : mapping of str to (str, bool)
            Field -> what decides it, and whether that can be forgotten (a default cannot).
        """
        for name, (place, can_forget) in places.items():
            if name in self._why:
                self._explained[name] = can_forget
                self._why[name].setText(place)
                self._why[name].setVisible(can_forget)
        self._mark_defaults()

    def _mark_defaults(self) -> None:
        try:
            shown, usual = to_dict(self.parameters()), to_dict(self._defaults)
        except ParameterError:
            return
        for name, reset in self._resets.items():
            reset.setEnabled(self._explained.get(name, not _alike(shown[name], usual[name])))
            reset.setToolTip(FORGET if name in self._explained else "Back to the default")


def _sliders(native: QWidget) -> list[QAbstractSlider]:
    """Return the sliders in a field, the field itself included."""
    found = [native] if isinstance(native, QAbstractSlider) else []
    return [*found, *native.findChildren(QAbstractSlider)]


def _alike(shown: Any, usual: Any) -> bool:
    """Return True when two values are equal, numbers up to the places a field shows."""
    if isinstance(shown, float) and isinstance(usual, float):
        return math.isclose(shown, usual, rel_tol=1e-4, abs_tol=1e-12)
    return bool(shown == usual)


def field_widget(kind: Any, metadata: Mapping[str, Any], value: Any) -> ValueWidget[Any]:
    """Return the magicgui widget for a parameter of type `kind`: slider when both bounds are known and near."""
    low, high = metadata.get("minimum"), metadata.get("maximum")
    if metadata.get("others"):
        return _typed_choice(str(value), [str(one) for one in metadata["choices"]], str(metadata["others"]))
    if metadata.get("choices"):
        return _made(value=value, options={"choices": list(metadata["choices"])}, widget_type="ComboBox")
    if get_origin(kind) is typing.Literal:
        return _made(value=value, options={"choices": list(get_args(kind))}, widget_type="ComboBox")
    if kind is bool:
        return _made(value=value, annotation=bool)
    if kind in (int, float):
        options = {"min": -1e9 if low is None else low, "max": 1e9 if high is None else high}
        if kind is int:
            options = {"min": int(options["min"]), "max": int(options["max"])}
        span = _slider_span(low, high, value)
        if metadata.get("decimals"):
            span = 0.0  # a slider is too coarse
            options["step"] = 10.0 ** -metadata["decimals"]
        elif kind is float:
            options["step"] = _nice_step(span / SLIDER_STEPS if span else abs(value) / 10)
        prefix = "" if kind is int else "Float"
        return _made(
            value=value,
            annotation=kind,
            options=options,
            widget_type=f"{prefix}{'Slider' if span else 'SpinBox'}",
        )
    return LineEdit(value=_as_text(value))


def _typed_choice(value: str, choices: list[str], others: str) -> ValueWidget[Any]:
    """Return a line to type into that offers the choices that fit what is typed."""
    made = LineEdit(value=value)
    line = made.native
    assert isinstance(line, QLineEdit)
    line.setPlaceholderText(others)
    completer = QCompleter(choices, line)
    completer.setFilterMode(Qt.MatchFlag.MatchContains)
    completer.setCaseSensitivity(Qt.CaseSensitivity.CaseInsensitive)
    line.setCompleter(completer)
    line.textEdited.connect(lambda _text: colour_popup(completer, line))
    return made


def _offering(native: QWidget) -> list[QWidget]:
    """Return the button beside a line to type into that offers its choices; none for other fields."""
    completer = native.completer() if isinstance(native, QLineEdit) else None
    if completer is None:
        return []

    def offer() -> None:
        colour_popup(completer, native)
        completer.setCompletionPrefix("")
        completer.complete()

    return [tool_button("▾", offer, "What is listed; other names can be typed")]


def _made(**asked: Any) -> ValueWidget[Any]:
    made = create_widget(**asked)
    assert isinstance(made, ValueWidget)
    return made


def _slider_span(low: float | None, high: float | None, value: float) -> float:
    """Return how far a slider goes from `low` to `high`, 0 where a value could not be set well on one."""
    if low is None or high is None or not 0 < high - low <= LONGEST_SLIDER:
        return 0.0
    span = high - low
    return span if value == low or abs(value - low) >= span * SMALLEST_PLACE else 0.0


def _nice_step(rough: float) -> float:
    return 10.0 ** math.floor(math.log10(rough)) if rough > 0 else 0.01


def _as_text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, Mapping):
        return ", ".join(f"{name}={one}" for name, one in value.items())
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


def read_value(kind: Any, shown: Any) -> Any:
    """Return the plain value that a widget shows, read as type `kind` (text fields hold tuples and optionals).

    Raises
    ------
    ParameterError
        When text is not a list of the expected numbers.
    """
    if not isinstance(shown, str) or kind is str or get_origin(kind) is typing.Literal:
        return shown
    if get_origin(kind) in (typing.Union, types.UnionType):
        inner = next(arg for arg in get_args(kind) if arg is not type(None))
        return None if not shown.strip() else read_value(inner, shown)
    single = get_args(kind)[0] if get_origin(kind) is tuple else kind
    if get_origin(kind) is dict:
        single = named(get_args(kind)[1])
    is_list = get_origin(kind) in (dict, tuple)
    wanted = getattr(single, "__name__", str(single))
    try:
        read = [single(part) for part in _parts(shown, single, is_list)]
    except ValueError:
        what = f"a list of {wanted} values; separate them by semicolons" if is_list else f"one {wanted} value"
        raise ParameterError(f"{shown!r} is not {what}.") from None
    if get_origin(kind) is dict:
        return dict(read)
    return read if is_list else read[0]


def _parts(shown: str, single: Any, is_list: bool) -> list[str]:
    if not is_list:
        return [as_it_looks(shown)]
    return parts_of_list(shown) if single is float else shown.replace(";", " ").replace(",", " ").split()


def show_value(widget: ValueWidget[Any], value: Any) -> None:
    """Show a plain value, written out where the widget is a text field."""
    widget.value = _as_text(value) if isinstance(widget, LineEdit) else value


def described(name: str, fields: Sequence[Mapping[str, Any]]) -> Any:
    """Return an instance of a `Parameters` class rebuilt from its description in plain JSON types.

    A training stage describes its options this way (``name``, ``default`` and the metadata of each field), so that
    the window shows their form without importing torch. A field's type is that of its default.
    """
    specification: list[tuple[str, Any, Any]] = []
    for entry in fields:
        metadata = {key: entry[key] for key in METADATA if key in entry}
        default = entry["default"]
        if isinstance(default, dict):
            made = dataclasses.field(default_factory=default.copy, metadata=metadata)
            specification.append((entry["name"], dict[str, float], made))
            continue
        many = isinstance(default, list | tuple)
        single = (default[0] if default else "") if many else default
        kind: Any = str if single is None else type(single)
        if many:
            kind, default = tuple[kind, ...], tuple(default)
        specification.append((entry["name"], kind, dataclasses.field(default=default, metadata=metadata)))
    return dataclasses.make_dataclass(name, specification, frozen=True)()


def _leave_keyboard(native: QWidget) -> None:
    for control in (native, *native.findChildren(QWidget)):
        if isinstance(control, QAbstractSlider | QAbstractButton):
            control.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        elif isinstance(control, QAbstractSpinBox):
            control.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
            control.setKeyboardTracking(False)
