"""The next step lies on the canvas while nothing else does; what is dropped on it arrives below it."""

from __future__ import annotations

import numpy as np
import pytest
from qtpy.QtCore import QPoint
from qtpy.QtWidgets import QApplication, QWidget

from napari_wsss.session.session import Session
from napari_wsss.widgets.compact import LEAST_SHARE
from napari_wsss.widgets.dock import DOCK_NAME, WsssDock
from napari_wsss.widgets.empty_canvas import EmptyCanvas
from napari_wsss.widgets.project import page
from tests.e2e import mouse


@pytest.fixture
def canvas(qtbot):
    made = QWidget()
    made.resize(640, 400)
    qtbot.addWidget(made)
    made.show()
    return made


def test_it_is_there_while_there_is_no_layer(empty_session, viewer, canvas):
    made = EmptyCanvas(empty_session, viewer.layers, canvas)
    assert made.isVisible()
    assert made.next_line.step.verb == "new"
    assert not made.acceptDrops()
    for width in (900, 300):
        canvas.resize(width, 400)
        assert canvas.rect().contains(made.geometry())
        assert abs(made.geometry().center().x() - canvas.rect().center().x()) <= 1
    layer = viewer.add_image(np.zeros((4, 4)))
    assert not made.isVisible()
    viewer.layers.remove(layer)
    assert made.isVisible()
    made.end()
    viewer.add_image(np.zeros((4, 4)))


@pytest.mark.gui
def test_in_a_small_window_the_canvas_is_wide_from_the_start_and_says_what_is_next(
    make_napari_viewer, model_folder, tmp_path, qtbot, monkeypatch
):
    monkeypatch.setattr(page.QFileDialog, "getExistingDirectory", lambda *_: "")
    viewer = make_napari_viewer(show=True)
    viewer.window.resize(1280, 720)
    dock = WsssDock(viewer, Session(config_folder=tmp_path / "config"))
    viewer.window.add_dock_widget(dock, name=DOCK_NAME, area="right", add_vertical_stretch=False)
    try:
        window = dock.window()
        qtbot.waitUntil(lambda: window.centralWidget().width() >= LEAST_SHARE * window.width(), timeout=5000)
        QApplication.processEvents()
        mouse.click(dock.empty.next_line.do)  # nothing lies over the button
        assert dock.tabs.front_name == "Project"
        assert dock.tabs.project.new.isVisible()
        under = QApplication.widgetAt(dock.empty.mapToGlobal(QPoint(5, 5)))
        takes = next(one for one in (under, *parents(under)) if one.acceptDrops())
        assert takes is not dock.empty
        dock.open_project(model_folder)
        qtbot.waitUntil(lambda: not dock.empty.isVisible(), timeout=10000)
        dock.session.close_project()
        qtbot.waitUntil(lambda: dock.empty.isVisible() and dock.empty.next_line.step.verb == "new", timeout=5000)
    finally:
        dock.shut_down()
    assert dock.empty is None


@pytest.mark.gui
def test_layers_of_others_keep_their_list_until_a_project_is_opened(make_napari_viewer, tmp_path, qtbot):
    viewer = make_napari_viewer(show=True)
    viewer.window.resize(1280, 720)
    viewer.add_image(np.zeros((8, 8)))
    dock = WsssDock(viewer, Session(config_folder=tmp_path / "config"))
    viewer.window.add_dock_widget(dock, name=DOCK_NAME, area="right", add_vertical_stretch=False)
    qtbot.wait(400)
    assert not dock._compact.is_folded
    assert not dock.empty.isVisible()
    dock.shut_down()


def parents(widget):
    while (widget := widget.parentWidget()) is not None:
        yield widget
