"""What is typed into a field for a number means what it looks like, in every locale."""

from dataclasses import dataclass

import pytest

pytest.importorskip("qtpy")
pytest.importorskip("magicgui")

from qtpy.QtCore import QLocale, Qt
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QAbstractSpinBox, QLineEdit, QSpinBox

from napari_wsss.core.parameters import parameter
from napari_wsss.widgets.controls.live_slider import LiveSlider
from napari_wsss.widgets.controls.number_text import read_as_it_looks
from napari_wsss.widgets.controls.parameter_form import ParameterForm

LOCALES = ("C", "de_DE", "de_CH", "fr_FR", "en_US", "ar_EG", "hi_IN", "ru_RU")


@dataclass(frozen=True)
class Parameters:
    """One number of each kind of field: a slider, a box with bounds, a box without, a text."""

    share: float = parameter(0.5, "Share", bounds=(0, 1))
    gain: float = parameter(2.0, "Gain", bounds=(0, 1000))
    rate: float = parameter(1.0, "Rate")
    width: float | None = parameter(None, "Width")


@pytest.fixture(params=LOCALES)
def locale(request):
    before = QLocale()
    QLocale.setDefault(QLocale(request.param))
    yield request.param
    QLocale.setDefault(before)


def typed(field, text):
    """Type text over what the field holds, as keys and the clipboard do, and leave the field."""
    edit = field.lineEdit() if isinstance(field, QAbstractSpinBox) else field
    edit.selectAll()
    for one in text:
        edit.insert(one)
    QTest.keyClick(edit, Qt.Key.Key_Return)


def text_field(native):
    """Return where a number can be typed in a form's field."""
    boxes = [native, *native.findChildren(QAbstractSpinBox), *native.findChildren(QLineEdit)]
    return next(one for one in boxes if isinstance(one, QAbstractSpinBox | QLineEdit))


@pytest.mark.parametrize(("text", "value"), [("0,35", 0.35), ("0.25", 0.25)])
@pytest.mark.parametrize("name", ["share", "gain", "rate", "width"])
def test_every_field_of_a_form(qtbot, locale, name, text, value):
    form = ParameterForm(Parameters())
    qtbot.addWidget(form)
    form.show()
    typed(text_field(form.fields[name].native), text)
    assert getattr(form.parameters(), name) == pytest.approx(value, abs=0.051 if name == "gain" else 1e-6)


@pytest.mark.parametrize(("text", "value"), [("0,35", 0.35), ("0.25", 0.25)])
def test_the_number_beside_a_slider(qtbot, locale, text, value):
    slider = LiveSlider("power", 0.01, 60.0, logarithmic=True)
    qtbot.addWidget(slider)
    slider.show()
    typed(slider.number, text)
    assert slider.value == value


def test_a_whole_number_takes_no_point(qtbot, locale):
    box = QSpinBox()
    box.setRange(0, 10**6)
    qtbot.addWidget(box)
    read_as_it_looks(box)
    box.lineEdit().setText("7")
    box.lineEdit().selectAll()
    box.lineEdit().insert("1,5")
    assert box.value() != 15
