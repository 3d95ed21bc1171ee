"""Keys through napari's real dispatch, with the mask layer active and with the image layer active."""

from __future__ import annotations

import numpy as np
import pytest
from qtpy.QtCore import Qt
from qtpy.QtTest import QTest

from napari_wsss.core.scribbles import BACKGROUND_SCRIBBLE
from napari_wsss.session.session import Session
from napari_wsss.widgets.dock import WsssDock
from napari_wsss.widgets.keys import actions as actions_module
from napari_wsss.widgets.keys.table import KEYS
from tests.widgets.person import Person

pytestmark = pytest.mark.gui


@pytest.fixture(scope="module", params=["mask", "image"])
def active(request):
    return request.param


@pytest.fixture
def dock(make_napari_viewer, model_folder, tmp_path, qtbot):
    viewer = make_napari_viewer(show=True)
    made = WsssDock(viewer, Session(config_folder=tmp_path / "config"))
    viewer.window.add_dock_widget(made, name="keys", area="right")
    made.open_project(model_folder)
    made.session.inference.start()
    qtbot.waitUntil(lambda: not made.session.jobs.all, timeout=20000)
    yield made
    made.shut_down()


def check_labels_and_pixels(dock, person, qtbot):
    """A chip takes class and pixels away, Ctrl+Z on the canvas brings both back; the accepted file waits meanwhile."""
    session, sync = dock.session, dock.sync
    session.navigation.go_to("p0.png")
    accepted = session.project.masks.read_accepted("p0.png")
    dock.viewer.layers.selection.active = sync.mask
    dock.tabs.review.classes.chips.layout().itemAt(0).widget().click()
    assert (session.table.record.labels, dock.header.badge.text) == ({"green"}, "draft (was accepted) · labels changed")
    np.testing.assert_array_equal(sync.mask.data, np.where(accepted == 1, 0, accepted))
    assert "Ctrl+Z" in dock.header.status.text()
    person.press("Ctrl-Z")
    qtbot.waitUntil(lambda: session.table.record.labels == {"red", "green"}, timeout=3000)
    np.testing.assert_array_equal(sync.mask.data, accepted)
    person.press("Ctrl-Shift-Z")
    qtbot.waitUntil(lambda: session.table.record.labels == {"green"}, timeout=3000)
    np.testing.assert_array_equal(session.project.masks.read_accepted("p0.png"), accepted)
    assert dock.tabs.review.classes.chips.layout().count() >= 2


def check_scribbling(dock, pressed, person, qtbot):
    """O turns to the scribbles, digits choose their class (0 has a value of its own), R makes the mask."""
    session, sync = dock.session, dock.sync
    pressed("O")
    layer = dock.viewer.layers.selection.active
    assert layer is sync.scribbles.layer
    person.press("0")
    assert layer.selected_label == BACKGROUND_SCRIBBLE
    person.press("3")
    layer.brush_size = 3
    layer.paint((12, 8), 3)
    person.press("R")
    qtbot.waitUntil(lambda: not session.jobs.all, timeout=20000)
    assert (session.table.mask == 3).any()
    person.press("Ctrl-Z")
    assert session.scribbles.any
    assert not (sync.mask.data == 3).any()
    person.press("O")
    assert dock.viewer.layers.selection.active is sync.mask


def check_own_keys(dock, pressed):
    """A chosen key works at once, and the old one is free again."""
    session = dock.session
    session.own_keys.choose("next", "Shift-D")
    before = session.table.image_id
    pressed("D")
    assert session.table.image_id == before
    pressed("Shift-D")
    assert session.table.image_id != before
    session.own_keys.reset()
    pressed("A")
    assert session.table.image_id == before


def check_digits_as_tools(dock, pressed, monkeypatch):
    """With digits for tools, napari's own keys are back on the mask."""
    sync = dock.sync
    monkeypatch.setattr(actions_module, "digits_mean_classes", lambda: False)
    dock.actions_.table_changed.emit()
    value = sync.value
    dock.viewer.layers.selection.active = sync.mask
    Person(dock.viewer).press("2")
    assert (sync.mask.mode, sync.value) == ("paint", value)
    pressed("I")
    assert sync.value == 255


def test_the_whole_table_fires(dock, active, qtbot, monkeypatch):
    """One viewer for all keys: each is pressed with the given layer active and must do what the table says."""
    viewer, session, sync = dock.viewer, dock.session, dock.sync
    person = Person(viewer)

    def activate():
        viewer.layers.selection.active = viewer.layers[active]

    def pressed(*names):
        activate()
        person.press(*names)

    pressed("D")
    assert session.table.image_id == "p1.png"
    pressed("A")
    assert session.table.image_id == "p0.png"
    pressed("2")
    assert sync.value == sync.mask.selected_label == 2
    pressed("0")
    assert sync.value == 0
    pressed("I")
    assert sync.value == 255
    pressed("M")
    popup = dock.tabs.review.classes.class_popup
    assert popup.isVisible()
    QTest.keyClicks(popup.text, "gr")
    QTest.keyClick(popup.text, Qt.Key.Key_Return)
    assert (sync.value, popup.isVisible()) == (2, False)
    pressed("1")
    assert sync.mask.mode == "pan_zoom"  # 1 is a class here, not napari's eraser
    pressed("Y")
    np.testing.assert_array_equal(sync.mask.data, np.where(session.table.proposal == 1, 1, 0))
    pressed("Shift-Y")
    np.testing.assert_array_equal(sync.mask.data, session.table.proposal)
    pressed("G")
    assert sync.mask.mode == "polygon"
    sync.mask.mode = "pan_zoom"
    pressed("T")
    assert viewer.layers["cam · green"].visible
    before = session.sliders.threshold
    pressed(".", ".")
    assert session.sliders.threshold == pytest.approx(before + 0.04)
    pressed(",")
    assert session.sliders.threshold == pytest.approx(before + 0.02)
    camera = viewer.scene.camera
    whole = camera.zoom
    pressed("J")
    first = camera.center
    assert camera.zoom > 1.2 * whole
    pressed("J")
    assert camera.center != first
    activate()
    person.hold("H")
    assert [layer.name for layer in viewer.layers if layer.visible] == ["image"]
    person.let_go("H")
    activate()
    person.hold("C")
    assert [layer.name for layer in viewer.layers if layer.visible] == ["image", "proposal"]
    person.let_go("C")
    assert viewer.layers["mask"].visible
    pressed("Shift-C")
    assert viewer.layers["mask"].contour > 0
    pressed("Shift-C")
    assert viewer.layers["mask"].contour == 0
    pressed("B")
    assert session.comparison.view == "after"
    session.comparison.show("")
    pressed("W")
    assert (session.table.image_id, session.project.catalog.get("p0.png").state) == ("p1.png", "accepted")
    pressed("S")
    assert session.project.catalog.get("p1.png").state == "skipped"
    pressed("Q")
    assert session.project.catalog.get("p2.png").state == "flagged"
    pressed("U")
    assert session.table.image_id == "p3.png"
    pressed("Shift-U")
    assert session.table.image_id == "p5.png"  # round the queue: those before are decided or put off
    pressed("Backspace")
    assert (session.table.image_id, session.project.catalog.get("p2.png").state) == ("p2.png", "todo")
    pressed("K")
    assert dock.key_help.isVisible()
    assert not dock.tabs.isVisible()
    pressed("K")
    assert dock.tabs.isVisible()
    pressed("N")
    assert dock.tabs.review.classes.chips.popup.isVisible()
    dock.tabs.review.classes.chips.popup.close()
    session.labels.add("blue")
    qtbot.waitUntil(lambda: not session.jobs.all, timeout=20000)
    viewer.layers.selection.active = viewer.layers["cam · blue"]
    person.press("2")  # of an image labelled red: what was added is next
    assert sync.value == 3
    check_labels_and_pixels(dock, person, qtbot)
    check_scribbling(dock, pressed, person, qtbot)
    check_own_keys(dock, pressed)
    check_digits_as_tools(dock, pressed, monkeypatch)
    mask = sync.mask
    dock.shut_down()
    assert not any(key in viewer.keymap for key in ("A", "W"))
    assert not mask.keymap


def test_no_key_is_bound_twice():
    assert len({entry.key for entry in KEYS}) == len(KEYS)
