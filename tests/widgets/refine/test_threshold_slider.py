"""The threshold and its alpha are one number, typed or dragged."""

from __future__ import annotations

import pytest

from napari_wsss.widgets.refine.threshold_slider import ThresholdSlider


@pytest.fixture
def threshold(session, qtbot):
    made = ThresholdSlider(session)
    qtbot.addWidget(made)
    made.refresh()
    return made


def test_threshold_and_alpha_are_one(threshold, session):
    threshold.slider.number.setValue(0.8)
    power = session.sliders.background_power
    assert threshold.power.value() == pytest.approx(power, abs=0.01)
    assert (1 - 0.8) ** power == pytest.approx(0.8)
    threshold.power.setValue(1.0)
    assert session.sliders.threshold == pytest.approx(0.5)
    assert threshold.slider.value == pytest.approx(0.5)


def test_forgetting_goes_back_to_the_next_wider_place(threshold, session):
    assert threshold.slider.why.text() == "the project"
    threshold.slider.number.setValue(0.8)
    session.sliders.keep()
    threshold.refresh()
    assert threshold.slider.why.text() == "this image"
    threshold.slider.reset.click()
    threshold.refresh()
    assert threshold.slider.value == 0.5
    assert threshold.slider.why.text() == "the project"
    session.parameters.set_refiners([])
    threshold.refresh()
    assert "no background step" in threshold.slider.why.text()
