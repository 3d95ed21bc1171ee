"""Decisions, labels and copying; above all: pixels a person made are changed by nobody else."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from napari_wsss.core.project import Project
from tests.session.conftest import HEIGHT, WIDTH, Sitting, build_project, colours_plan, write_checkpoint


def state(sitting: Sitting, image_id: str = "p0.png") -> str:
    assert sitting.session.project is not None
    return sitting.session.project.catalog.state(image_id)


def test_a_touched_mask_is_accepted_as_it_is(computed: Sitting) -> None:
    session = computed.session
    painted = computed.paint(2, slice(None), slice(None))
    assert session.accept()
    assert session.project is not None
    np.testing.assert_array_equal(session.project.read_accepted("p0.png"), painted)
    assert session.current_id == "p1.png"


def test_an_untouched_image_accepts_the_proposal_shown(computed: Sitting) -> None:
    session, replaced = computed.session, []
    session.mask_replaced.connect(replaced.append)
    assert session.proposal is not None
    shown = session.proposal.copy()
    assert shown.any()
    assert session.accept(and_next=False)
    assert session.project is not None
    np.testing.assert_array_equal(session.project.read_accepted("p0.png"), shown)
    np.testing.assert_array_equal(session.mask, shown)
    assert replaced == ["p0.png"]


def test_paint_of_the_last_moment_counts_as_touched(computed: Sitting) -> None:
    session = computed.session
    assert session.mask is not None
    session.mask[:] = 1
    painted = session.mask.copy()
    assert session.accept()
    assert session.project is not None
    np.testing.assert_array_equal(session.project.read_accepted("p0.png"), painted)


def test_strokes_without_the_proposal_are_accepted_at_the_second_asking(computed: Sitting) -> None:
    session = computed.session
    painted = computed.paint(1, slice(0, 1), slice(0, 1)).copy()
    assert not session.accept(and_next=False)
    assert state(computed) == "draft"
    assert "0% of what is proposed" in computed.notices[0]
    assert session.accept(and_next=False)
    assert session.project is not None
    np.testing.assert_array_equal(session.project.read_accepted("p0.png"), painted)


def test_strokes_beside_the_copied_proposal_are_accepted_at_once(computed: Sitting) -> None:
    session = computed.session
    copied = session.copy_proposal()
    assert copied is not None
    assert session.mask is not None
    session.mask[:] = copied
    assert session.accept(and_next=False)
    assert computed.notices == []


def test_an_untouched_image_without_proposal_is_not_accepted(sitting: Sitting) -> None:
    assert not sitting.session.accept()
    assert state(sitting) == "todo"
    assert len(sitting.notices) == 1


def test_an_image_without_labels_may_be_accepted_as_background(sitting: Sitting) -> None:
    session = sitting.session
    session.set_labels("p0.png", ())
    assert session.accept()
    assert session.project is not None
    accepted = session.project.read_accepted("p0.png")
    assert accepted is not None
    assert not accepted.any()


def test_a_value_without_class_is_refused_by_name(sitting: Sitting) -> None:
    sitting.paint(9)
    assert not sitting.session.accept()
    assert "9" in sitting.failures[0]
    assert state(sitting) == "draft"


def test_editing_an_accepted_mask_makes_a_draft_and_keeps_the_file(sitting: Sitting) -> None:
    session = sitting.session
    first = sitting.paint(1)
    session.accept(and_next=False)
    sitting.paint(2, slice(4, 8))
    assert state(sitting) == "draft"
    assert session.project is not None
    np.testing.assert_array_equal(session.project.read_accepted("p0.png"), first)


def test_undo_goes_back_to_the_image_as_it_was(sitting: Sitting) -> None:
    session = sitting.session
    painted = sitting.paint(1)
    session.accept()
    assert session.current_id == "p1.png"
    assert session.undo_decision()
    assert session.current_id == "p0.png"
    assert state(sitting) == "draft"
    np.testing.assert_array_equal(session.mask, painted)
    assert session.project is not None
    assert session.project.read_accepted("p0.png") is None


def test_undo_of_nothing_is_said(sitting: Sitting) -> None:
    assert not sitting.session.undo_decision()
    assert sitting.notices == ["There is no decision to undo."]


def test_flag_and_unflag_return_to_where_the_image_was(sitting: Sitting) -> None:
    session, told = sitting.session, []
    session.state_changed.connect(told.append)
    assert session.toggle_flag()
    assert state(sitting) == "flagged"
    assert session.toggle_flag()
    assert state(sitting) == "todo"
    sitting.paint(1)
    session.accept(and_next=False)
    session.toggle_flag()
    session.toggle_flag()
    assert state(sitting) == "accepted"
    assert session.current_id == "p0.png"
    assert set(told) == {"p0.png"}


def test_exclude_moves_on(sitting: Sitting) -> None:
    assert sitting.session.exclude()
    assert state(sitting) == "excluded"
    assert sitting.session.current_id == "p1.png"


def test_recent_decisions_are_listed_newest_first(sitting: Sitting) -> None:
    session = sitting.session
    session.skip()
    session.exclude()
    sitting.paint(1)
    found = session.recent_decisions(2)
    assert [(entry.image_id, entry.after["state"]) for entry in found] == [
        ("p1.png", "excluded"),
        ("p0.png", "skipped"),
    ]


def test_copying_the_proposal_changes_nothing_by_itself(computed: Sitting) -> None:
    session = computed.session
    copied = session.copy_proposal()
    assert copied is not None
    np.testing.assert_array_equal(copied, session.proposal)
    assert session.mask is not None
    assert not session.mask.any()
    one = session.copy_proposal(1)
    assert one is not None
    np.testing.assert_array_equal(np.unique(one), [0, 1])
    session.mask[:] = copied
    session.record_change(session.mask)
    assert state(computed) == "draft"


def test_copying_without_a_proposal_is_said(sitting: Sitting) -> None:
    assert sitting.session.copy_proposal() is None
    assert len(sitting.notices) == 1


def test_notes_are_kept(sitting: Sitting) -> None:
    assert sitting.session.set_note("shadow?")
    assert sitting.session.record is not None
    assert sitting.session.record.note == "shadow?"


ACTIONS = (
    "paint", "paint", "erase", "copy", "accept", "accept_here", "skip", "flag", "exclude", "undo", "next", "previous",
    "infer", "retrain", "label", "threshold", "refiners", "flush", "clear", "reopen",
)  # fmt: skip


class Person:
    """Does random things and knows which pixels every mask must hold."""

    def __init__(self, folder: Path) -> None:
        write_checkpoint(build_project(folder, 3))
        self.folder, self.project_folder = folder, folder / "project"
        with Project.open(self.project_folder) as project:
            project.set_plan(colours_plan())
        self.models = 0
        self.masks: dict[str, np.ndarray] = {}
        self.accepted: dict[str, np.ndarray] = {}
        self.open()

    def open(self) -> None:
        self.sitting = Sitting(self.folder / "config")
        self.sitting.session.open_project(self.project_folder)
        self.session = self.sitting.session

    def act(self, action: str, number: int) -> None:
        session, shown = self.session, str(self.session.current_id)
        if action in ("paint", "erase", "copy"):
            if action == "copy":
                copied = session.copy_proposal(None if number % 2 else 1, only_empty=number % 3 == 0)
                if copied is None:
                    return
                session.mask[:] = copied  # type: ignore[index]
                session.record_change(session.mask)  # type: ignore[arg-type]
            else:
                self.sitting.paint(1 + number % 3 if action == "paint" else 0, slice(number % 20, number % 20 + 3))
            if session.mask_is_touched:
                self.masks[shown] = session.mask.copy()  # type: ignore[union-attr]
        elif action in ("accept", "accept_here"):
            meant = self.masks.get(shown, session.proposal)
            if session.accept(and_next=action == "accept"):
                if meant is None:  # possible without labels only: nothing is there
                    assert session.project is not None
                    assert not session.project.catalog.get(shown).labels
                    meant = np.zeros((HEIGHT, WIDTH), np.uint8)
                self.masks[shown] = self.accepted[shown] = meant.copy()
        elif action == "undo":
            session.undo_decision()
            self.take_over()  # what undo restores is tested in core; here only that nothing else moves it
        else:
            self.act_without_pixels(action, number)

    def act_without_pixels(self, action: str, number: int) -> None:
        session = self.session
        assert session.project is not None
        simple = {"skip": session.skip, "flag": session.toggle_flag, "exclude": session.exclude, "next": session.next,
                  "previous": session.previous, "infer": session.start_inference, "flush": session.flush}  # fmt: skip
        if action in simple:
            simple[action]()
        elif action == "retrain":
            self.models += 1
            relative = f"training/classifier-{self.models}/best.safetensors"
            write_checkpoint(self.project_folder, 0.5 + number % 5 / 5, relative)
            session.project.set_plan(colours_plan(checkpoint=relative))
            session.start_refine()
        elif action == "label":
            session.set_labels(str(session.current_id), [["red"], ["green"], ["red", "blue"], []][number % 4])
        elif action == "threshold":
            session.set_threshold(number % 10 / 10)
        elif action == "refiners":
            session.set_parameters("refine", "constant_background", {"background_threshold": 0.3}, "project")
        elif action == "clear":
            session.project.store.clear()
        else:
            session.close_project()
            self.open()

    def take_over(self) -> None:
        assert self.session.project is not None
        project = self.session.project
        for name, known, found in self.on_disk(project):
            known.pop(name, None)
            if found is not None:
                known[name] = found

    def on_disk(self, project: Project) -> Iterator[tuple[str, dict[str, np.ndarray], np.ndarray | None]]:
        for name in ("p0.png", "p1.png", "p2.png"):
            yield name, self.masks, project.working_mask(name)
            yield name, self.accepted, project.read_accepted(name)

    def check(self) -> None:
        project = self.session.project
        assert project is not None
        for name, known, found in self.on_disk(project):
            expected = known.get(name)
            assert (expected is None) == (found is None), name
            if expected is not None:
                np.testing.assert_array_equal(found, expected)
        expected = self.masks.get(str(self.session.current_id), np.zeros((HEIGHT, WIDTH), np.uint8))
        np.testing.assert_array_equal(self.session.mask, expected)


@given(st.lists(st.tuples(st.sampled_from(ACTIONS), st.integers(0, 59)), min_size=4, max_size=14))
@settings(  # a failure is at most 14 actions long: shrinking it would take minutes
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow], phases=[Phase.reuse, Phase.generate]
)
def test_only_the_person_changes_a_persons_pixels(actions: list[tuple[str, int]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        person = Person(Path(folder))
        for action, number in actions:
            person.act(action, number)
            person.sitting.mailbox.drain()
            person.check()
        person.sitting.settle()
        person.check()
        assert person.session.close_project()
