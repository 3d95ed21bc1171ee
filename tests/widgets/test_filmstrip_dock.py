"""The filmstrip in a real window: at the bottom, belonging to the panel, shown and hidden by its button."""

from __future__ import annotations

import pytest
from qtpy.QtCore import QCoreApplication, QEvent, Qt
from qtpy.QtWidgets import QDockWidget

from napari_wsss.session.session import Session
from napari_wsss.widgets.dock import DOCK_NAME, NO_STRIP, STRIP_NAME, WsssDock, dock_of
from napari_wsss.widgets.filmstrip_dock import FilmstripDock, strip_of
from napari_wsss.widgets.review.filmstrip import LEAST_HEIGHT

pytestmark = pytest.mark.gui


@pytest.fixture
def panel(make_napari_viewer, model_folder, tmp_path):
    viewer = make_napari_viewer(show=True)
    made = WsssDock(viewer, Session(config_folder=tmp_path / "config"))
    viewer.window.add_dock_widget(made, name=DOCK_NAME, area="right", add_vertical_stretch=False)
    viewer.window.resize(1200, 800)
    made.open_project(model_folder)
    yield made
    made.shut_down()


def opened(panel, qtbot):
    """Return the strip and the dock around it, after its button was clicked."""
    panel.tabs.review.queue.strip.click()
    strip = strip_of(panel.viewer)
    qtbot.waitUntil(lambda: strip.strip is not None)
    dock = strip.parentWidget()
    while not isinstance(dock, QDockWidget):
        dock = dock.parentWidget()
    return strip, dock


def test_the_filmstrip_comes_and_goes_at_the_bottom(panel, qtbot):
    viewer, button = panel.viewer, panel.tabs.review.queue.strip
    strip, dock = opened(panel, qtbot)
    assert strip.window().dockWidgetArea(dock) == Qt.DockWidgetArea.BottomDockWidgetArea
    assert strip.strip.model() is panel.tabs.review.queue.model
    qtbot.waitUntil(lambda: LEAST_HEIGHT <= strip.height() < 200)
    strip.window().resizeDocks([dock], [180], Qt.Orientation.Vertical)
    qtbot.waitUntil(lambda: strip.strip.height() == strip.height() > 140)  # all the room there is
    button.click()
    assert not dock.isVisible()
    button.click()
    assert dock.isVisible()
    assert list(viewer.window.dock_widgets).count(STRIP_NAME) == 1

    # What the plugin menu makes is the same dock, and it finds the panel.
    _, again = viewer.window.add_plugin_dock_widget("napari-wsss", "Filmstrip")
    assert again is strip
    assert dock_of(viewer) is panel
    panel.shut_down()
    assert strip.strip.model().rowCount() == 0
    assert isinstance(again, FilmstripDock)


def test_a_closed_filmstrip_is_made_anew(panel, qtbot):
    listeners = len(panel.session.signals.queue_changed)
    first, _ = opened(panel, qtbot)
    panel.viewer.window.remove_dock_widget(first)
    first.deleteLater()
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    assert strip_of(panel.viewer) is None
    assert len(panel.session.signals.queue_changed) == listeners
    panel.session.navigation.next()
    second, dock = opened(panel, qtbot)
    assert second is not first
    assert dock.isVisible()
    assert second.strip.model() is panel.tabs.review.queue.model


def test_where_napari_does_not_know_the_plugin_the_button_says_so(panel, monkeypatch):
    from napari.plugins import _npe2

    monkeypatch.setattr(_npe2.pm, "iter_widgets", lambda: iter(()))
    panel.tabs.review.queue.strip.click()
    assert panel.header.status.text() == NO_STRIP
    assert strip_of(panel.viewer) is None
