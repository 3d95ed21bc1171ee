"""Every verb says why it cannot act, and hands strokes over before it acts."""

from __future__ import annotations

import numpy as np
import pytest

from napari_wsss.session.results.live import SLIDER
from napari_wsss.widgets.keys.actions import Actions
from napari_wsss.widgets.keys.own_keys import class_keys
from napari_wsss.widgets.keys.table import KEYS
from napari_wsss.widgets.layers.viewer_sync import ViewerSync


def test_every_key_has_its_action(actions):
    for entry in KEYS:
        assert entry.action in actions._verbs


def test_without_a_project_every_verb_says_so(viewer, empty_session, qtbot):
    sync = ViewerSync(viewer, empty_session)
    actions = Actions(empty_session, sync)
    for entry in KEYS:
        if entry.action != "help":
            with qtbot.waitSignal(actions.notice) as said:
                actions.run(entry.action)
            assert "no project is open" in said.args[0]
    sync.close()


@pytest.mark.parametrize(
    ("action", "reason"), [("value_7", "3 classes"), ("copy_class", ""), ("cycle", ""), ("threshold_up", "")]
)
def test_reasons_name_what_is_missing(actions, action, reason):
    found = actions.why_disabled(action)
    assert (reason in found) if reason else found == ""


def test_reasons_change_with_the_image(actions, session, settle):
    session.labels.set("p0.png", [])
    settle(session)
    assert actions.why_disabled("cycle") == "the image has no labels"


def test_the_key_beside_a_class_is_the_key_that_works(actions, sync, session, settle):
    session.labels.set("p1.png", ["blue", "green"])
    session.navigation.go_to("p1.png")
    settle(session)
    titles = {entry.key: actions.title_of(entry) for entry in actions.table if entry.key.isdigit()}
    assert [titles[key] for key in "0123"] == ["paint background", "paint green", "paint blue", "paint red"]
    for value, key in class_keys(actions.table, session.digits).items():
        action = next(entry.action for entry in actions.table if entry.key == key)
        actions.run(action)
        assert sync.value == value


def test_ignore_has_no_proposal(actions, sync):
    sync.choose_value(255)
    assert "ignore" in actions.why_disabled("copy_class")


def test_read_only_projects_take_no_decisions(viewer, empty_session, model_folder):
    empty_session.open_project(model_folder, read_only=True)
    sync = ViewerSync(viewer, empty_session)
    actions = Actions(empty_session, sync)
    assert actions.why_disabled("accept") == "the project is open read-only"
    assert actions.why_disabled("next") == ""
    sync.close()


def test_accepting_takes_the_stroke_along(actions, sync, session, qtbot):
    sync.mask.data_setitem((np.array([1, 2]), np.array([1, 2])), 3)
    said = []
    session.signals.notice.connect(said.append)
    actions.run("accept")
    assert session.table.image_id == "p0.png"  # most of the proposal was left out: asked once
    assert said[-1].startswith("Not accepted yet")
    actions.run("accept")
    accepted = session.project.masks.read_accepted("p0.png")
    assert accepted[1, 1] == accepted[2, 2] == 3
    assert np.count_nonzero(accepted) == 2  # the painted mask, not the proposal


def test_cycling_takes_the_brush_along_but_not_the_eraser(actions, sync):
    actions.run("cycle")
    assert (sync.cams.current, sync.value) == ("green", 2)
    sync.choose_value(3)  # not a label of this image
    actions.run("cycle")
    assert (sync.cams.current, sync.value) == ("green", 2)
    sync.choose_value(0)
    actions.run("cycle")
    assert (sync.cams.current, sync.value) == ("red", 0)


def test_copying_one_class_adds_it(actions, sync, session):
    sync.choose_value(2)
    actions.run("copy_class")
    np.testing.assert_array_equal(sync.mask.data, np.where(session.table.proposal == 2, 2, 0))


def test_copying_into_empty_pixels_keeps_the_others(actions, sync, session):
    sync.mask.data_setitem((np.array([10]), np.array([6])), 3)
    actions.copy(None, only_empty=True)
    assert sync.mask.data[10, 6] == 3
    changed = np.flatnonzero(sync.mask.data != session.table.proposal)
    assert len(changed) == 1


def test_the_threshold_moves_in_steps_and_stays_in_bounds(actions, session):
    for _ in range(60):
        actions.run("threshold_up")
    assert session.sliders.threshold == pytest.approx(SLIDER[1])


def test_typed_things_are_kept_before_leaving(actions, qtbot):
    with qtbot.waitSignal(actions.about_to_run):
        actions.go_to("p3.png")
