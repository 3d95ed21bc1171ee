"""The camera goes to uncertain places one after the other, and to a new label's peak only while its image is shown."""

from __future__ import annotations

import pytest

from napari_wsss.pixels.regions import Box
from napari_wsss.widgets.layers.gaze import Gaze


@pytest.fixture
def gaze(session, sync):
    return Gaze(session, sync)


def camera(viewer):
    return viewer.scene.camera


def test_a_box_fills_the_canvas(gaze, viewer):
    viewer.reset_view()
    whole = camera(viewer).zoom
    gaze.look_at(Box(4, 8, 10, 16))
    assert camera(viewer).center[-2:] == (6.5, 11.5)
    assert camera(viewer).zoom == pytest.approx(whole * 0.9 * 4)
    gaze.look_at(Box(4, 8, 10, 16))
    assert camera(viewer).zoom == pytest.approx(whole * 0.9 * 4)


def test_its_zoom_ends_with_the_image_and_a_persons_stays(gaze, session, viewer):
    viewer.reset_view()
    whole = camera(viewer).zoom
    gaze.look_at(Box(4, 8, 10, 16))
    session.navigation.next()
    assert camera(viewer).zoom == whole
    gaze.look_at(Box(4, 8, 10, 16))
    camera(viewer).zoom = own = camera(viewer).zoom * 1.5
    session.navigation.next()
    assert camera(viewer).zoom == own


def test_again_means_the_next_place(gaze, session, viewer):
    said, centres = [], []
    session.signals.notice.connect(said.append)
    for _ in range(2):
        gaze.next_uncertain()
        centres.append(camera(viewer).center)
    assert centres[0] != centres[1]
    assert said[0].startswith("Uncertain place 1 of ")
    assert "or background?" in said[0] or "background or" in said[0]
    assert said[1].startswith("Uncertain place 2 of ")


def test_a_new_labels_map_is_shown_at_its_peak(gaze, session, sync, viewer, settle, qtbot):
    said = []
    session.signals.notice.connect(said.append)
    session.labels.remove("green")
    settle(session)
    session.labels.add("green")
    settle(session)
    qtbot.waitUntil(lambda: bool(said))
    assert said == ["Here is most of what the model takes for green. Ctrl+R shows the whole image."]
    assert viewer.layers["cam · green"].visible
    row, column = camera(viewer).center[-2:]
    assert 8 <= row < 16
    assert 20 <= column < 28


def test_the_view_of_another_image_is_not_stolen(gaze, session, viewer, settle, qtbot):
    session.labels.add("blue")
    session.navigation.next()
    before = camera(viewer).center, camera(viewer).zoom
    settle(session)
    gaze._show_class("p0.png", "blue")
    qtbot.wait(10)
    assert (camera(viewer).center, camera(viewer).zoom) == before


def test_nothing_uncertain_is_said(gaze, session):
    said = []
    session.signals.notice.connect(said.append)
    session.labels.set("p0.png", [])
    gaze.next_uncertain()
    assert said == ["Nothing is uncertain here any more."]
