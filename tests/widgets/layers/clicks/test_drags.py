"""The place where the button goes up belongs to the drag, also where napari tells no move there."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from qtpy.QtCore import Qt
from qtpy.QtTest import QTest

from napari_wsss.session.session import Session
from napari_wsss.widgets.dock import DOCK_NAME, WsssDock
from napari_wsss.widgets.layers.clicks.drags import followed
from tests.widgets.person import Person

LEFT, RIGHT = Qt.MouseButton.LeftButton, Qt.MouseButton.RightButton


class Hasty(Person):
    """Presses and lets go elsewhere, and no move comes between: all that a busy window may see of a stroke."""

    def drag(self, start, end, button=LEFT):
        QTest.mousePress(self._canvas, button, pos=self._at(np.asarray(start, float)))
        QTest.mouseRelease(self._canvas, button, pos=self._at(np.asarray(end, float)))
        QTest.qWait(20)


@pytest.mark.parametrize(
    ("told", "release", "expected"),
    [([], (0, 0), []), ([], (5, 5), [(5, 5)]), ([(2, 2), (5, 5)], (5, 5), [(2, 2), (5, 5)])],
)
def test_each_place_is_told_once(told, release, expected):
    event = SimpleNamespace(type="mouse_press", position=(0, 0))
    seen = []
    steps = followed(event, lambda: seen.append(event.position))
    next(steps)
    for place in told:
        event.type, event.position = "mouse_move", place
        next(steps)
    event.type, event.position = "mouse_release", release
    assert next(steps, "ended") == "ended"
    assert seen == expected


@pytest.mark.gui
def test_without_a_single_move_in_a_real_window(make_napari_viewer, model_folder, tmp_path, qtbot):
    viewer = make_napari_viewer(show=True)
    dock = WsssDock(viewer, Session(config_folder=tmp_path / "config"))
    viewer.window.add_dock_widget(dock, name=DOCK_NAME, area="right", add_vertical_stretch=False)
    viewer.window.resize(1000, 700)
    dock.open_project(model_folder)
    dock.session.inference.start()
    qtbot.waitUntil(lambda: not dock.session.jobs.all, timeout=20000)
    hand, sync, mask = Hasty(viewer), dock.sync, dock.sync.mask
    try:
        check_painting(hand, sync, mask)
        check_scribbles(hand, sync, viewer)
        check_polygon(hand, mask)
        check_pointing(hand, dock, qtbot)
    finally:
        dock.shut_down()


def check_painting(hand, sync, mask):
    hand.press("1", "P")
    mask.brush_size = 3
    hand.drag((12, 6), (12, 26))
    assert (mask.data[12, 6:27] == 1).all()
    assert not mask.data[[8, 16]].any()
    hand.press("Ctrl-Z")
    assert not mask.data.any(), "the stroke with its end is one step"
    hand.press("Ctrl-Shift-Z")
    hand.drag((12, 6), (12, 20), RIGHT)
    assert not mask.data[12, 6:21].any()
    assert mask.data[12, 26] == 1
    hand.click((4, 4))
    assert np.count_nonzero(mask.data[:8]) == np.count_nonzero(mask.data[3:6, 3:6]), "a click is no stroke"
    sync.write_mask(np.zeros_like(mask.data))


def check_scribbles(hand, sync, viewer):
    hand.press("O", "2")
    layer = viewer.layers.selection.active
    assert layer is sync.scribbles.painted
    layer.brush_size = 1
    hand.drag((3, 3), (20, 3))
    assert layer.data[3:21, 3].all()
    hand.press("O")


def check_polygon(hand, mask):
    hand.press("2", "G")
    for corner in ((4, 4), (4, 20), (16, 20), (16, 4)):
        hand.click(corner)
    hand.drag((16, 20), (20, 28))
    hand.press("Enter")
    assert mask.data[18, 24] == mask.data[10, 10] == 2
    hand.press("Ctrl-Z", "P")
    assert not mask.data.any()


def check_pointing(hand, dock, qtbot):
    hand.press("2", "X")
    qtbot.waitUntil(lambda: dock.sync.pointing.is_on, timeout=20000)
    pointing, asked = dock.session.pointing, []
    pointing.changed.connect(lambda: asked.append(pointing.prompt.box))  # noted when it is asked, not when answered
    hand.drag((7, 18), (17, 30))
    qtbot.waitUntil(lambda: bool(asked), timeout=20000)
    box = asked[0]
    assert (box.top, box.left, box.bottom, box.right) == (7, 18, 18, 31)
    qtbot.waitUntil(lambda: not pointing.busy, timeout=20000)
    assert dock.sync.pointing.is_on, "an answer leaves the tool in the hand, also after painting"
    assert pointing.prompt.box == box
