"""The dock in a real window: its parts, its size, that closing loses nothing, and that napari's menu finds it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from qtpy.QtCore import QEvent, QPoint, Qt
from qtpy.QtGui import QCloseEvent
from qtpy.QtWidgets import QAbstractButton, QAbstractSlider, QApplication

from napari_wsss.core.masks import read_mask
from napari_wsss.project.project import Project
from napari_wsss.session.dropped import Dropped
from napari_wsss.session.session import Session
from napari_wsss.widgets import closing
from napari_wsss.widgets import dock as dock_module
from napari_wsss.widgets.controls.folding import Folded
from napari_wsss.widgets.dock import DOCK_NAME, WsssDock, dock_of, open_dock
from napari_wsss.widgets.pages import PAGES
from tests.widgets.person import Person

pytestmark = pytest.mark.gui


@pytest.fixture(autouse=True)
def _no_questions(monkeypatch):
    """A question that nobody expects would wait for ever."""

    def fail(*_):
        raise AssertionError("a question was asked")

    monkeypatch.setattr(closing, "ask_about_training", fail)
    monkeypatch.setattr(closing, "ask_about_unsaved", fail)


@pytest.fixture
def docked(make_napari_viewer, model_folder, tmp_path, qtbot):
    """Return a shown viewer with the dock on the small project, everything computed."""
    viewer = make_napari_viewer(show=True)
    made = WsssDock(viewer, Session(config_folder=tmp_path / "config"))
    viewer.window.add_dock_widget(made, name=DOCK_NAME, area="right", add_vertical_stretch=False)
    viewer.window.resize(1200, 800)
    qtbot.waitUntil(lambda: made.tabs.made == ["Project"])
    made.open_project(model_folder)
    assert made.tabs.made == ["Project", "Review"]  # the others are made when somebody looks at them
    made.session.inference.start()
    qtbot.waitUntil(lambda: not made.session.jobs.all, timeout=20000)
    yield made
    made.shut_down()


def check_parts(docked):
    assert [docked.tabs.tabText(i) for i in range(docked.tabs.count())] == list(PAGES)
    assert "p0.png" in docked.header.name.text()
    assert docked.header.badge.text == "to do"
    assert docked.header.progress.text() == "1/6 · 0 accepted"
    assert docked.header.saved.text().startswith("saved")


def check_every_page_fits_a_small_screen(docked):
    shown = docked.tabs.currentIndex()
    for page, name in enumerate(PAGES):
        docked.tabs.setCurrentIndex(page)
        for section in docked.tabs.widget(page).findChildren(Folded):
            section.expand(animate=False)
        QApplication.processEvents()
        least = docked.minimumSizeHint()
        assert least.height() < 500, name
        assert least.width() <= 350, name
    assert docked.tabs.tabBar().sizeHint().width() <= 350
    docked.tabs.setCurrentIndex(shown)


def check_keyboard_is_left_alone(docked):
    docked.tabs.train.showEvent(None)
    pages = (docked.header, docked.footer, docked.job_bar, docked.tabs.review, docked.tabs.refine, docked.tabs.train)
    for part in pages:
        for control in part.findChildren(QAbstractButton) + part.findChildren(QAbstractSlider):
            belongs_to_qt = control.inherits("QScrollBar") or control.parent().inherits("QLineEdit")
            assert belongs_to_qt or control.focusPolicy() == Qt.FocusPolicy.NoFocus, control


def check_buttons(docked):
    docked.footer.accept.click()
    assert docked.session.table.image_id == "p1.png"
    docked.footer.skip.click()
    assert docked.session.table.image_id == "p2.png"
    docked.footer.flag.click()
    assert docked.header.badge.state == "flagged"
    docked.footer.previous.click()
    assert docked.session.table.image_id == "p1.png"
    assert docked.header.badge.text == "skipped"
    assert docked.header.progress.text() == "2/6 · 1 accepted"


def check_failures_are_toasted(docked, monkeypatch):
    toasts = []
    monkeypatch.setattr(dock_module, "show_warning", toasts.append)
    docked.session.signals.failed.emit("no space left")
    docked.session.signals.notice.emit("only a hint")
    assert toasts == ["no space left"]
    assert docked.header.status.text() == "only a hint"


def check_nothing_moves(docked, times):
    """Actions on every page; tabs and decisions stay where they are."""
    QApplication.processEvents()
    actions = ("next", "copy_all", "accept", "undo_decision", "flag", "skip", "threshold_up", "previous")

    def places():
        parts = (docked.tabs.tabBar(), docked.footer, docked.footer.accept, docked.header.next_line.do)
        return [(part.mapTo(docked, QPoint(0, 0)), part.size()) for part in parts]

    before, moved = places(), set()
    for number in range(times):
        docked.tabs.setCurrentIndex(number % len(PAGES))
        docked.actions_.run(actions[number % len(actions)])
        if number % 20 == 0:
            docked.session.inference.start()
        QApplication.processEvents()
        if places() != before:
            moved.add(actions[number % len(actions)])
    assert not moved


def check_the_next_step_is_one_button(docked):
    docked.session.navigation.go_to("p0.png")
    QApplication.processEvents()
    line = docked.header.next_line
    assert line.step.verb in ("review", "export")
    docked.tabs.setCurrentIndex(0)
    line.do.click()
    assert PAGES[docked.tabs.currentIndex()] in ("Review", "Project")


def check_next_shows_first_what_waits_behind_another_page(docked):
    docked.session.navigation.go_to("p3.png")
    QApplication.processEvents()
    docked.tabs.bring("Stats")
    for expected in ("p3.png", "p4.png"):
        docked.header.next_line.do.click()
        assert (docked.tabs.front_name, docked.session.shown_id) == ("Review", expected)


def check_a_dropped_folder_begins_a_project(docked):
    folder = docked.session.project.images_root
    docked.take_dropped(Dropped("images", folder))
    assert PAGES[docked.tabs.currentIndex()] == "Project"
    assert docked.tabs.project.new.images.path == folder


def check_the_whole_picture_follows_the_window(docked, qtbot):
    camera = docked.sync.camera
    docked.sync.show_whole()
    before = camera.zoom
    docked.viewer.window.resize(1500, 900)
    qtbot.waitUntil(lambda: camera.zoom > before, timeout=10000)
    camera.zoom *= 2
    enlarged = camera.zoom
    docked.viewer.window.resize(1200, 800)
    qtbot.wait(300)
    assert camera.zoom == enlarged, "where a person looks is left alone"


def test_the_dock_shows_and_decides(docked, monkeypatch, qtbot):
    """One window for all that can be seen at once (a window costs seconds)."""
    check_parts(docked)
    check_every_page_fits_a_small_screen(docked)
    check_keyboard_is_left_alone(docked)
    check_the_whole_picture_follows_the_window(docked, qtbot)
    check_buttons(docked)
    check_next_shows_first_what_waits_behind_another_page(docked)
    check_failures_are_toasted(docked, monkeypatch)
    check_nothing_moves(docked, 24)
    check_the_next_step_is_one_button(docked)
    check_a_dropped_folder_begins_a_project(docked)
    docked.eventFilter(docked.window(), QEvent(QEvent.Type.Hide))  # minimised
    assert docked.session.project is not None


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_two_hundred_actions_move_nothing(docked):
    check_nothing_moves(docked, 200)


def test_strokes_are_saved_also_by_closing(docked, qtbot, model_folder):
    session, mask = docked.session, docked.sync.mask
    mask.mode, mask.brush_size = "paint", 3
    Person(docked.viewer).stroke((12, 4), (12, 24))
    assert np.count_nonzero(mask.data == 1) >= 60
    assert docked.header.saved.text() == "NOT SAVED yet"
    qtbot.waitUntil(lambda: docked.header.badge.text == "draft", timeout=20000)
    path = session.project.masks.draft_path("p0.png")
    qtbot.waitUntil(path.exists, timeout=20000)
    np.testing.assert_array_equal(read_mask(path), mask.data)
    Person(docked.viewer).stroke((18, 4), (18, 24))  # and closed before any timer runs out
    painted = mask.data.copy()
    assert not np.array_equal(read_mask(path), painted)
    docked.viewer.close()
    with Project.open(model_folder, read_only=True) as project:
        np.testing.assert_array_equal(project.masks.read_working("p0.png"), painted)


def test_closing_asks_about_training_and_taking_the_dock_away_closes(docked, monkeypatch):
    asked, viewer = [], docked.viewer
    with monkeypatch.context() as patched:
        patched.setattr(type(docked.session.training), "running", property(lambda self: True))
        for answer, closes in (("cancel", False), ("leave", True)):
            patched.setattr(closing, "ask_about_training", lambda parent, answer=answer: asked.append(answer) or answer)
            assert docked.eventFilter(docked.window(), QCloseEvent()) is not closes
    assert asked == ["cancel", "leave"]
    assert dock_of(viewer) is docked
    assert open_dock(viewer) is docked
    viewer.window.remove_dock_widget(docked)
    assert docked.session.project is None
    assert len(viewer.layers) == 0
    assert dock_of(viewer) is None


HEAVY = ("scipy", "skimage", "sklearn", "torch", "timm", "pandas", "matplotlib", "zarr", "onnxruntime", "pyqtgraph")
OPENED = """
import sys, tempfile
from pathlib import Path
import napari
from napari.components import ViewerModel
from qtpy.QtWidgets import QApplication
application = QApplication([])
viewer = ViewerModel()
import napari.qt
before = set(sys.modules)
from napari_wsss.session.session import Session
from napari_wsss.widgets.dock import WsssDock
from napari_wsss.widgets.pages import PAGES
imported = set(sys.modules) - before
dock = WsssDock(viewer, Session(config_folder=Path(tempfile.mkdtemp())))
built = set(sys.modules) - before
dock.shut_down()
def tops(names):
    return sorted({name.split(".")[0] for name in names} & set(sys.argv[1:]))
print(tops(imported), tops(built))
"""
"""What the first click on the plugin's menu does, in an interpreter that has napari already."""


def test_first_opening_loads_nothing_heavy():
    """What takes long to load is loaded when it is first used: a person waits for the window, not for slic."""
    command = [sys.executable, "-W", "ignore", "-c", OPENED, *HEAVY]
    ended = subprocess.run(command, cwd=Path(__file__).parents[2], capture_output=True, text=True, timeout=300)
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.split("\n")[0] == "[] []"
