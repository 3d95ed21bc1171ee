"""Slider, chain, forms and copying on the Refine page."""

from __future__ import annotations

import numpy as np
import pytest
from qtpy.QtCore import Qt

from napari_wsss.widgets import refine_page
from napari_wsss.widgets.refine_page import METHOD, RefinePage


@pytest.fixture
def page(session, actions, qtbot):
    made = RefinePage(session, actions)
    qtbot.addWidget(made)
    yield made
    made.close_page()


def rows(page):
    items = [page.chain.item(row) for row in range(page.chain.count())]
    return {item.data(METHOD): item for item in items}


def test_the_slider_moves_the_proposal_and_shows_alpha(page, session):
    assert page.slider.value() == 500
    page.slider.setValue(800)
    np.testing.assert_array_equal(session.proposal, session.maps.to_mask(0.8))
    power = session.background_power
    assert page.threshold.text() == f"0.80  (α {power:.2f})"
    assert (1 - 0.8) ** power == pytest.approx(0.8)


def test_the_slider_follows_image_and_keys(page, session, actions):
    page.slider.setValue(800)
    actions.run("next")
    assert page.slider.value() == 500  # the threshold was this image's own
    actions.run("threshold_up")
    assert page.slider.value() == 520
    actions.run("previous")
    assert page.slider.value() == 800


def test_without_maps_the_slider_is_off(page, session, settle):
    session.close_project()
    assert not page.slider.isEnabled()
    assert page.threshold.text() == "no maps yet"


def test_steps_are_switched_and_ordered(page, session, qtbot):
    rows(page)["power_background"].setCheckState(Qt.CheckState.Checked)
    qtbot.waitUntil(lambda: len(session.plan.refiners) == 2, timeout=2000)
    assert [step.method for step in session.plan.refiners] == ["constant_background", "power_background"]
    assert list(page.forms) == ["constant_background", "power_background"]
    item = page.chain.takeItem(1)
    page.chain.insertItem(0, item)  # what a drag ends in, without its signal
    page._on_chain()
    qtbot.waitUntil(lambda: session.plan.refiners[0].method == "power_background", timeout=2000)
    assert session.plan.refiners[1].parameters == {"background_threshold": 0.5}


def test_a_value_counts_for_the_chosen_scope(page, session, qtbot):
    page.scope.setCurrentIndex(page.scope.findData("class:red"))
    page.forms["constant_background"].fields["background_threshold"].value = 0.7
    qtbot.waitUntil(lambda: session.threshold == pytest.approx(0.7), timeout=2000)
    assert session.plan.overrides == {"class:red": {"constant_background": {"background_threshold": 0.7}}}
    assert page.slider.value() == 700
    label = page.forms["constant_background"]._labels["background_threshold"]
    assert "class:red" in label.toolTip()


def test_a_value_typed_just_before_leaving_counts_for_the_image_left(page, session, actions):
    page.forms["constant_background"].fields["background_threshold"].value = 0.9
    actions.run("next")
    assert list(session.plan.overrides) == ["image:p0.png"]


def test_the_threshold_can_become_the_projects(page, session):
    page.slider.setValue(300)
    page._keep_for_project()
    assert session.plan.refiners[0].parameters["background_threshold"] == pytest.approx(0.3)
    session.next()
    assert page.slider.value() == 300


def test_copying_only_into_empty_pixels(page, session, sync):
    sync.mask.data_setitem((np.array([10]), np.array([6])), 3)
    page._copy_into_empty()
    assert sync.mask.data[10, 6] == 3
    assert np.count_nonzero(sync.mask.data != session.proposal) == 1


def test_steps_are_called_by_their_titles(page):
    assert rows(page)["dense_crf"].text() == "Dense CRF"


def test_the_saliency_folder_is_asked_for_where_a_step_needs_it(page, session, monkeypatch, tmp_path, qtbot):
    assert page.saliency.isHidden()
    rows(page)["saliency_fusion"].setCheckState(Qt.CheckState.Checked)
    qtbot.waitUntil(lambda: not page.saliency.isHidden(), timeout=2000)
    (tmp_path / "sal").mkdir()
    monkeypatch.setattr(refine_page.QFileDialog, "getExistingDirectory", lambda *_: str(tmp_path / "sal"))
    page.saliency.click()
    assert session.plan.saliency_folder == str(tmp_path / "sal")
    assert "sal" in page.saliency.text()
