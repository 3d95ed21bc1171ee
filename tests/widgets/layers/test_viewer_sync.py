"""The layers are the session's image, maps, proposal and mask; a person's strokes reach the disk whatever they do."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from napari_wsss.core.masks import read_mask
from napari_wsss.widgets.layers import host, looks, viewer_sync
from napari_wsss.widgets.layers.viewer_sync import ViewerSync


def names(viewer):
    """Return the names of the layers, without the hidden spare maps of images with more labels."""
    return [layer.name for layer in viewer.layers if layer.name != looks.SPARE]


def paint(sync, value=1, rows=slice(0, 3), columns=slice(0, 4)):
    """One stroke, through napari's own history."""
    grid = np.mgrid[rows, columns]
    with sync.mask.block_history():
        sync.mask.data_setitem(tuple(axis.ravel() for axis in grid), value)


def test_layers_are_the_four_kinds_bottom_to_top(sync, viewer):
    assert names(viewer) == ["image", "cam · red", "cam · green", "proposal", "mask"]
    assert viewer.layers.selection.active is sync.mask
    assert all(layer.locked for layer in viewer.layers)
    assert not viewer.layers["proposal"].editable
    assert viewer.layers["proposal"].contour == 2
    assert viewer.layers["mask"].contour == 0
    assert viewer.layers["mask"].data.dtype == np.uint8


def test_layers_show_what_the_session_holds(sync, viewer, session):
    np.testing.assert_array_equal(viewer.layers["image"].data, session.table.image)
    np.testing.assert_array_equal(viewer.layers["cam · red"].data, session.table.maps.scores[0])
    np.testing.assert_array_equal(viewer.layers["proposal"].data, session.table.proposal)
    assert viewer.layers["mask"].data is session.table.mask
    assert set(np.unique(session.table.proposal)) == {0, 1, 2}


def test_the_next_image_keeps_layers_tool_class_and_brush(sync, viewer, session):
    before = {layer.name: layer for layer in viewer.layers}
    sync.mask.mode, sync.mask.brush_size, sync.mask.opacity = "fill", 7, 0.3
    sync.choose_value(2)
    session.navigation.next()
    assert {layer.name: layer for layer in viewer.layers} == before
    assert (sync.mask.mode, sync.mask.brush_size, sync.mask.opacity) == ("fill", 7, 0.3)
    assert sync.mask.selected_label == 2
    np.testing.assert_array_equal(viewer.layers["image"].data, session.table.image)


def test_jobs_give_way_before_layers_are_swapped(sync, viewer, session, monkeypatch):
    shown = []
    monkeypatch.setattr(session.jobs, "give_way", lambda: shown.append(viewer.layers["image"].data))
    before = viewer.layers["image"].data
    session.navigation.next()
    assert len(shown) == 1
    assert shown[0] is before


@pytest.mark.parametrize("is_named_so", [True, False])
def test_the_viewer_measures_its_layers_once_in_a_step_to_another_image(
    sync, viewer, session, monkeypatch, is_named_so
):
    times, measure = [], type(viewer)._on_layers_change
    monkeypatch.setattr(type(viewer), "_on_layers_change", lambda self: (times.append(1), measure(self))[1])
    if not is_named_so:  # in some version of napari to come
        monkeypatch.setattr(host, "MEASURE", "_gone")
    session.navigation.next()
    assert len(times) == 1 if is_named_so else len(times) > 1
    assert viewer.dims.range[-1].stop == session.table.image.shape[1] - 1
    times.clear()
    viewer.layers["image"].data = np.zeros((30, 50, 3), np.uint8)
    assert len(times) == 1  # what others do to a layer is measured as before


def test_brushes_are_as_large_on_the_screen_whatever_the_image_measures(model_folder, empty_session, viewer):
    image = np.zeros((240, 320, 3), np.uint8)
    Image.fromarray(image).save(model_folder.parent / "images" / "p5.png")
    empty_session.open_project(model_folder)
    sync, wanted = ViewerSync(viewer, empty_session), looks.preferences.brush_size()
    small = sync.camera.zoom
    assert sync.mask.brush_size == round(max(1, wanted / small))
    sync.scribbles.choose(True)
    sync.scribbles.layer.brush_size = 3  # a choice while this image is shown
    empty_session.navigation.go_to("p5.png")
    assert sync.camera.zoom == pytest.approx(small / 10)
    assert sync.mask.brush_size == round(wanted / sync.camera.zoom) > 1
    assert sync.scribbles.layer.brush_size == 30
    sync.close()


@pytest.mark.parametrize(
    ("mode", "modifiers", "size"),
    [("paint", ("Shift",), 45), ("erase", ("Shift",), 45), ("paint", (), 40), ("fill", ("Shift",), 40)],
)
def test_shift_and_the_wheel_resize_the_brush_in_hand(sync, viewer, mode, modifiers, size):
    sync.mask.mode, sync.mask.brush_size = mode, 40
    for callback in viewer.mouse_wheel_callbacks:
        callback(viewer, SimpleNamespace(modifiers=modifiers, delta=(1.0, 0.0)))
    assert sync.mask.brush_size == size


def test_undo_never_reaches_the_image_before(sync, session):
    paint(sync, 1, slice(0, 8), slice(0, 12))
    sync.commit()
    session.navigation.next()
    sync.mask.undo()
    assert not sync.mask.data.any()
    session.navigation.previous()
    assert np.count_nonzero(sync.mask.data) == 96


def test_a_stroke_is_a_draft_on_disk_as_soon_as_the_mouse_is_let_go(sync, session, qtbot):
    paint(sync)
    assert session.table.save_state.kind == "unsaved"
    qtbot.wait(1)
    assert (session.table.record.state, session.table.save_state.kind) == ("draft", "saved")
    np.testing.assert_array_equal(session.project.masks.read_draft("p0.png"), sync.mask.data)


def test_the_draft_is_written_by_itself(sync, session, qtbot):
    paint(sync)
    path = session.project.masks.draft_path("p0.png")
    qtbot.waitUntil(path.exists, timeout=20000)
    np.testing.assert_array_equal(read_mask(path), sync.mask.data)


def test_an_array_that_a_script_assigns_is_a_step_with_its_maker(sync, session, qtbot):
    told = []
    session.signals.notice.connect(told.append)
    paint(sync, 2, slice(0, 1), slice(0, 2))
    sync._on_paint()
    given = sync.mask.data.copy()
    given[3:5, 2:6] = 1
    sync.mask.data = given.astype(np.int64)
    table = session.table
    assert sync.mask.data is table.mask
    np.testing.assert_array_equal(table.mask, given)
    assert session.project.masks.has_draft(session.shown_id)
    assert table.record.state == "draft"
    who = [table.sources.text_of(int(table.sources.values[place])) for place in ((0, 0), (3, 2))]
    assert who == ["you", "a script or another plugin"]
    assert "8 pixels" in told[-1]
    sync.mask.undo()
    sync.commit()
    assert np.count_nonzero(table.mask) == 2


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (np.zeros((10, 10), np.uint8), "shape (10, 10)"),
        (np.zeros((2, 8, 12), np.uint8), "shape"),
        (77, "[77], which are no classes"),
    ],
)
def test_an_array_that_cannot_be_the_mask_is_refused_in_a_sentence(sync, session, given, words):
    told = []
    session.signals.notice.connect(told.append)
    paint(sync)
    before = sync.mask.data.copy()
    sync.mask.data = np.full(before.shape, given, np.uint8) if isinstance(given, int) else given
    assert words in told[-1]
    assert sync.mask.data is session.table.mask
    np.testing.assert_array_equal(sync.mask.data, before)


def test_undo_alone_is_recorded_too(sync, session, qtbot):
    paint(sync)
    sync.flush()
    sync.mask.undo()
    qtbot.waitUntil(lambda: not session.project.masks.read_draft("p0.png").any(), timeout=20000)


def test_a_stroke_just_before_leaving_is_kept(sync, session):
    paint(sync, 2)
    session.navigation.next()  # long before the recording timer
    assert np.count_nonzero(session.project.masks.read_working("p0.png") == 2) == 12


def test_strokes_survive_the_loss_of_all_layers(sync, viewer, session):
    paint(sync, 2)
    viewer.layers.clear()  # what napari does first when it closes
    sync.flush()
    assert np.count_nonzero(read_mask(session.project.masks.draft_path("p0.png")) == 2) == 12


def test_a_copied_proposal_is_one_undo_step(sync, session):
    paint(sync, 3, slice(20, 24), slice(0, 32))
    sync.commit()
    before = sync.mask.data.copy()
    sync.write_mask(session.decisions.copy_proposal())
    np.testing.assert_array_equal(sync.mask.data, session.table.proposal)
    sync.mask.undo()
    np.testing.assert_array_equal(sync.mask.data, before)
    sync.mask.redo()
    np.testing.assert_array_equal(sync.mask.data, session.table.proposal)


def test_undo_and_redo_give_each_pixel_back_to_who_made_it(sync, session, qtbot):
    def owners():
        sync.commit()
        return session.table.sources.values.copy()

    states = [owners()]
    sync.write_mask(
        session.decisions.copy_proposal(), session.decisions.proposal_source(), session.decisions.copied_pixels()
    )
    states.append(owners())
    assert (states[1] == 2).all()
    for value in (3, 0):  # faster than the recording timer
        paint(sync, value, slice(6, 12), slice(4, 12))
        qtbot.wait(1)
    assert session.table.person_pixels[6:12, 4:12].all()
    sync.mask.undo()
    states.append(owners())
    sync.mask.undo()
    np.testing.assert_array_equal(owners(), states[1])
    sync.mask.undo()
    np.testing.assert_array_equal(owners(), states[0])
    sync.mask.redo()
    sync.mask.redo()
    np.testing.assert_array_equal(owners(), states[2])
    assert session.table.sources.table[0].kind == "proposal"
    drafted = session.project.masks.working("p0.png").sources
    assert drafted.same_as(session.table.sources)


def test_a_stroke_right_after_undo_makes_only_its_own_pixels_a_persons(sync, session, viewer, qtbot):
    sync.write_mask(
        session.decisions.copy_proposal(), session.decisions.proposal_source(), session.decisions.copied_pixels()
    )
    before = session.table.sources.values.copy()
    paint(sync, 3, slice(6, 12), slice(4, 12))
    qtbot.wait(1)
    sync.mask.undo()
    for callback in viewer.mouse_drag_callbacks:  # the button goes down, within the moment that undo waits
        callback(viewer, None)
    paint(sync, 255, slice(0, 2), slice(0, 4))
    sync.commit()
    expected = before.copy()
    expected[0:2, 0:4] = 1
    np.testing.assert_array_equal(session.table.sources.values, expected)


def test_copying_into_a_hidden_mask_after_a_switch_works(sync, session, viewer):
    sync.mask.visible = False
    session.navigation.next()
    sync.write_mask(session.decisions.copy_proposal())
    assert sync.mask.visible
    np.testing.assert_array_equal(sync.mask.data, session.table.proposal)


def test_the_slider_changes_the_proposal_in_place(sync, session, viewer):
    array = viewer.layers["proposal"].data
    drawn = []
    viewer.layers["proposal"].events.set_data.connect(lambda event: drawn.append(1))
    session.sliders.set_threshold(0.7)
    assert viewer.layers["proposal"].data is array
    np.testing.assert_array_equal(array, session.table.maps.to_mask(0.7))
    assert len(drawn) == 1


def test_the_slider_touches_no_other_layer(sync, session, viewer):
    drawn = []
    for layer in viewer.layers:
        if layer.name != "proposal":
            layer.events.set_data.connect(lambda event: drawn.append(event.source.name))
    session.sliders.set_threshold(0.7)
    assert drawn == []


def test_only_the_current_class_is_shown(sync, viewer):
    shown = lambda: [layer.name for layer in viewer.layers if layer.name.startswith("cam") and layer.visible]  # noqa: E731
    assert shown() == ["cam · red"]
    sync.cams.cycle()
    assert shown() == ["cam · green"]
    sync.cams.cycle()
    assert shown() == ["cam · red"]


def test_a_hidden_map_stays_hidden_on_the_next_image(sync, viewer, session):
    viewer.layers["cam · red"].visible = False
    session.navigation.next()
    assert not viewer.layers["cam · red"].visible
    sync.cams.cycle()
    assert viewer.layers["cam · green"].visible


def test_labels_take_maps_and_proposal_with_them(sync, viewer, session, settle):
    session.labels.remove("red")
    assert names(viewer) == ["image", "cam · green", "proposal", "mask"]
    assert 1 not in viewer.layers["proposal"].data
    session.labels.add("blue")
    settle(session)
    assert names(viewer) == ["image", "cam · green", "cam · blue", "proposal", "mask"]
    np.testing.assert_array_equal(viewer.layers["cam · blue"].data, session.table.maps.scores[1])


def test_images_with_fewer_labels_have_fewer_map_layers(sync, viewer, session):
    green = viewer.layers["cam · green"]
    session.navigation.go_to("p2.png")
    assert names(viewer) == ["image", "cam · red", "proposal", "mask"]
    assert not green.visible
    session.navigation.go_to("p3.png")
    assert viewer.layers["cam · green"] is green
    assert names(viewer) == ["image", "cam · red", "cam · green", "proposal", "mask"]
    np.testing.assert_array_equal(viewer.layers["cam · green"].data, session.table.maps.scores[1])


def test_spare_maps_are_emptied_when_the_person_stays(viewer, session, qtbot, monkeypatch):
    monkeypatch.setattr(viewer_sync, "TIDY_AFTER_MS", 50)
    sync = ViewerSync(viewer, session)
    session.navigation.go_to("p2.png")
    spare = viewer.layers[looks.SPARE]
    qtbot.waitUntil(lambda: spare.data.shape == (1, 1), timeout=20000)
    assert spare in viewer.layers  # removing it would stop the window
    session.navigation.go_to("p3.png")
    assert spare.data.shape == session.table.image.shape[:2]
    assert names(viewer) == ["image", "cam · red", "cam · green", "proposal", "mask"]
    sync.close()


@pytest.mark.parametrize("name", ["mask", "proposal", "image", "cam · red", "cam · green"])
def test_a_removed_layer_comes_back(sync, viewer, session, qtbot, name):
    paint(sync)
    sync.commit()
    with qtbot.waitSignal(sync.notice) as said:
        viewer.layers.remove(viewer.layers[name])
    assert names(viewer) == ["image", "cam · red", "cam · green", "proposal", "mask"]
    assert name in said.args[0]
    np.testing.assert_array_equal(sync.mask.data, session.table.mask)
    assert np.count_nonzero(sync.mask.data) == 12
    np.testing.assert_array_equal(viewer.layers["proposal"].data, session.table.proposal)
    sync.mask.undo()
    paint(sync, 2, slice(5, 9))  # and it is alive
    sync.commit()
    assert np.count_nonzero(session.table.mask == 2) == 16


def test_names_are_fixed(sync, viewer, qtbot):
    with qtbot.waitSignal(sync.notice):
        viewer.layers["mask"].name = "mine"
    assert names(viewer)[-1] == "mask"


def test_somebody_elses_layer_of_the_same_name_is_left_alone(viewer, session):
    other = viewer.add_image(np.zeros((4, 4)), name="mask")
    sync = ViewerSync(viewer, session)
    assert sync.mask is not other
    assert other.name == "mask"
    session.close_project()
    assert list(viewer.layers) == [other]
    sync.close()


def test_holding_shows_the_proposal_or_the_image_alone(sync, viewer):
    sync.mask.mode = "paint"
    visible = lambda: [layer.name for layer in viewer.layers if layer.visible]  # noqa: E731
    before = visible()
    sync.peek.hold("proposal")
    assert visible() == ["image", "proposal"]
    sync.peek.hold("image")
    assert visible() == ["image"]
    sync.peek.release()
    assert visible() == before
    assert sync.mask.mode == "paint"


def test_switching_while_holding_ends_the_holding(sync, viewer, session):
    sync.peek.hold("image")
    session.navigation.next()
    assert viewer.layers["mask"].visible
    assert viewer.layers["proposal"].visible


def test_accepting_an_untouched_image_puts_the_proposal_into_the_layer(sync, session):
    session.decisions.accept(and_next=False)
    np.testing.assert_array_equal(sync.mask.data, session.table.proposal)
    sync.commit()
    assert session.table.record.state == "accepted"


def test_accepting_the_last_undecided_image_keeps_it_accepted(sync, session):
    for image_id in list(session.navigation.queue.ids()):
        session.navigation.go_to(image_id)
        sync.commit()
        session.decisions.accept()
        sync.commit()
    assert session.project.catalog.counts()["accepted"] == 6
    np.testing.assert_array_equal(sync.mask.data, session.project.masks.read_accepted(session.table.image_id))


def test_read_only_masks_cannot_be_edited(viewer, empty_session, model_folder):
    empty_session.open_project(model_folder, read_only=True)
    sync = ViewerSync(viewer, empty_session)
    assert not sync.mask.editable
    sync.set_tool("paint")
    assert sync.mask.mode == "pan_zoom"
    sync.close()


def test_an_added_class_gets_its_colour(sync, session):
    count = len(sync.mask.colormap.color_dict)
    session.class_list.add("white")
    assert len(sync.mask.colormap.color_dict) == count + 1
    sync.choose_value(4)
    assert sync.value == 4


def test_a_renamed_class_renames_its_map(sync, viewer, session):
    layer = viewer.layers["cam · red"]
    session.class_list.rename("red", "crimson")
    assert layer.name == "cam · crimson"
    sync.cams.cycle()
    assert viewer.layers["cam · green"].visible or layer.visible


def test_closing_the_project_removes_our_layers(sync, viewer, session):
    session.close_project()
    assert len(viewer.layers) == 0
    assert sync.mask is None


def test_a_new_layer_does_not_take_the_brush_away(sync, session, viewer, settle):
    assert viewer.layers.selection.active is sync.mask
    session.labels.add("blue")
    settle(session)
    session.doubts.show(True)
    settle(session)
    assert {"cam · blue", "uncertainty"} <= {layer.name for layer in viewer.layers}
    assert viewer.layers.selection.active is sync.mask


def test_the_image_alone_is_fitted_and_not_what_is_hidden(viewer, sync):
    sync.show_whole()
    camera = getattr(viewer, "scene", viewer).camera
    fitted = camera.zoom, camera.center
    viewer.add_image(np.zeros((500, 900)), visible=False)
    viewer.reset_view()
    sync.show_whole()
    assert (camera.zoom, camera.center) == fitted


def test_the_maps_fade_behind_a_mask(viewer, session, sync):
    shown = next(layer for layer in viewer.layers if layer.name.startswith("cam") and layer.visible)
    before = shown.opacity
    sync.write_mask(np.ones_like(session.table.mask))
    assert shown.opacity < before
    sync.write_mask(np.zeros_like(session.table.mask))
    assert shown.opacity == pytest.approx(before)
