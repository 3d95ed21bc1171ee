"""A gain for each labelled class: live, in the chosen scope, explained, put back."""

from __future__ import annotations

import numpy as np
import pytest

from napari_wsss.widgets.refine.gain_sliders import GainSliders


@pytest.fixture
def gains(session, qtbot):
    scope = ["image"]
    made = GainSliders(session, lambda: scope[0])
    made.chosen = scope
    qtbot.addWidget(made)
    made.refresh()
    session.signals.plan_changed.connect(made.refresh)
    yield made
    session.signals.plan_changed.disconnect(made.refresh)


def test_a_gain_is_tried_kept_and_put_back(gains, session):
    assert list(gains.sliders) == ["red", "green"]
    before = session.table.proposal
    green = gains.sliders["green"]
    green.taken.emit()
    green.number.setValue(0.5)
    assert session.sliders.gains["green"] == 0.5
    assert session.table.proposal is not before, "drawn anew"
    session.sliders.keep()
    assert green.why.text() == "this image"
    assert gains.sliders["red"].why.isHidden()
    green.reset.click()
    assert green.value == 1.0
    np.testing.assert_array_equal(session.table.proposal, before)


def test_it_counts_for_the_chosen_scope(gains, session):
    gains.chosen[0] = "class:red"
    gains.sliders["red"].number.setValue(2.0)
    session.sliders.keep()
    assert session.table.plan.overrides == {"class:red": {"class_gain": {"gains": {"1": 2.0}}}}
    session.navigation.go_to("p2.png")
    gains.refresh()
    assert list(gains.sliders) == ["red"]
    assert gains.sliders["red"].value == 2.0
    assert gains.sliders["red"].why.text() == "class red"


def test_a_long_name_is_shortened_in_the_middle_and_whole_in_the_tooltip(gains, session):
    long = "red, as the longest of all names of a class that were ever seen has it, number 7"
    session.class_list.rename("red", long)
    gains.refresh()
    shown = gains.sliders[long].name
    assert "…" in shown.text()
    assert shown.text().endswith("7")
    assert shown.fontMetrics().horizontalAdvance(shown.text()) <= shown.maximumWidth()
    assert long in shown.toolTip()
    assert gains.sliders["green"].name.text() == "green"


def test_sliders_begin_below_one_another_in_any_font(gains):
    gains.resize(300, 120)
    gains.show()
    gains.setStyleSheet("QLabel { font-size: 21px; }")
    red, green = (gains.sliders[name].name for name in ("red", "green"))
    assert red.width() == green.width() >= green.sizeHint().width()
