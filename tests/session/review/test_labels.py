"""Labels change maps, proposal and mask together, and come back together."""

from __future__ import annotations

import numpy as np
import pytest

from napari_wsss.project.project import Project
from tests.session.conftest import Sitting

RED, GREEN, BLUE = 1, 2, 3


def labels(sitting: Sitting, image_id: str = "p0.png") -> frozenset[str]:
    assert sitting.session.project is not None
    return sitting.session.project.catalog.get(image_id).labels


def on_disk(sitting: Sitting) -> np.ndarray:
    """Return the draft as a crash at this moment would leave it."""
    assert sitting.session.project is not None
    with Project.open(sitting.session.project.folder, read_only=True) as project:
        found = project.masks.read_draft("p0.png")
    assert found is not None
    return found


def test_labels_are_set_added_and_removed(sitting: Sitting) -> None:
    session, told = sitting.session, []
    session.signals.labels_changed.connect(told.append)
    session.labels.add("blue")
    session.labels.remove("red")
    session.labels.remove("red")
    session.labels.add("blue", "p2.png")
    assert labels(sitting) == {"green", "blue"}
    assert labels(sitting, "p2.png") == {"red", "blue"}
    assert told == ["p0.png", "p0.png", "p2.png"]
    assert not session.labels.add("violet")
    assert "violet" in sitting.failures[0]


@pytest.fixture
def copied(computed: Sitting) -> Sitting:
    """Return a session whose mask is the proposal with a red stroke of a person in its upper left corner."""
    session = computed.session
    session.table.record_change(session.decisions.copy_proposal())  # type: ignore[arg-type]
    computed.paint(RED)
    return computed


def test_a_removed_label_leaves_the_mask(copied: Sitting) -> None:
    session, replaced = copied.session, []
    session.signals.mask_replaced.connect(replaced.append)
    assert session.table.mask is not None
    before, red = session.table.mask.copy(), int(np.count_nonzero(session.table.mask == RED))
    assert session.labels.remove("red")
    assert session.table.proposal is not None
    np.testing.assert_array_equal(session.table.mask, np.where(before == RED, 0, before))
    assert RED not in session.table.proposal
    assert replaced == ["p0.png"]
    assert copied.notices == [f"{red:,} pixels of red taken out of the mask. Ctrl+Z brings them and the label back."]
    np.testing.assert_array_equal(on_disk(copied), session.table.mask)


def test_the_machines_pixels_become_its_next_best_class(computed: Sitting) -> None:
    session = computed.session
    assert session.project is not None
    session.labels.set("p0.png", ["red", "green", "blue"])
    computed.settle()
    session.sliders.set_threshold(0.02)  # everything is of some class: what was red becomes green or blue
    session.table.record_change(session.decisions.copy_proposal(), session.decisions.proposal_source())  # type: ignore[arg-type]
    computed.paint(RED)
    assert session.table.mask is not None
    assert session.table.sources is not None
    machine = (session.table.mask == RED) & session.table.sources.machine
    person = (session.table.mask == RED) & session.table.sources.person
    assert session.labels.remove("red")
    assert set(np.unique(session.table.mask[machine])) <= {0, GREEN, BLUE}
    assert np.count_nonzero(session.table.mask[machine]) > 0.9 * np.count_nonzero(machine)
    assert not session.table.mask[person].any()


def test_undo_and_redo_of_the_pixels_take_the_label_along(copied: Sitting) -> None:
    session = copied.session
    assert session.table.mask is not None
    before = session.table.mask.copy()
    session.labels.remove("red")
    after = session.table.mask.copy()
    copied.paint(BLUE, slice(20, 24))
    session.table.record_change(after)  # napari's undo, step by step
    assert labels(copied) == {"green"}
    session.table.record_change(before)
    assert labels(copied) == {"red", "green"}
    assert session.table.proposal is not None
    session.table.record_change(after)
    assert labels(copied) == {"green"}
    np.testing.assert_array_equal(session.table.mask, after)


@pytest.mark.parametrize("way", ["undo", "again"])
def test_taking_the_edit_back_brings_label_and_pixels_back(copied: Sitting, way: str) -> None:
    session = copied.session
    assert session.table.mask is not None
    before = session.table.mask.copy()
    assert not session.labels.can_be_undone
    session.labels.remove("red")
    assert session.labels.can_be_undone
    assert session.labels.undo() if way == "undo" else session.labels.add("red")
    assert labels(copied) == {"red", "green"}
    np.testing.assert_array_equal(session.table.mask, before)
    np.testing.assert_array_equal(on_disk(copied), before)
    assert not session.labels.can_be_undone


def test_what_was_painted_since_stays(copied: Sitting) -> None:
    session = copied.session
    assert session.table.mask is not None
    before = session.table.mask.copy()
    session.labels.remove("red")
    copied.paint(BLUE, slice(0, 1), slice(0, 3))  # over some of what was red
    session.labels.undo()
    assert labels(copied) == {"red", "green"}
    before[0, :3] = BLUE
    np.testing.assert_array_equal(session.table.mask, before)


def test_edits_without_pixels_are_taken_back_one_by_one(computed: Sitting) -> None:
    session = computed.session
    session.labels.add("blue")
    session.labels.remove("red")
    assert session.table.mask is not None
    assert not session.table.mask.any()
    assert not session.table.mask_is_touched
    session.labels.undo()
    assert labels(computed) == {"red", "green", "blue"}
    session.labels.undo()
    assert labels(computed) == {"red", "green"}
    assert not session.labels.undo()
    session.labels.add("blue")
    session.navigation.next()
    session.navigation.previous()
    assert not session.labels.can_be_undone


def test_an_accepted_mask_becomes_a_draft(copied: Sitting) -> None:
    session = copied.session
    session.decisions.accept(and_next=False)
    assert session.project is not None
    accepted = session.project.masks.read_accepted("p0.png")
    session.labels.remove("green")
    assert session.project.catalog.state("p0.png") == "draft"
    np.testing.assert_array_equal(session.project.masks.read_accepted("p0.png"), accepted)


def test_setting_labels_and_other_images_never_change_a_mask(copied: Sitting) -> None:
    session = copied.session
    assert session.table.mask is not None
    before = session.table.mask.copy()
    session.navigation.next()
    session.labels.remove("red", "p0.png")
    session.navigation.previous()
    np.testing.assert_array_equal(session.table.mask, before)
    session.labels.set("p0.png", ["blue"])
    copied.settle()
    np.testing.assert_array_equal(session.table.mask, before)


def test_the_map_of_an_added_label_is_told_once(computed: Sitting) -> None:
    session, told = computed.session, []
    session.signals.class_found.connect(lambda image_id, name: told.append((image_id, name)))
    session.labels.add("blue")
    computed.settle()
    assert told == [("p0.png", "blue")]
    session.sliders.set_threshold(0.3)
    session.flush()
    computed.settle()
    assert told == [("p0.png", "blue")]


def test_who_has_moved_on_is_not_told(computed: Sitting) -> None:
    session, told = computed.session, []
    session.signals.class_found.connect(lambda image_id, name: told.append((image_id, name)))
    session.labels.add("blue")
    session.navigation.next()
    computed.settle()
    session.navigation.previous()
    computed.settle()
    assert told == []


def test_nothing_there_takes_labels_and_pixels_away_and_comes_back_as_a_whole(copied: Sitting) -> None:
    session = copied.session
    before = session.table.mask.copy()
    assert session.labels.say_nothing_there()
    assert session.table.record.negative
    assert labels(copied) == set()
    assert not session.table.mask.any()
    assert session.labels.undo()
    assert not session.table.record.negative
    assert labels(copied) == {"red", "green"}
    np.testing.assert_array_equal(session.table.mask, before)


def test_what_is_said_of_an_image_without_labels_is_one_of_two(computed: Sitting) -> None:
    session = computed.session
    session.labels.set("p0.png", ())
    computed.settle()
    assert not session.table.record.labelled
    assert session.table.proposal is None, "a classifier looks for labelled classes only"
    session.labels.say_nothing_there()
    computed.settle()
    assert session.table.record.negative
    assert session.table.proposal is not None
    assert not session.table.proposal.any()
    session.labels.say_not_labelled()
    computed.settle()
    assert not session.table.record.labelled
    assert session.table.proposal is None
    session.labels.say_nothing_there()
    session.labels.add("red")
    assert not session.table.record.negative


def test_what_is_not_known_can_be_decided_and_taken_back(sitting: Sitting) -> None:
    session = sitting.session
    project = session.project
    session.labels.set("p0.png", ["red"], unknown=frozenset({"green", "blue"}))
    session.labels.add("blue")
    assert (labels(sitting), project.catalog.get("p0.png").unknown) == ({"red", "blue"}, {"green"})
    session.labels.remove("green")
    assert (labels(sitting), project.catalog.get("p0.png").unknown) == ({"red", "blue"}, frozenset())
    session.labels.undo()
    session.labels.undo()
    assert (labels(sitting), project.catalog.get("p0.png").unknown) == ({"red"}, {"green", "blue"})


def test_an_image_without_the_last_unknown_class_is_labelled_none(sitting: Sitting) -> None:
    session, catalog = sitting.session, sitting.session.project.catalog
    session.labels.set("p0.png", [], unknown=frozenset({"green"}))
    session.labels.remove("green")
    assert catalog.get("p0.png").negative
    session.labels.undo()
    assert (catalog.get("p0.png").negative, catalog.get("p0.png").unknown) == (False, {"green"})
