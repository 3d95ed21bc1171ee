"""Vertices of napari's polygon that are moved, and put onto edges, before they become pixels."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from napari_wsss.session.session import Session
from napari_wsss.widgets.dock import DOCK_NAME, WsssDock
from tests.widgets.person import Person

SQUARE = [[4.5, 4.5], [4.5, 14.5], [14.5, 14.5], [14.5, 4.5]]


@pytest.fixture
def polygon(sync):
    """Return napari's polygon over the mask: a square, and the point that follows the mouse."""
    sync.set_tool("polygon")
    found = sync.mask._overlays["polygon"]
    found.points = [*SQUARE, [20.0, 20.0]]
    return found


def drag(sync, viewer, *places, zoom=10.0):
    """Press, move through places (row, column) and let go; return whether the press was ours."""
    event = SimpleNamespace(type="mouse_press", button=1, position=places[0], camera_zoom=zoom)
    steps = sync.vertices._on_press(viewer, event)
    if steps is None:
        return False
    next(steps)
    assert not sync.mask._overlays["polygon"].enabled  # napari adds no vertex meanwhile
    for place in places[1:]:
        event.type, event.position = "mouse_move", place
        next(steps)
    event.type = "mouse_release"
    assert next(steps, None) is None
    return True


def test_a_vertex_follows_the_mouse(polygon, sync, viewer):
    assert drag(sync, viewer, (4.2, 14.1), (6, 18), (2, 20))
    assert polygon.points[1] == [2.5, 20.5]
    assert [*polygon.points[:1], *polygon.points[2:4]] == [SQUARE[0], *SQUARE[2:]]
    assert polygon.points[-1] == SQUARE[-1], "Enter would fill in where the mouse was pressed"
    assert polygon.enabled


def test_a_press_on_an_edge_puts_a_vertex_there(polygon, sync, viewer):
    assert drag(sync, viewer, (9, 14), (9, 18))
    assert polygon.points[:-1] == [*SQUARE[:2], [9.5, 18.5], *SQUARE[2:]]


@pytest.mark.parametrize("place", [(9, 9), (9, 4), (20, 20)])
def test_elsewhere_the_tool_is_napari_s(polygon, sync, viewer, place):
    assert not drag(sync, viewer, place)  # the edge that closes the polygon is where the next vertex comes
    assert polygon.points[:-1] == SQUARE


def test_what_is_near_is_near_on_the_screen(polygon, sync, viewer):
    assert not drag(sync, viewer, (6, 6), zoom=10)
    assert drag(sync, viewer, (6, 6), zoom=2)


def test_other_tools_and_no_tool_are_left_alone(polygon, sync, viewer):
    sync.set_tool("paint")
    assert not drag(sync, viewer, (4, 4))
    viewer.layers.selection.active = None
    assert not drag(sync, viewer, (4, 4))


@pytest.mark.gui
def test_with_a_real_mouse(make_napari_viewer, model_folder, tmp_path):
    viewer = make_napari_viewer(show=True)
    dock = WsssDock(viewer, Session(config_folder=tmp_path / "config"))
    viewer.window.add_dock_widget(dock, name=DOCK_NAME, area="right", add_vertical_stretch=False)
    dock.open_project(model_folder)
    person, mask = Person(viewer), dock.sync.mask
    person.press("2", "G")
    for corner in ((4, 4), (4, 20), (16, 20), (16, 4)):
        person.click(corner)
    person.stroke((4, 20), (8, 26))
    person.stroke((16, 12), (20, 12))
    person.press("Enter")
    dock.sync.commit()
    assert mask.data[8, 24] == mask.data[18, 12] == mask.data[10, 10] == 2
    assert not mask.data[5, 18]
    assert dock.session.table.person_pixels[10, 10]
    person.press("Ctrl-Z")
    assert not np.any(mask.data)
    viewer.window._qt_window.activateWindow()
    dock.shut_down()
