"""Opening, recent projects, read-only offers, device and cache."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from qtpy.QtWidgets import QPushButton

from napari_wsss.processes.identity import Process
from napari_wsss.project.project import Project
from napari_wsss.widgets.controls.listening import let_go
from napari_wsss.widgets.project.page import ProjectPage


@pytest.fixture
def page(empty_session, qtbot):
    made = ProjectPage(empty_session)
    qtbot.addWidget(made)
    yield made
    let_go(made)


def test_opening_shows_the_project(page, model_folder, empty_session):
    page.open(model_folder)
    assert str(model_folder) in page.folder.text()
    assert page.classes.table.rowCount() == 3
    empty_session.close_project()
    assert page.where.text().startswith("No project is open.")
    assert page.of_project.isHidden()


def test_deep_pictures_are_scaled_anew(page, model_folder, empty_session):
    page.open(model_folder)
    shown = empty_session.table.image_id
    assert (page.darkest.value(), page.brightest.value()) == (0.1, 99.9)
    page.darkest.setValue(2.0)
    page.scale.click()
    assert empty_session.project.deep_percentiles == (2.0, 99.9)
    assert empty_session.table.image_id == shown


def test_recent_projects_open_by_a_double_click(page, model_folder, empty_session):
    page.open(model_folder)
    empty_session.close_project()
    assert page.recent.item(0).text() == "project"
    page.recent.itemClicked.emit(page.recent.item(0))
    assert empty_session.project is None  # the second click would fall on what is shown then
    page.recent.itemDoubleClicked.emit(page.recent.item(0))
    assert empty_session.project.folder == model_folder


def test_a_folder_that_is_no_project_is_said(page, tmp_path, empty_session):
    failures = []
    empty_session.signals.failed.connect(failures.append)
    page.open(tmp_path)
    assert len(failures) == 1
    assert empty_session.project is None


def test_a_locked_project_is_offered_read_only(page, model_folder, empty_session):
    offers = []
    page.offered.connect(lambda: offers.append(page.locked_text.text()))
    look, _, leave = page.locked.findChildren(QPushButton)
    with Project.open(model_folder):
        page.open(model_folder)
        assert len(offers) == 1
        assert "is open in process" in offers[0]
        assert empty_session.project is None
        leave.click()
        assert page.locked.isHidden()
        page.open(model_folder)
        assert not page.locked.isHidden()
        look.click()
        assert page.locked.isHidden()
        assert empty_session.project.read_only
        assert "read-only" in page.where.text()
        assert not page.classes.isEnabled()
        empty_session.close_project()


def test_a_lock_of_nobody_knows_whom_can_be_taken_over(page, model_folder, empty_session):
    lock = model_folder / "project.lock"
    mine = replace(Process.this(), pid=1, system="other boot pid:[1]")
    lock.write_text(json.dumps({**mine.to_dict(), "token": "00"}))
    page.open(model_folder)
    assert "also called so" in page.locked_text.text()
    assert not page.take_over.isHidden()
    assert empty_session.project is None
    page.take_over.click()
    assert empty_session.project.folder == model_folder
    assert not empty_session.project.read_only
    empty_session.close_project()


def test_the_device_is_asked_once_and_chosen(page, empty_session, qtbot):
    page.showEvent(None)
    qtbot.waitUntil(lambda: page.device_text.text() == "automatic: CPU · test", timeout=20000)
    page.device.activated.emit(page.device.findData("cpu"))
    assert empty_session.settings.device == "cpu"


def test_the_cache_can_be_emptied(page, model_folder, empty_session, settle):
    page.open(model_folder)
    empty_session.inference.start()
    settle(empty_session)
    store = empty_session.project.store
    assert store.size_bytes() > 0
    page._empty_cache()
    assert store.size_bytes() == 0
