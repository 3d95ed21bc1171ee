"""Pointing with the mouse: clicks, boxes, and giving napari its own tools back."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from qtpy.QtCore import Qt

from napari_wsss.core.classes import IGNORE
from napari_wsss.session.session import Session
from napari_wsss.widgets.dock import DOCK_NAME, WsssDock
from napari_wsss.widgets.layers import looks
from napari_wsss.widgets.layers.clicks.point_tool import IN_SHORT, LEFT, RIGHT
from napari_wsss.widgets.layers.clicks.vertices import POLYGON_HINT
from tests.widgets.person import Person

GREEN, RED = np.s_[8:16, 20:28], np.s_[6:18, 4:14]


@pytest.fixture
def tool(sync):
    return sync.pointing


@pytest.fixture
def drag(tool, viewer, session, settle):
    """Return a function that presses, moves through places and lets go, as napari tells it."""

    def go(*places, button=LEFT, held=()):
        at = {"position": places[0], "pos": np.multiply(places[0], 10)}
        event = SimpleNamespace(type="mouse_press", button=button, modifiers=held, **at)
        steps = tool._on_drag(viewer, event)
        assert steps is not None
        next(steps)
        for place in places[1:]:
            event.type, event.position, event.pos = "mouse_move", place, np.multiply(place, 10)
            next(steps)
        event.type = "mouse_release"
        assert next(steps, None) is None
        settle(session)

    return go


def clicks_layer(viewer):
    return next((layer for layer in viewer.layers if looks.role_of(layer) == looks.CLICKS), None)


def test_clicks_and_boxes_write_into_the_mask(tool, drag, sync, viewer):
    sync.choose_value(3)
    tool.toggle()
    assert tool.is_on
    drag((12.2, 24.4))
    assert (sync.mask.data[GREEN] == 3).mean() > 0.9
    layer = clicks_layer(viewer)
    assert layer.data.tolist() == [[12, 24]]
    drag((12, 24), button=RIGHT)
    assert (sync.mask.data[GREEN] == 2).all()  # not blue: what the maps expect most beside it
    assert [str(symbol) for symbol in layer.symbol] == ["disc", "x"]
    sync.choose_value(2)
    drag((7, 18), (8, 20), (17, 30))
    assert (sync.mask.data[GREEN] == 2).mean() > 0.9
    assert len(layer.data) > 50  # the box


def test_a_hidden_mask_is_shown_by_the_tool_and_stays_as_it_is_hidden_after(tool, drag, sync):
    sync.choose_value(3)
    sync.set_tool("paint")
    sync.mask.visible = False
    tool.toggle()
    assert sync.mask.visible  # at once, not by surprise at the first answer
    sync.mask.visible = False  # to see the photograph while pointing
    with_hint = []
    sync.notice.connect(with_hint.append)
    drag((12, 24))
    assert (sync.mask.data[GREEN] == 3).mean() > 0.9
    assert not sync.mask.visible
    assert "hidden" in with_hint[-1]
    sync.mask.visible = True
    assert tool.mode == "things"
    assert (sync.mask.mode, sync.mask.mouse_pan) == ("pan_zoom", False)
    sync.mask.undo()
    assert not (sync.mask.data[GREEN] == 3).any()


def test_a_press_that_hardly_moves_is_a_click_and_one_outside_is_nothing(tool, drag, session, sync):
    tool.toggle()
    drag((12, 24), (12.2, 24.1))
    assert session.pointing.prompt.box is None
    assert len(session.pointing.prompt.clicks) == 1
    before = sync.mask.data.copy()
    drag((-5, 24))
    drag((12, 8), (12.0, 8.6))  # a box without room
    sync.brush.choose(IGNORE)
    drag((22, 30))
    assert np.array_equal(sync.mask.data, before)


def test_escape_ends_the_thing_then_the_tool(tool, drag, session, sync, viewer):
    tool.toggle()
    drag((12, 24))
    tool._on_escape(sync.mask)
    assert tool.is_on
    assert session.pointing.prompt.clicks == ()
    assert not len(clicks_layer(viewer).data)
    tool._on_escape(sync.mask)
    assert not tool.is_on
    assert clicks_layer(viewer) is None
    assert sync.mask.mouse_pan


def test_a_hint_goes_with_its_tool(tool, sync, session):
    said = []
    session.signals.notice.connect(said.append)
    sync.notice.connect(said.append)
    tool.toggle("wand")
    assert said[-1] == IN_SHORT["wand"]
    sync.set_tool("polygon")
    assert said[-2:] == ["", POLYGON_HINT]


def test_napari_gets_the_mouse_back(tool, sync, viewer, session):
    tool.toggle()
    assert (sync.mask.mode, sync.mask.mouse_pan) == ("pan_zoom", False)
    space = tool._while_space(sync.mask)
    next(space)
    assert sync.mask.mouse_pan
    assert next(space, None) is None
    assert not sync.mask.mouse_pan
    sync.mask.mode = "paint"
    assert not tool.is_on
    tool.toggle()
    sync.scribbles.toggle()
    assert not tool.is_on
    tool.toggle()
    assert tool.is_on
    assert sync.scribbles.painted is None
    viewer.layers.selection.active = sync.host.layer("image")
    assert not tool.is_on


def test_it_stays_from_image_to_image(tool, sync, session, settle, qtbot):
    tool.toggle()
    session.navigation.next()
    qtbot.waitUntil(lambda: sync.mask.mouse_pan is False)
    assert tool.is_on
    session.close_project()
    assert not tool.is_on


@pytest.mark.gui
def test_with_a_real_mouse(make_napari_viewer, model_folder, tmp_path, qtbot):
    viewer = make_napari_viewer(show=True)
    dock = WsssDock(viewer, Session(config_folder=tmp_path / "config"))
    viewer.window.add_dock_widget(dock, name=DOCK_NAME, area="right", add_vertical_stretch=False)
    dock.open_project(model_folder)
    dock.session.inference.start()

    def wait() -> None:
        qtbot.waitUntil(lambda: not dock.session.jobs.all, timeout=20000)

    wait()
    person, mask = Person(viewer), dock.sync.mask
    camera = viewer.scene.camera.center
    person.press("3", "X")
    person.click((12, 24))
    wait()
    assert (mask.data[GREEN] == 3).mean() > 0.9
    person.stroke((4, 2), (20, 16))
    wait()
    assert (mask.data[RED] == 3).mean() > 0.9
    person.click((12, 24), Qt.MouseButton.RightButton)
    wait()
    assert not (mask.data[GREEN] == 3).any()
    assert viewer.scene.camera.center == camera
    person.press("Ctrl-Z")
    assert (mask.data[GREEN] == 3).mean() > 0.9
    viewer.window._qt_window.activateWindow()
    dock.shut_down()


def test_regions_are_dragged_over(tool, drag, sync, viewer, session, settle, monkeypatch):
    tool.toggle("regions")
    settle(session)
    lines = next(layer for layer in viewer.layers if looks.role_of(layer) == looks.REGIONS)
    assert lines.data.any()
    sync.choose_value(3)
    drag((12, 20), (12, 27))
    numbers = session.regions.numbers
    crossed = np.isin(numbers, np.unique(numbers[12, 20:28]))
    assert (sync.mask.data[crossed] == 3).all()
    drag((12, 20), button=RIGHT)
    assert not sync.mask.data[numbers == numbers[12, 20]].any()
    given = []
    monkeypatch.setattr(session.regions, "give", lambda places, value, alike: given.append((value, alike)))
    drag((12, 20), held=("Shift",))
    drag((12, 20))
    assert given == [(3, True), (3, False)]
    tool.toggle("things")
    assert session.regions.numbers is None
    assert tool.mode == "things"


def test_the_wand_follows_the_mouse(tool, sync, viewer, session):
    tool.toggle("wand")
    sync.choose_value(3)
    event = SimpleNamespace(type="mouse_press", button=LEFT, position=(12, 24), pos=np.array([0.0, 0.0]))
    steps = tool._on_drag(viewer, event)
    next(steps)
    layer = next(layer for layer in viewer.layers if looks.role_of(layer) == looks.WAND)
    event.type, event.pos = "mouse_move", np.array([160.0, 0.0])
    next(steps)
    assert session.wand.tolerance == 12 + 160 * 0.25
    assert layer.data[GREEN].all()
    event.type = "mouse_release"
    assert next(steps, None) is None
    assert (sync.mask.data[GREEN] == 3).all()
    assert layer not in viewer.layers
    assert tool.is_on
