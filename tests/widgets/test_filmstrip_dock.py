"""The filmstrip in a real window: at the bottom, belonging to the panel, shown and hidden by its button."""

from __future__ import annotations

import pytest
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QDockWidget

from napari_wsss.session.session import Session
from napari_wsss.widgets.dock import DOCK_NAME, WsssDock, dock_of
from napari_wsss.widgets.filmstrip_dock import FilmstripDock, strip_of


@pytest.mark.gui
def test_the_filmstrip_comes_and_goes_at_the_bottom(make_napari_viewer, model_folder, tmp_path, qtbot):
    viewer = make_napari_viewer(show=True)
    panel = WsssDock(viewer, Session(config_folder=tmp_path / "config"))
    viewer.window.add_dock_widget(panel, name=DOCK_NAME, area="right", add_vertical_stretch=False)
    panel.open_project(model_folder)

    panel.review_page.queue.strip.click()
    strip = strip_of(viewer)
    qtbot.waitUntil(lambda: strip.strip is not None)
    dock, window = strip.parentWidget(), strip.window()
    while not isinstance(dock, QDockWidget):
        dock = dock.parentWidget()
    assert window.dockWidgetArea(dock) == Qt.DockWidgetArea.BottomDockWidgetArea
    assert strip.strip.model() is panel.review_page.queue.model
    assert strip.height() < 200

    panel.review_page.queue.strip.click()
    assert not dock.isVisible()
    panel.review_page.queue.strip.click()
    assert dock.isVisible()

    # What the plugin menu makes is the same dock, and it finds the panel.
    _, again = viewer.window.add_plugin_dock_widget("napari-wsss", "Filmstrip")
    assert again is strip
    assert dock_of(viewer) is panel
    panel.shut_down()
    assert strip.strip.model().rowCount() == 0
    assert isinstance(again, FilmstripDock)
