"""Fields for numbers read what is typed as it looks: ``0,35`` and ``0.25`` in every locale.

Qt takes the other locale's decimal point for a mark between groups and leaves it out: 35 and 25.
"""

from qtpy.QtGui import QDoubleValidator, QValidator
from qtpy.QtWidgets import QAbstractSpinBox, QDoubleSpinBox, QLineEdit, QWidget

from napari_wsss.session.typed_numbers import MARKS, as_it_looks
from napari_wsss.widgets.controls.stubs import certain


def read_as_it_looks(native: QWidget) -> None:
    """Make every field for a number in `native`, itself included, take points and commas for what they look like."""
    for field in (native, *native.findChildren(QWidget)):
        if isinstance(field, QAbstractSpinBox):
            text = certain(field.lineEdit())
            text.setValidator((_PointText if isinstance(field, QDoubleSpinBox) else _WholeText)(field))
        elif isinstance(field, QLineEdit) and isinstance(field.validator(), QDoubleValidator):
            field.setValidator(_PlainText(field))  # the number beside a slider, read by Python


class _PointText(QValidator):
    """Puts the field's own decimal point where another stands."""

    def __init__(self, field: QAbstractSpinBox) -> None:
        super().__init__(field)
        self._field = field

    def validate(self, text: str | None, position: int) -> tuple[QValidator.State, str, int]:
        """Return the state of the text with its point replaced."""
        number = as_it_looks(text or "").replace(".", str(self._field.locale().decimalPoint()))
        return self._field.validate(number, min(position, len(number)))


class _WholeText(_PointText):
    """Takes no point: ``1,5`` would be 15."""

    def validate(self, text: str | None, position: int) -> tuple[QValidator.State, str, int]:
        """Return *invalid* for text with a point or comma in it."""
        if any(mark in (text or "") for mark in MARKS):
            return QValidator.State.Invalid, text or "", position
        return self._field.validate(text or "", position)


class _PlainText(QValidator):
    """Writes numbers as Python reads them."""

    def validate(self, text: str | None, position: int) -> tuple[QValidator.State, str, int]:
        """Return the state of the text as a number with a point."""
        number = as_it_looks(text or "")
        return _state(number), number, min(position, len(number))


def _state(number: str) -> QValidator.State:
    if number.strip("0123456789.eE+-"):
        return QValidator.State.Invalid
    try:
        float(number)
    except ValueError:
        return QValidator.State.Intermediate
    return QValidator.State.Acceptable
