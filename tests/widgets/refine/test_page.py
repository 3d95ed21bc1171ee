"""Slider, chain, forms and copying on the Refine page."""

from __future__ import annotations

import sys
import time

import numpy as np
import pytest
from qtpy.QtCore import Qt, QTimer
from qtpy.QtWidgets import QLabel, QPushButton, QTabWidget

from napari_wsss.core.maps import ActivationMaps
from napari_wsss.core.plan import Step
from napari_wsss.core.registry import load_method
from napari_wsss.project.image_clusters import ClusterRow
from napari_wsss.session.jobs import Job
from napari_wsss.session.models.verdicts import Told
from napari_wsss.widgets.controls.listening import let_go
from napari_wsss.widgets.refine import page as refine_page
from napari_wsss.widgets.refine.page import FOR_ALL, RefinePage
from napari_wsss.widgets.refine.refiner_chain import METHOD


@pytest.fixture
def page(session, actions, qtbot):
    made = RefinePage(session, actions)
    qtbot.addWidget(made)
    yield made
    let_go(made)


def rows(page):
    items = [page.chain.item(row) for row in range(page.chain.count())]
    return {item.data(METHOD): item for item in items}


def test_sliders_move_the_proposal_and_are_kept_after_a_rest(page, session, actions, qtbot, monkeypatch):
    page.threshold.slider.slider.setValue(800)
    assert session.sliders.threshold == pytest.approx(page.threshold.slider.value)
    np.testing.assert_array_equal(session.table.proposal, session.table.maps.to_mask(session.sliders.threshold))
    assert session.sliders.is_trying
    qtbot.waitUntil(lambda: not session.sliders.is_trying, timeout=20000)
    assert list(session.table.plan.overrides) == ["image:p0.png"]
    assert page.threshold.slider.why.text() == "this image"
    kept = session.sliders.threshold
    actions.run("next")
    assert page.threshold.slider.value == 0.5  # the threshold was this image's own
    assert page.threshold.slider.why.text() == "the project"
    actions.run("threshold_up")
    assert page.threshold.slider.value == pytest.approx(0.52)
    actions.run("previous")
    assert page.threshold.slider.value == pytest.approx(kept)


def test_the_last_change_is_taken_back(page, session, qtbot):
    page.threshold.slider.number.setValue(0.8)  # typed: kept at once
    assert not session.sliders.is_trying
    assert "background_threshold – → 0.8 (image:p0.png)" in page.undo.toolTip()
    page.undo.click()
    assert session.sliders.threshold == 0.5
    assert page.threshold.slider.value == 0.5
    assert session.table.plan.overrides == {}


def test_a_change_is_held_against_what_was_before_until_the_next_one(page, session, monkeypatch):
    asked, verdicts = [], session.chain_verdicts
    monkeypatch.setattr(verdicts, "ask_last_change", lambda: asked.append(session.sliders.is_trying))
    page.threshold.slider.slider.setValue(800)  # tried, not kept yet
    page.judge.click()
    assert asked == [False], "what is tried is kept first"
    verdicts.told = Told("known", "Better on 2, worse on 0 of 3 classes. Stay with it.", "apply")
    verdicts.changed.emit()
    assert page.verdict.line.text().startswith("Better on 2")
    page.threshold.slider.number.setValue(0.7)
    assert page.verdict.line.isHidden()


def test_presets_are_one_change_and_other_values_are_called_modified(page, session):
    assert page.preset.currentText() == "modified"  # 0.5 is in none of them
    page.preset.activated.emit(page.preset.findData("soft"))
    assert session.sliders.threshold == pytest.approx(0.22)
    assert page.preset.currentText() == "soft"
    page.threshold.slider.number.setValue(0.6)
    assert page.preset.currentText() == "modified"
    page.undo.click()
    assert page.preset.currentText() == "soft"


@pytest.mark.slow
def test_the_window_never_waits_for_a_crf(page, session, settle, qtbot):
    """While a CRF runs on a photograph, no thread of this process keeps it busy for long between two ticks of a timer.

    Counted is the processor time of the process: what else the machine does shall not decide.
    """
    pytest.importorskip("pydensecrf")
    pixels = np.random.default_rng(0).integers(0, 256, (375, 500, 3), dtype=np.uint8)
    scores = np.random.default_rng(1).random((2, 375, 500), dtype=np.float32)
    ticks: list[float] = []
    timer = QTimer()
    timer.timeout.connect(lambda: ticks.append(time.process_time()))
    crf = load_method("refine", "dense_crf")()
    maps = ActivationMaps(scores, (0, 1), np.full((375, 500), 0.5, np.float32))
    session.jobs.submit(Job("first", lambda: crf.steps(pixels, maps)))  # loads what is loaded once
    settle(session)
    job = Job("crf", lambda: crf.steps(pixels + np.uint8(1), maps))
    timer.start(10)
    session.jobs.submit(job)
    settle(session)
    timer.stop()
    assert job.state == "done"
    assert len(ticks) > 10
    assert np.diff(ticks).max() < 0.1


def test_without_maps_the_slider_is_off(page, session):
    session.close_project()
    assert not page.threshold.isEnabled()
    assert page.threshold.slider.why.text() == "no maps yet"
    assert not page.undo.isEnabled()


def test_a_step_that_is_not_installed_offers_the_nearest(page, session, qtbot, monkeypatch):
    for name in ("pydensecrf", "pydensecrf.densecrf"):
        monkeypatch.setitem(sys.modules, name, None)
    session.parameters.set_refiners([Step("power_background"), Step("dense_crf")])
    offers = [one for one in page.findChildren(QPushButton) if one.text() == "Use Pixel correlation instead"]
    offers[-1].click()
    wanted = ["pixel_correlation", "power_background"]
    qtbot.waitUntil(lambda: [step.method for step in session.table.plan.refiners] == wanted, timeout=20000)


def test_steps_are_switched_and_ordered(page, session, qtbot):
    rows(page)["power_background"].setCheckState(Qt.CheckState.Checked)
    qtbot.waitUntil(lambda: len(session.table.plan.refiners) == 2, timeout=20000)
    assert [step.method for step in session.table.plan.refiners] == ["constant_background", "power_background"]
    assert list(page.forms) == ["constant_background", "power_background"]
    item = page.chain.takeItem(1)
    page.chain.insertItem(0, item)  # what a drag ends in, without its signal
    page.chain.take_over()
    qtbot.waitUntil(lambda: session.table.plan.refiners[0].method == "power_background", timeout=20000)
    assert session.table.plan.refiners[1].parameters == {"background_threshold": 0.5}


def test_a_value_counts_for_the_chosen_scope_and_says_so(page, session):
    session.project.catalog.clusters.replace([ClusterRow("p0.png", 0, "red 2", 0.1)])
    session.following.clusters_moved()
    session.signals.image_changed.emit("p0.png")
    titles = [page.scope.itemText(row) for row in range(page.scope.count())]
    assert titles == ["this image", "cluster red 2", "class green", "class red", "the project"]
    page.choose_scope("class:red")
    field, why = (
        getattr(page.forms["constant_background"], part)["background_threshold"] for part in ("fields", "_why")
    )
    field.value = 0.7
    assert session.table.plan.overrides == {"class:red": {"constant_background": {"background_threshold": 0.7}}}
    assert page.threshold.slider.value == pytest.approx(0.7)
    assert (why.text(), why.isHidden()) == ("class red", False)
    page.choose_scope("cluster:red 2")
    field.value = 0.6
    assert why.text() == "cluster red 2"
    page.forms["constant_background"]._resets["background_threshold"].click()
    assert why.text() == "class red"
    assert field.value == pytest.approx(0.7)


def test_a_value_typed_just_before_leaving_counts_for_the_image_left(page, session, actions):
    page.forms["constant_background"].fields["background_threshold"].value = 0.9
    actions.run("next")
    assert list(session.table.plan.overrides) == ["image:p0.png"]


def test_this_images_values_can_be_used_for_all_undecided(page, session, settle):
    assert page.spread.text() == "Use for all undecided"
    page.threshold.slider.number.setValue(0.3)
    page.spread.click()
    settle(session)
    assert session.table.plan.refiners[0].parameters["background_threshold"] == pytest.approx(0.3)
    assert session.table.plan.overrides == {}
    session.navigation.next()
    assert page.threshold.slider.value == pytest.approx(0.3)
    page.choose_scope("class:red")
    assert page.spread.text() == "Use for class red"


def test_copying_only_into_empty_pixels(page, session, sync):
    sync.mask.data_setitem((np.array([10]), np.array([6])), 3)
    page._copy_into_empty()
    assert sync.mask.data[10, 6] == 3
    assert np.count_nonzero(sync.mask.data != session.table.proposal) == 1


def test_steps_are_called_by_their_titles(page):
    assert rows(page)["dense_crf"].text() == "Dense CRF"


def test_the_saliency_folder_is_asked_for_where_a_step_needs_it(page, session, monkeypatch, tmp_path, qtbot):
    assert page.saliency.isHidden()
    rows(page)["saliency_fusion"].setCheckState(Qt.CheckState.Checked)
    qtbot.waitUntil(lambda: not page.saliency.isHidden(), timeout=20000)
    (tmp_path / "sal").mkdir()
    monkeypatch.setattr(refine_page.QFileDialog, "getExistingDirectory", lambda *_: str(tmp_path / "sal"))
    page.saliency.click()
    assert session.table.plan.saliency_folder == str(tmp_path / "sal")
    assert "sal" in page.saliency.text()


def test_under_the_scope_is_only_what_it_decides(page, session):
    layout = page.layout()
    order = [layout.itemAt(place).widget() for place in range(layout.count())]
    titles = [one.text() if isinstance(one, QLabel) else "" for one in order]
    for_all = next(place for place, title in enumerate(titles) if FOR_ALL in title)
    assert order.index(page.chain) > for_all
    assert order.index(page.saliency) > for_all
    assert order.index(page.threshold) < for_all
    assert order.index(page._forms_box) < for_all
    page.choose_scope("project")
    assert page.scope_again.text() == "Parameters for the project"
    session.close_project()
    assert [page.scope.itemData(row) for row in range(page.scope.count())] == ["project"]


def test_a_covered_page_is_brought_up_to_date_when_it_is_shown(page, session, settle, qtbot, monkeypatch):
    tabs = QTabWidget()
    qtbot.addWidget(tabs)
    tabs.addTab(QLabel("another page"), "A")
    tabs.addTab(page, "B")
    tabs.show()
    shown = []
    monkeypatch.setattr(page.gains, "refresh", lambda: shown.append(session.shown_id))
    session.navigation.next()
    settle(session)
    assert shown == []
    tabs.setCurrentWidget(page)
    assert set(shown) == {session.shown_id}
    session.navigation.next()
    settle(session)
    assert shown[-1] == session.shown_id
    page.setParent(None)
