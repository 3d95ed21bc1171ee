"""The form of a Parameters instance shows what is declared, reports valid changes and refuses the others."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import pytest

pytest.importorskip("qtpy")
pytest.importorskip("magicgui")

from qtpy.QtCore import Qt
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QAbstractSlider, QAbstractSpinBox, QToolButton

from napari_wsss.core.errors import ParameterError
from napari_wsss.core.parameters import parameter
from napari_wsss.widgets.controls.parameter_form import ParameterForm, described, read_value


@dataclass(frozen=True)
class Parameters:
    """A method's parameters."""

    power: float = parameter(4.0, "Background power (alpha)", "Larger means less background.", bounds=(1, 32))
    steps: int = parameter(10, "Iterations", bounds=(1, None))
    scales: tuple[float, ...] = parameter((0.5, 1.0), "Scales", bounds=(0.1, 4))
    preset: str = parameter("psa", "Preset", choices=("psa", "irn"))
    mode: Literal["a", "b"] = parameter("a", "Mode")
    flip: bool = parameter(True, "Flip", advanced=True)
    width: float | None = parameter(None, "Width")


@pytest.fixture
def form(qtbot):
    made = ParameterForm(Parameters())
    qtbot.addWidget(made)
    return made


def test_shows_the_instance_not_the_types_zero(qtbot):
    form = ParameterForm(Parameters(power=7.5))
    qtbot.addWidget(form)
    assert form.fields["power"].value == 7.5
    assert form.parameters() == Parameters(power=7.5)


def test_reports_only_the_changed_value(form, qtbot):
    with qtbot.waitSignal(form.changed) as seen:
        form.fields["power"].value = 8.0
    assert seen.args == [{"power": 8.0}]
    assert form.values() == {"power": 8.0}


def test_text_fields_hold_tuples_and_optionals(form, qtbot):
    with qtbot.waitSignal(form.changed) as seen:
        form.fields["scales"].value = "0.5, 1; 2"
    assert seen.args == [{"scales": [0.5, 1.0, 2.0]}]
    form.fields["width"].value = "3"
    assert form.parameters().width == 3.0
    form.fields["width"].value = ""
    assert form.parameters().width is None


def test_invalid_text_is_said_and_not_reported(form, qtbot):
    with qtbot.assertNotEmitted(form.changed):
        form.fields["scales"].value = "0.5, wide"
    assert "wide" in form.problem.text()
    with qtbot.assertNotEmitted(form.changed):
        form.fields["scales"].value = "9"
    assert "0.1 to 4" in form.problem.text()


def test_reset_puts_one_field_back(form, qtbot):
    form.fields["steps"].value = 3
    form.fields["power"].value = 9.0
    form.reset("steps")
    assert form.values() == {"power": 9.0}
    assert not form._resets["steps"].isEnabled()
    assert form._resets["power"].isEnabled()


def test_showing_values_is_silent(form, qtbot):
    with qtbot.assertNotEmitted(form.changed):
        form.show_values({"preset": "irn", "scales": [1.0]})
    assert form.values() == {"preset": "irn", "scales": [1.0]}


def test_sliders_leave_the_keyboard_to_the_canvas(form):
    from qtpy.QtCore import Qt
    from qtpy.QtWidgets import QAbstractSlider

    sliders = form.findChildren(QAbstractSlider)
    assert sliders
    assert all(slider.focusPolicy() == Qt.FocusPolicy.NoFocus for slider in sliders)


def test_described_fields_make_the_same_form(qtbot):
    fields = [
        {"name": "epochs", "default": 5, "title": "Epochs", "minimum": 1},
        {"name": "scales", "default": [0.5, 1.0], "title": "Scales"},
        {"name": "device", "default": "auto", "choices": ["auto", "cpu"]},
    ]
    form = ParameterForm(described("Options", fields))
    qtbot.addWidget(form)
    form.fields["epochs"].value = 7
    assert form.values() == {"epochs": 7}
    with pytest.raises(ParameterError):
        read_value(int, "many words")


def test_a_default_with_more_places_than_its_field_is_no_change(qtbot):
    field = {"name": "scale", "default": 768 / 448, "title": "Scale", "minimum": 0.1, "maximum": 8.0}
    form = ParameterForm(described("Some", [field]))
    qtbot.addWidget(form)
    assert form.values() == {}
    form.fields["scale"].value = 2.0
    assert form.values() == {"scale": 2.0}


def test_a_field_shows_as_many_places_as_its_parameter_asks_for(qtbot):
    field = {"name": "sure", "default": 0.95, "title": "Sure", "minimum": 0.0, "maximum": 1.0, "decimals": 6}
    form = ParameterForm(described("Some", [field]))
    qtbot.addWidget(form)
    form.fields["sure"].value = 0.99999
    assert form.values() == {"sure": pytest.approx(0.99999, abs=1e-9)}
    form.fields["sure"].value = 0.000001
    assert form.values() == {"sure": pytest.approx(0.000001, abs=1e-9)}


def test_long_titles_are_readable_in_a_narrow_fold(qtbot):
    from qtpy.QtWidgets import QLabel

    from napari_wsss.widgets.controls.basic import folded

    titles = ["Short", "Images that are compared in one group, several times"]
    fields = [{"name": f"field{at}", "default": 2, "title": f"{title} (B)"} for at, title in enumerate(titles)]
    form = ParameterForm(described("Some", fields))
    fold = folded("Options", form, is_open=True)
    qtbot.addWidget(fold)
    fold.resize(320, fold.sizeHint().height())
    fold.show()
    qtbot.waitExposed(fold)
    labels = [label for label in form.findChildren(QLabel) if label.text() in titles]
    assert len(labels) == len(titles)
    for label in labels:
        assert label.height() >= label.fontMetrics().height()
        assert label.width() >= label.fontMetrics().horizontalAdvance(label.text())
        assert label.toolTip() == "In the papers: B.", "plain words first"


def test_explained_fields_say_where_they_come_from_and_ask_to_be_forgotten(form, qtbot):
    form.explain({"power": ("class cat", True), "steps": ("default", False)})
    assert form._why["power"].text() == "class cat"
    assert form._why["steps"].isHidden()
    assert not form._resets["steps"].isEnabled()
    with qtbot.waitSignal(form.forgotten) as seen:
        form._resets["power"].click()
    assert seen.args == ["power"]
    assert form.fields["power"].value == 4.0


def test_a_change_is_settled_unless_a_slider_is_held(form, qtbot):
    settled = []
    form.settled.connect(lambda: settled.append(1))
    slider = form.fields["power"].native.findChild(QAbstractSlider)
    slider.setSliderDown(True)
    form.fields["power"].value = 9.0
    assert form.is_held
    assert settled == []
    slider.setSliderDown(False)
    assert settled == [1]
    form.fields["flip"].value = False
    assert settled == [1, 1]


def test_the_number_beside_a_slider_can_be_typed(form, qtbot):
    form.show()
    number = form.fields["power"].native.findChild(QAbstractSpinBox)
    number.setFocus()
    number.selectAll()
    QTest.keyClicks(number, "12")
    QTest.keyClick(number, Qt.Key.Key_Return)
    assert form.parameters().power == 12.0


def test_mappings_are_written_as_pairs(qtbot):
    entry = {"name": "gains", "default": {"1": 1.5}, "title": "Gains", "minimum": 0.25, "maximum": 4}
    form = ParameterForm(described("Some", [entry]))
    qtbot.addWidget(form)
    assert form.fields["gains"].value == "1=1.5"
    with qtbot.waitSignal(form.changed) as seen:
        form.fields["gains"].value = "1=2, 3 = 0.5".replace(" = ", "=")
    assert seen.args == [{"gains": {"1": 2.0, "3": 0.5}}]
    form.fields["gains"].value = "loud"
    assert "name=value" in form.problem.text()


@dataclass(frozen=True)
class Open:
    """A choice that others may add to."""

    trunk: str = parameter("resnet18", "Trunk", choices=("resnet18", "resnet50", "vgg16"), others="timm/NAME")


def test_other_names_than_the_choices_can_be_typed_and_the_choices_are_offered(qtbot):
    form = ParameterForm(Open())
    qtbot.addWidget(form)
    form.show()
    line = form.fields["trunk"].native
    line.clear()
    QTest.keyClicks(line, "net")
    offered = line.completer()
    assert [offered.completionModel().index(at, 0).data() for at in range(2)] == ["resnet18", "resnet50"]
    line.clear()
    QTest.keyClicks(line, "timm/convnext_atto")
    assert form.values() == {"trunk": "timm/convnext_atto"}
    arrow = next(one for one in form.findChildren(QToolButton) if one.text() == "▾")
    arrow.click()
    assert offered.completionCount() == 3
    offered.popup().hide()
