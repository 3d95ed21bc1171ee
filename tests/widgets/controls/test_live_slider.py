"""One number on a slider: dragged or typed, on a linear or a logarithmic scale."""

from __future__ import annotations

import pytest

pytest.importorskip("qtpy")

from qtpy.QtCore import Qt
from qtpy.QtTest import QTest

from napari_wsss.widgets.controls.live_slider import STEPS, LiveSlider


@pytest.fixture
def gain(qtbot):
    made = LiveSlider("cat", 0.25, 4.0, logarithmic=True)
    qtbot.addWidget(made)
    made.seen = []
    made.moved.connect(made.seen.append)
    made.settled.connect(lambda: made.seen.append("settled"))
    return made


def test_equal_ways_are_equal_factors(gain):
    for position, value in ((0, 0.25), (STEPS // 4, 0.5), (STEPS // 2, 1.0), (STEPS, 4.0)):
        gain.slider.setValue(position)
        assert gain.value == pytest.approx(value)
    assert gain.seen[-1] == 4.0
    assert "settled" not in gain.seen


def test_showing_a_value_reports_nothing(gain):
    gain.show_value(2.0)
    assert gain.slider.value() == round(STEPS * 3 / 4)
    assert gain.seen == []


def test_a_held_handle_stays_and_letting_go_settles(gain):
    gain.slider.setSliderDown(True)
    gain.slider.setValue(100)
    gain.show_value(2.0)
    assert gain.is_held
    assert gain.slider.value() == 100
    gain.slider.setSliderDown(False)
    assert gain.seen[-1] == "settled"


def test_a_typed_number_moves_and_settles(gain, qtbot):
    gain.show()
    gain.number.setFocus()
    gain.number.selectAll()
    QTest.keyClicks(gain.number, "2.5")
    QTest.keyClick(gain.number, Qt.Key.Key_Return)
    assert gain.seen == [2.5, "settled"]
    assert not gain.number.hasFocus()


def test_it_says_where_its_value_comes_from(gain, qtbot):
    gain.explain("class cat", True)
    assert gain.why.text() == "class cat"
    with qtbot.waitSignal(gain.forgotten):
        gain.reset.click()
    gain.explain("", False)
    assert gain.why.isHidden()
    assert not gain.reset.isEnabled()
