"""Keys through napari's real dispatch, with the mask layer active and with the image layer active."""

from __future__ import annotations

import numpy as np
import pytest

from napari_wsss.session.session import Session
from napari_wsss.widgets.dock import WsssDock
from napari_wsss.widgets.keys import KEYS
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
    made.session.start_inference()
    qtbot.waitUntil(lambda: not made.session.jobs.all, timeout=20000)
    yield made
    made.shut_down()


def test_the_whole_table_fires(dock, active, qtbot):
    """One viewer for all keys: each is pressed with the given layer active and must do what the table says."""
    viewer, session, sync = dock.viewer, dock.session, dock.sync
    person = Person(viewer)

    def activate():
        viewer.layers.selection.active = viewer.layers[active]

    def pressed(*names):
        activate()
        person.press(*names)

    pressed("D")
    assert session.current_id == "p1.png"
    pressed("A")
    assert session.current_id == "p0.png"
    pressed("2")
    assert sync.value == sync.mask.selected_label == 2
    pressed("0")
    assert sync.value == 0
    pressed("I")
    assert sync.value == 255
    pressed("1")
    assert sync.mask.mode == "pan_zoom"  # 1 is a class here, not napari's eraser
    pressed("Y")
    np.testing.assert_array_equal(sync.mask.data, np.where(session.proposal == 1, 1, 0))
    pressed("Shift-Y")
    np.testing.assert_array_equal(sync.mask.data, session.proposal)
    pressed("G")
    assert sync.mask.mode == "polygon"
    sync.mask.mode = "pan_zoom"
    pressed("T")
    assert viewer.layers["cam · green"].visible
    before = session.threshold
    pressed(".", ".")
    assert session.threshold == pytest.approx(before + 0.04)
    pressed(",")
    assert session.threshold == pytest.approx(before + 0.02)
    activate()
    person.hold("H")
    assert [layer.name for layer in viewer.layers if layer.visible] == ["image"]
    person.let_go("H")
    activate()
    person.hold("C")
    assert [layer.name for layer in viewer.layers if layer.visible] == ["image", "proposal"]
    person.let_go("C")
    assert viewer.layers["mask"].visible
    pressed("B")
    assert session.comparison.view == "after"
    session.comparison.show("")
    pressed("W")
    assert (session.current_id, session.project.catalog.get("p0.png").state) == ("p1.png", "accepted")
    pressed("S")
    assert session.project.catalog.get("p1.png").state == "skipped"
    pressed("Q")
    assert session.project.catalog.get("p2.png").state == "flagged"
    pressed("U")
    assert session.current_id == "p3.png"
    pressed("Backspace")
    assert (session.current_id, session.project.catalog.get("p2.png").state) == ("p2.png", "todo")
    pressed("K")
    assert dock.key_help.isVisible()
    dock.key_help.close()
    pressed("N")
    assert dock.review_page.classes.chips.popup.isVisible()
    dock.review_page.classes.chips.popup.close()
    session.add_label("blue")
    qtbot.waitUntil(lambda: not session.jobs.all, timeout=20000)
    viewer.layers.selection.active = viewer.layers["cam · blue"]
    person.press("3")
    assert sync.value == 3
    mask = sync.mask
    dock.shut_down()
    assert not any(key in viewer.keymap for key in ("A", "W"))
    assert not mask.keymap


def test_no_key_is_bound_twice():
    assert len({entry.key for entry in KEYS}) == len(KEYS)
