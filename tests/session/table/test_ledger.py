"""Every pixel keeps who made it through any painting, machine steps, undo and redo."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from napari_wsss.core.sources import FIRST_MACHINE, NOTHING, PERSON, Source, Sources
from napari_wsss.project.sourced_masks import SourcedMask
from napari_wsss.session.table import ledger
from napari_wsss.session.table.ledger import NOWHERE, Ledger, box_of, everywhere, is_everywhere

SHAPE = (6, 7)
ROWS = st.tuples(st.integers(0, 5), st.integers(1, 6)).map(lambda pair: slice(pair[0], pair[0] + pair[1]))
ACTIONS = st.lists(
    st.tuples(st.sampled_from(["paint", "copy", "claim", "undo", "redo"]), ROWS, st.integers(0, 2)), max_size=25
)


class Layer:
    """A mask with the history of napari's layer, and what the sources must be after each of its steps."""

    def __init__(self, drawn: Ledger) -> None:
        self.ledger, self.mask = drawn, drawn.state.values.copy()
        self.owners = np.zeros(SHAPE, int)  # 0 nobody, -1 the person, else the number of a machine
        self.done: list[tuple[np.ndarray, np.ndarray]] = []
        self.undone: list[tuple[np.ndarray, np.ndarray]] = []

    def paint(self, rows: slice, value: int, machine: int = 0, claim: bool = False) -> None:
        before = self.mask.copy(), self.owners.copy()
        self.mask[rows] = value
        asked = np.zeros(SHAPE, bool)
        asked[rows] = True
        changed = self.mask != before[0]
        self.owners[(changed | (asked & (self.owners != -1))) if claim else changed] = machine or -1
        if changed.any():
            self.done.append(before)
            self.undone.clear()
        else:
            self.keep_ahead(before)
        source = Source("proposal", key=str(machine)) if machine else None
        self.ledger.note(self.mask, source, asked if claim else None)

    def keep_ahead(self, before: tuple[np.ndarray, np.ndarray]) -> None:
        """Where steps that were undone leave a pixel alone, it has its new owner after them too."""
        moved, (mask, owners) = self.owners != before[1], before
        for number in reversed(range(len(self.undone))):
            later_mask, later_owners = self.undone[number]
            moved &= (later_mask == mask) & (later_owners == owners)
            mask, owners = later_mask, later_owners
            self.undone[number] = (later_mask, np.where(moved, self.owners, later_owners))

    def travel(self, here: list, there: list) -> None:
        if not here or self.is_doubtful():
            return
        there.append((self.mask.copy(), self.owners.copy()))
        self.mask, self.owners = (part.copy() for part in here.pop())
        self.ledger.note(self.mask, painted=False)

    def is_doubtful(self) -> bool:
        """Undo and redo give the same mask, so nobody could tell them apart."""
        return bool(self.done and self.undone and np.array_equal(self.done[-1][0], self.undone[-1][0]))

    def check(self) -> None:
        state = self.ledger.state
        np.testing.assert_array_equal(state.values, self.mask)
        found = np.zeros(SHAPE, int)
        for value in np.unique(state.sources.values):
            source = state.sources.source_of(int(value))
            found[state.sources.values == value] = {NOTHING: 0, PERSON: -1}.get(value) or int(
                source.key if source else 0
            )
        np.testing.assert_array_equal(found, self.owners)


# A claim of pixels whose values stay is no step of the layer: undo takes it back with the step before, redo with it.
CLAIMED = [
    ("copy", slice(1, 2), 1),
    ("paint", slice(0, 1), 0),
    ("paint", slice(0, 1), 0),
    ("paint", slice(0, 1), 1),
    ("claim", slice(0, 2), 1),
    ("undo", slice(0, 1), 0),
    ("redo", slice(0, 1), 0),
]
# Two claims lie between the mask and what undo brings back, one step between it and the same mask by redo.
CLAIMED_TWICE = [
    ("copy", slice(1, 2), 1),
    ("claim", slice(1, 2), 1),
    ("claim", slice(1, 2), 1),
    ("paint", slice(0, 1), 1),
    ("paint", slice(0, 6), 0),
    *[("undo", slice(0, 1), 0)] * 3,
]
CLAIMED_BETWEEN = [
    ("copy", slice(1, 2), 1),
    ("paint", slice(0, 1), 1),
    ("undo", slice(0, 1), 0),
    ("claim", slice(0, 2), 2),
    ("undo", slice(0, 1), 0),
    ("claim", slice(1, 2), 1),
    ("redo", slice(0, 1), 0),
    ("undo", slice(0, 1), 0),
]


@given(ACTIONS)
@example(CLAIMED)
@example(CLAIMED_TWICE)
@example(CLAIMED_BETWEEN)
@settings(max_examples=60, deadline=None)
def test_sources_follow_any_sequence_of_steps(actions: list[tuple[str, slice, int]]) -> None:
    follow(actions)


@given(ACTIONS)
@example(CLAIMED)
@example(CLAIMED_TWICE)
@example(CLAIMED_BETWEEN)
@settings(max_examples=60, deadline=None)
def test_steps_kept_as_boxes_are_the_same(actions: list[tuple[str, slice, int]]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ledger, "FEW", 0)
        patch.setattr(ledger, "STRIP", 7)
        follow(actions)


def test_a_whole_mask_is_kept_without_a_list_of_its_positions() -> None:
    shape = (600, 700)
    drawn = Ledger(SourcedMask.empty(shape))
    proposal = np.ones(shape, np.uint8)
    proposal[5:9, 8:20] = 2
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ledger.np, "flatnonzero", few_only(ledger.np.flatnonzero))
        assert len(drawn.note(proposal, Source("proposal"), np.ones(shape, bool))) == proposal.size
        drawn.note(np.zeros(shape, np.uint8), painted=False)
        assert (drawn.state.sources.values == NOTHING).all()
        drawn.note(proposal, painted=False)
    assert (drawn.state.sources.values == FIRST_MACHINE).all()


def few_only(found: Callable[[np.ndarray], np.ndarray]) -> Callable[[np.ndarray], np.ndarray]:
    """Return `flatnonzero` that refuses to list more than a side of the mask."""

    def positions(where: np.ndarray) -> np.ndarray:
        assert np.count_nonzero(where) <= 700
        return found(where)

    return positions


def follow(actions: list[tuple[str, slice, int]]) -> None:
    layer = Layer(Ledger(SourcedMask.empty(SHAPE)))
    for number, (action, rows, value) in enumerate(actions):
        if action in ("undo", "redo"):
            layer.travel(*((layer.done, layer.undone) if action == "undo" else (layer.undone, layer.done)))
        else:
            machine = 0 if action == "paint" else 1 + number % 3
            layer.paint(rows, value, machine, claim=action == "claim")
        layer.check()


def mask_of(value: int) -> np.ndarray:
    return np.full(SHAPE, value, np.uint8)


def test_several_steps_are_taken_back_at_once() -> None:
    drawn = Ledger(SourcedMask(mask_of(1), Sources.uniform(SHAPE, PERSON)))
    for value in (2, 3, 4):
        drawn.note(mask_of(value), Source("clean-up", method=str(value)))
    assert (drawn.state.sources.values == FIRST_MACHINE + 2).all()
    assert len(drawn.note(mask_of(1), painted=False)) == 42
    assert drawn.state.sources.person.all()
    drawn.note(mask_of(3), painted=False)
    assert (drawn.state.sources.values == FIRST_MACHINE + 1).all()


def test_what_is_neither_painted_nor_undone_is_a_persons() -> None:
    drawn = Ledger(SourcedMask.empty(SHAPE))
    drawn.note(mask_of(1), Source("proposal"))
    drawn.note(mask_of(2), painted=False)
    assert drawn.state.sources.person.all()
    drawn.note(mask_of(1))  # painted by hand, though it is as it was before
    assert drawn.state.sources.person.all()


def test_a_persons_pixel_that_a_machine_agrees_with_stays_a_persons() -> None:
    drawn = Ledger(SourcedMask.empty(SHAPE))
    mask = mask_of(0)
    mask[:2] = 1
    drawn.note(mask)
    planned = drawn.planned(mask_of(1), Source("proposal"), np.ones(SHAPE, bool))
    assert (planned.sources.values[:2] == PERSON).all()
    assert (planned.sources.values[2:] == FIRST_MACHINE).all()
    assert (drawn.state.sources.values[2:] == NOTHING).all(), "planning notes nothing"


def test_an_imported_pixel_that_a_machine_agrees_with_stays_imported() -> None:
    drawn = Ledger(SourcedMask(mask_of(1), Sources.uniform(SHAPE, Source("imported", method="cvat"))))
    proposal = mask_of(1)
    proposal[:2] = 2
    planned = drawn.planned(proposal, Source("proposal"), np.ones(SHAPE, bool))
    assert planned.sources.machine[:2].all()
    assert planned.sources.imported[2:].all()


def test_old_steps_are_forgotten_when_there_are_too_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ledger, "MOST_PIXELS", 100)
    drawn = Ledger(SourcedMask.empty(SHAPE))
    for value in (1, 2, 3, 4):
        drawn.note(mask_of(value), Source("proposal", key=str(value)))
    drawn.note(mask_of(2), painted=False)
    assert drawn.state.sources.values[0, 0] == FIRST_MACHINE + 1
    drawn.note(mask_of(1), painted=False)
    assert drawn.state.sources.person.all(), "so far back nobody remembers"


def test_a_step_that_changes_nothing_leaves_the_very_state() -> None:
    """Else a copied proposal without the class would be written as a draft."""
    ledger = Ledger(SourcedMask.empty(SHAPE))
    before = ledger.state
    nowhere = np.zeros(SHAPE, bool)
    assert len(ledger.note(mask_of(0), Source("proposal", key="1"), nowhere)) == 0
    assert ledger.state is before


@pytest.mark.parametrize("strip", [7, 2**18])
@given(st.integers(0, 2**32 - 1), st.integers(0, 4))
@settings(max_examples=40, deadline=None)
def test_the_box_is_the_smallest_around_all(strip: int, seed: int, pixels: int) -> None:
    random, where = np.random.default_rng(seed), np.zeros((9, 5), bool)
    where.flat[random.integers(0, where.size, pixels)] = True
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ledger, "STRIP", strip)
        found = box_of(where)
    if not pixels:
        assert found == NOWHERE
        return
    rows, columns = np.nonzero(where)
    assert found == (slice(rows.min(), rows.max() + 1), slice(columns.min(), columns.max() + 1))


def test_everywhere_is_told_without_looking_at_pixels() -> None:
    assert everywhere((3, 4)).all()
    assert is_everywhere(everywhere((3, 4)))
    assert not is_everywhere(np.ones((3, 4), bool))
    assert not is_everywhere(np.broadcast_to(np.False_, (3, 4)))
    assert not is_everywhere(np.zeros((0, 4), bool))


def test_everywhere_claims_what_a_whole_array_does() -> None:
    drawn = Sources(np.array([[PERSON, NOTHING, NOTHING]], np.uint8), ())
    kept = Ledger(SourcedMask(np.array([[2, 0, 0]], np.uint8), drawn))
    copied = np.array([[2, 0, 1]], np.uint8)
    for claimed in (everywhere((1, 3)), np.ones((1, 3), bool)):
        made = kept.planned(copied, Source("proposal"), claimed).sources.values
        assert made.tolist() == [[PERSON, FIRST_MACHINE, FIRST_MACHINE]]


def test_a_whole_copy_into_an_empty_mask_is_held_once() -> None:
    """Undo and sources take no memory of their own: at 16 megapixels that is what a copy would be waited for."""
    shape = (60, 70)
    drawn, copied = Ledger(SourcedMask.empty(shape)), np.ones(shape, np.uint8)
    layer = copied.copy()
    changed = drawn.note(layer, Source("proposal"), everywhere(shape), kept=copied)
    assert (len(changed), is_everywhere(changed.where), changed.in_value) == (copied.size, True, True)
    assert drawn.state.values is copied
    assert not any(drawn.state.sources.values.strides)
    layer[3:5] = 2
    drawn.note(layer)
    assert (drawn.state.sources.values[3:5] == PERSON).all()
    drawn.note(copied, painted=False)
    assert (drawn.state.sources.values == FIRST_MACHINE).all()
    drawn.note(np.zeros(shape, np.uint8), painted=False)
    assert (drawn.state.sources.values == NOTHING).all()
    assert (copied == 1).all()
