"""The right button rubs out while it is held, as one undo step; with Shift napari's encircle and fill begins."""

from __future__ import annotations

import numpy as np
import pytest
from qtpy.QtCore import QEvent, QPointF, Qt
from qtpy.QtGui import QMouseEvent
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication

from napari_wsss.session.session import Session
from napari_wsss.widgets.dock import DOCK_NAME, WsssDock
from napari_wsss.widgets.layers.clicks.right_erases import RIGHT
from tests.widgets.person import MOVE_MS, Person

BUTTON = Qt.MouseButton.RightButton


@pytest.fixture
def dock(make_napari_viewer, model_folder, tmp_path):
    viewer = make_napari_viewer(show=True)
    made = WsssDock(viewer, Session(config_folder=tmp_path / "config"))
    viewer.window.add_dock_widget(made, name=DOCK_NAME, area="right", add_vertical_stretch=False)
    viewer.window.resize(1000, 700)
    made.open_project(model_folder)
    QTest.qWait(50)
    yield made
    made.shut_down()


class RightHand(Person):
    """Drags the right button."""

    def drag(self, start, end, held=Qt.KeyboardModifier.NoModifier):
        first, last = np.asarray(start, float), np.asarray(end, float)
        QTest.mousePress(self._canvas, BUTTON, held, self._at(first))
        for share in np.linspace(0, 1, 8):
            local = QPointF(self._at(first + share * (last - first)))
            screen = QPointF(self._canvas.mapToGlobal(local.toPoint()))
            move = QMouseEvent(QEvent.Type.MouseMove, local, screen, Qt.MouseButton.NoButton, BUTTON, held)
            QApplication.sendEvent(self._canvas, move)
            QTest.qWait(MOVE_MS)
        QTest.mouseRelease(self._canvas, BUTTON, held, self._at(last))
        QTest.qWait(20)


@pytest.mark.gui
def test_in_a_real_window(dock, qtbot):
    hand, sync = RightHand(dock.viewer), dock.sync
    mask = sync.mask
    mask.data_setitem(np.nonzero(np.ones(mask.data.shape, bool)), 1)
    sync.commit()
    hand.press("P")
    mask.brush_size = 3
    zoom = dock.viewer.scene.camera.zoom
    before = mask.data.copy()
    hand.drag((12, 6), (12, 26))
    assert (mask.mode, mask.selected_label) == ("paint", 1)
    assert dock.viewer.scene.camera.zoom == zoom, "napari does not zoom"
    assert not mask.data[12, 8:25].any()
    assert (mask.data[[6, 18]] == 1).all(), "nothing else is rubbed out"
    qtbot.waitUntil(lambda: not dock.session.table.mask[12, 10], timeout=3000)
    hand.press("Ctrl-Z")
    np.testing.assert_array_equal(mask.data, before)
    hand.stroke((12, 6), (12, 26))
    assert (mask.data == 1).all(), "the left button still paints"

    # Shift leaves the right button to napari: round a place and back fills it.
    sync.choose_value(2)
    hand.drag((4, 4), (4, 4), Qt.KeyboardModifier.ShiftModifier)
    assert mask.mode == "paint"
    assert (mask.data == 2).any()
    hand.press("Escape")

    hand.press("O")  # scribbles are rubbed out as well
    layer = dock.viewer.layers.selection.active
    assert layer is not mask
    layer.data_setitem((np.array([12]), np.array([12])), 2)
    hand.press("P")
    hand.drag((12, 6), (12, 26))
    assert not layer.data[12].any()
    assert layer.mode == "paint"


class Event:
    """A press as napari tells it."""

    type, button, modifiers = "mouse_press", RIGHT, ()


def test_everywhere_else_the_button_stays_naparis(sync, viewer):
    tool, event = sync.right_erases, Event()
    assert tool._on_drag(viewer, event) is None, "nobody paints"
    sync.set_tool("paint")
    event.modifiers = ("Shift",)
    assert tool._on_drag(viewer, event) is None
    event.modifiers, event.button = (), 1
    assert tool._on_drag(viewer, event) is None
    event.button = RIGHT
    viewer.layers.selection.active = viewer.layers["image"]
    assert tool._on_drag(viewer, event) is None
    sync.activate()
    assert tool._on_drag(viewer, event) is not None
