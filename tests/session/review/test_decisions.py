"""Decisions, labels and copying; above all: pixels a person made are changed by nobody else."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.session.conftest import Sitting
from tests.session.hands import Hands


def state(sitting: Sitting, image_id: str = "p0.png") -> str:
    assert sitting.session.project is not None
    return sitting.session.project.catalog.state(image_id)


def test_a_touched_mask_is_accepted_as_it_is(computed: Sitting) -> None:
    session = computed.session
    painted = computed.paint(2, slice(None), slice(None))
    assert computed.accept()
    assert session.project is not None
    np.testing.assert_array_equal(session.project.masks.read_accepted("p0.png"), painted)
    assert session.table.image_id == "p1.png"


def test_an_untouched_image_accepts_the_proposal_shown(computed: Sitting) -> None:
    session, replaced = computed.session, []
    session.signals.mask_replaced.connect(replaced.append)
    assert session.table.proposal is not None
    shown = session.table.proposal.copy()
    assert shown.any()
    assert session.decisions.accept(and_next=False)
    assert session.project is not None
    np.testing.assert_array_equal(session.project.masks.read_accepted("p0.png"), shown)
    np.testing.assert_array_equal(session.table.mask, shown)
    assert replaced == ["p0.png"]


def test_paint_of_the_last_moment_counts_as_touched(computed: Sitting) -> None:
    session = computed.session
    assert session.table.mask is not None
    session.table.mask[:] = 1
    painted = session.table.mask.copy()
    assert computed.accept()
    assert session.project is not None
    np.testing.assert_array_equal(session.project.masks.read_accepted("p0.png"), painted)


def test_strokes_without_the_proposal_are_accepted_at_the_second_asking(computed: Sitting) -> None:
    session = computed.session
    painted = computed.paint(1, slice(0, 1), slice(0, 1)).copy()
    assert not session.decisions.accept(and_next=False)
    assert state(computed) == "draft"
    assert "0% of what is proposed" in computed.notices[0]
    assert computed.accept(and_next=False)
    assert session.project is not None
    np.testing.assert_array_equal(session.project.masks.read_accepted("p0.png"), painted)


def test_strokes_beside_the_copied_proposal_are_accepted_at_once(computed: Sitting) -> None:
    session = computed.session
    copied = session.decisions.copy_proposal()
    assert copied is not None
    assert session.table.mask is not None
    session.table.mask[:] = copied
    assert session.decisions.accept(and_next=False)
    assert computed.notices == []


def test_an_untouched_image_without_proposal_is_not_accepted(sitting: Sitting) -> None:
    assert not sitting.session.decisions.accept()
    assert state(sitting) == "todo"
    assert len(sitting.notices) == 1


def test_an_image_labelled_none_may_be_accepted_as_background(sitting: Sitting) -> None:
    session = sitting.session
    session.labels.set("p0.png", ())
    assert not session.decisions.accept(), "nobody has said yet what is there"
    session.labels.say_nothing_there()
    assert session.decisions.accept()
    assert session.project is not None
    accepted = session.project.masks.read_accepted("p0.png")
    assert accepted is not None
    assert not accepted.any()


def test_a_value_without_class_is_refused_by_name(sitting: Sitting) -> None:
    sitting.paint(9)
    assert not sitting.session.decisions.accept()
    assert "9" in sitting.failures[0]
    assert state(sitting) == "draft"


def test_editing_an_accepted_mask_makes_a_draft_and_keeps_the_file(sitting: Sitting) -> None:
    session = sitting.session
    first = sitting.paint(1)
    sitting.accept(and_next=False)
    sitting.paint(2, slice(4, 8))
    assert state(sitting) == "draft"
    assert session.project is not None
    np.testing.assert_array_equal(session.project.masks.read_accepted("p0.png"), first)


def test_undo_goes_back_to_the_image_as_it_was(sitting: Sitting) -> None:
    session = sitting.session
    painted = sitting.paint(1)
    sitting.accept()
    assert session.table.image_id == "p1.png"
    assert session.decisions.undo()
    assert session.table.image_id == "p0.png"
    assert state(sitting) == "draft"
    np.testing.assert_array_equal(session.table.mask, painted)
    assert session.project is not None
    assert session.project.masks.read_accepted("p0.png") is None


def test_undo_of_nothing_is_said(sitting: Sitting) -> None:
    assert not sitting.session.decisions.undo()
    assert sitting.notices == ["There is no decision to undo."]


def test_flag_and_unflag_return_to_where_the_image_was(sitting: Sitting) -> None:
    session, told = sitting.session, []
    session.signals.state_changed.connect(told.append)
    assert session.decisions.toggle_flag()
    assert state(sitting) == "flagged"
    assert session.decisions.toggle_flag()
    assert state(sitting) == "todo"
    sitting.paint(1)
    sitting.accept(and_next=False)
    session.decisions.toggle_flag()
    session.decisions.toggle_flag()
    assert state(sitting) == "accepted"
    assert session.table.image_id == "p0.png"
    assert set(told) == {"p0.png"}


def test_exclude_moves_on(sitting: Sitting) -> None:
    assert sitting.session.decisions.exclude()
    assert state(sitting) == "excluded"
    assert sitting.session.table.image_id == "p1.png"


def test_copying_the_proposal_changes_nothing_by_itself(computed: Sitting) -> None:
    session = computed.session
    copied = session.decisions.copy_proposal()
    assert copied is not None
    np.testing.assert_array_equal(copied, session.table.proposal)
    assert session.table.mask is not None
    assert not session.table.mask.any()
    one = session.decisions.copy_proposal(1)
    assert one is not None
    np.testing.assert_array_equal(np.unique(one), [0, 1])
    session.table.mask[:] = copied
    session.table.record_change(session.table.mask)
    assert state(computed) == "draft"


def test_copying_without_a_proposal_is_said(sitting: Sitting) -> None:
    assert sitting.session.decisions.copy_proposal() is None
    assert len(sitting.notices) == 1


def test_notes_are_kept(sitting: Sitting) -> None:
    assert sitting.session.decisions.set_note("shadow?")
    assert sitting.session.table.record is not None
    assert sitting.session.table.record.note == "shadow?"


def _settings(examples: int, steps: int) -> settings:
    return settings(  # shrinking what failed would take minutes
        max_examples=examples,
        stateful_step_count=steps,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.reuse, Phase.generate],
    )


def test_only_the_person_changes_a_persons_pixels() -> None:
    run_state_machine_as_test(Hands, settings=_settings(3, 25))


@pytest.mark.slow
def test_only_the_person_changes_a_persons_pixels_in_long_sittings() -> None:
    run_state_machine_as_test(Hands, settings=_settings(15, 40))


def test_touched_and_then_undone_counts_as_untouched(computed: Sitting) -> None:
    session = computed.session
    empty = session.table.mask.copy()
    session.table.replace_mask(session.decisions.copy_proposal(), session.decisions.proposal_source())  # type: ignore[arg-type]
    assert session.table.mask_is_touched
    session.table.mask[:] = empty  # what the layer's undo leaves
    session.table.record_change(session.table.mask)
    assert not session.table.mask_is_touched
    session.navigation.next()
    session.navigation.previous()
    assert not session.table.mask_is_touched, "also when it is opened again"
    shown = session.table.proposal.copy()  # type: ignore[union-attr]
    assert session.decisions.accept(and_next=False)
    np.testing.assert_array_equal(session.project.masks.read_accepted("p0.png"), shown)  # type: ignore[union-attr]


def test_an_empty_mask_over_an_accepted_one_is_a_decision(computed: Sitting) -> None:
    session = computed.session
    assert session.decisions.accept(and_next=False)
    computed.paint(0, slice(None), slice(None))
    assert session.table.mask_is_touched
    assert computed.accept(and_next=False)
    assert not session.project.masks.read_accepted("p0.png").any()  # type: ignore[union-attr]


def test_what_accepting_means_is_said_and_changes_nothing(computed: Sitting) -> None:
    session = computed.session
    for touch in (lambda: None, lambda: computed.paint(2, slice(None), slice(None))):
        touch()
        before = state(computed), session.table.canvas.proposal_ignored
        said = session.decisions.accepting_means()
        assert said == session.decisions.accepting_means()
        assert said.startswith("Accepts your mask" if session.table.mask_is_touched else "Accepts the proposal")
        assert (state(computed), session.table.canvas.proposal_ignored) == before
    assert "asks once" in said
    assert not session.decisions.accept()
    assert "asks once" not in session.decisions.accepting_means(), "it was asked just now"
    session.close_project()
    assert session.decisions.accepting_means().startswith("Nothing to accept")
