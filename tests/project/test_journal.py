from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from napari_wsss.core.errors import ProjectError
from napari_wsss.project.journal import BATCH, Journal
from napari_wsss.project.project import Project
from napari_wsss.project.strokes import Stroke, pack, unpack


@given(st.data(), st.integers(0, 50))
def test_packed_strokes_are_exact(data: st.DataObject, count: int) -> None:
    indices = data.draw(arrays(np.int64, count, elements=st.integers(0, 2**40)))
    values = data.draw(arrays(np.uint8, count))
    sources = data.draw(arrays(np.uint8, count))
    for found, given_ in zip(unpack(pack(indices, values, sources)), (indices, values, sources), strict=True):
        assert np.array_equal(found, given_)


def test_strokes_are_small() -> None:
    disc = np.flatnonzero(np.hypot(*np.mgrid[-250:250, -250:250]) < 40)
    assert len(pack(disc, np.full(disc.size, 3, np.uint8), np.ones(disc.size, np.uint8))) < disc.size // 8


@given(st.lists(st.tuples(st.lists(st.integers(0, 19), max_size=6), st.integers(0, 255)), max_size=8), st.data())
def test_replaying_again_from_any_checkpoint_gives_the_same(
    drawn: list[tuple[list[int], int]], data: st.DataObject
) -> None:
    strokes = [
        Stroke(
            number,
            0.0,
            np.array(places, np.int64),
            np.full(len(places), value, np.uint8),
            np.ones(len(places), np.uint8),
        )
        for number, (places, value) in enumerate(drawn)
    ]
    start = np.zeros((4, 5), np.uint8)
    whole = Journal.replay(start, strokes)
    cut = data.draw(st.integers(0, len(strokes)))
    checkpoint = Journal.replay(start, strokes[:cut])
    assert np.array_equal(Journal.replay(checkpoint, strokes[cut:]), whole)
    assert np.array_equal(Journal.replay(whole, strokes), whole), "an unrecorded checkpoint does no harm"
    assert not start.any()


def test_a_stroke_beyond_the_mask_is_told() -> None:
    stroke = Stroke(1, 0.0, np.array([20]), np.ones(1, np.uint8), np.ones(1, np.uint8))
    with pytest.raises(ProjectError, match="5 x 4"):
        Journal.replay(np.zeros((4, 5), np.uint8), [stroke])


def test_strokes_of_an_image_since_a_number(project: Project) -> None:
    journal = project.journal
    numbers = [journal.append_stroke("a.png", [i], [i]).number for i in range(3)]
    journal.append_stroke("b.png", [9], [9])
    assert numbers == sorted(set(numbers))
    assert [stroke.number for stroke in journal.strokes("a.png")] == numbers
    assert [stroke.values.tolist() for stroke in journal.strokes("a.png", since=numbers[1])] == [[2]]
    assert journal.last_stroke("a.png") == numbers[2]
    journal.clear_strokes("a.png", until=numbers[1])
    assert [stroke.number for stroke in journal.strokes("a.png")] == numbers[2:]
    journal.clear_strokes("a.png")
    assert journal.last_stroke("a.png") == 0
    assert len(journal.strokes("b.png")) == 1
    assert journal.append_stroke("a.png", [0], [0]).number > numbers[2], "numbers are never used twice"
    with pytest.raises(ProjectError, match="2 positions and 1 values"):
        journal.append_stroke("a.png", [0, 1], [0])


def test_entries_are_kept_word_for_word(project: Project) -> None:
    before, after = {"labels": ["ä", "b"]}, [1, None, "x"]
    entry = project.journal.append("labels", "day 1/ä.jpg", before, after)
    project.journal.append("plan", None, None, {})
    newest = project.journal.recent(2)
    assert newest[1] == entry
    assert (newest[1].image_id, newest[1].before, newest[1].after) == ("day 1/ä.jpg", before, after)
    assert newest[0].image_id is None
    assert project.journal.recent(9, kinds=["labels"]) == [entry]


def test_last_skips_what_was_undone(project: Project) -> None:
    journal = project.journal
    assert journal.last() is None
    first = journal.append("state", "a.png", "todo", "skipped")
    second = journal.append("mask", "a.png", "skipped", "accepted")
    journal.append("labels", "a.png", [], [])
    assert journal.last() == second
    journal.mark_undone(second.number)
    assert journal.last() == first
    assert [entry.undone for entry in journal.recent(2, ["state", "mask"])] == [True, False]


def test_going_through_the_journal_page_by_page(project: Project) -> None:
    numbers = [project.journal.append("note", "a.png", i, i + 1).number for i in range(7)]
    found: list[int] = []
    while page := project.journal.entries(since=found[-1] if found else 0, limit=3):
        found += [entry.number for entry in page]
    assert found == numbers
    labels = project.journal.append("labels", "a.png", [], [])
    assert project.journal.entries(kinds=("labels", "state")) == [labels]


def test_entries_that_differ_in_something(project: Project) -> None:
    for before, after in (({}, {"a": 1}), ({"a": 1}, {"a": 1, "b": 2}), ({"a": 1}, {"a": 2}), ({"a": 3}, {})):
        project.journal.append("plan", None, before, after)
    project.journal.append("note", "a.png", {"a": 1}, {"a": 2})
    found = [(entry.before.get("a"), entry.after.get("a")) for entry in project.journal.differing("plan", ("a",))]
    assert found == [(3, None), (1, 2), (None, 1)]
    assert len(project.journal.differing("plan", ("a", "b"))) == 4
    assert len(project.journal.differing("plan", ("a", "b"), limit=2)) == 2


def test_steps_are_decisions_and_what_was_decided_together(project: Project) -> None:
    journal = project.journal
    journal.append("state", "a.png", {}, {"state": "skipped"})
    for name in ("a.png", "b.png", "day 1/a.png"):
        journal.append("mask", name, {}, {"state": "accepted", "group": 2})
        journal.append("note", name, "", "x")
    journal.append("state", "b.png", {}, {"state": "flagged"})
    last = journal.append("mask", "a.png", {}, {"state": "accepted", "group": 9})
    assert journal.last_of("a.png") == last.number
    assert journal.last_of("day 1/ä.jpg") == 0
    found = [(entry.image_id, entry.after["state"], count) for entry, count in journal.steps()]
    assert found == [
        ("a.png", "accepted", 1),
        ("b.png", "flagged", 1),
        ("day 1/a.png", "accepted", 3),
        ("a.png", "skipped", 1),
    ]
    assert journal.steps(2) == journal.steps()[:2]


def test_kept_files_belong_to_their_entry(project: Project) -> None:
    entry = project.journal.append("mask", "a.png", None, None)
    project.journal.keep_file(entry.number, "mask", b"\x00PNG")
    assert project.journal.kept_file(entry.number, "mask") == b"\x00PNG"
    assert project.journal.kept_file(entry.number, "draft") is None


def test_an_acceptance_counts_until_it_is_taken_back(project: Project) -> None:
    journal = project.journal
    assert journal.accepted_at("a.png") == 0
    first = journal.append("mask", "a.png", {}, {"action": "accept"})
    second = journal.append("mask", "a.png", {}, {"action": "accept"})
    journal.append("mask", "a.png", {}, {"action": "discard"})
    assert journal.accepted_at("a.png") == second.time
    journal.mark_undone(second.number)
    assert journal.accepted_at("a.png") == first.time


def test_an_acceptance_is_one_of_a_batch_until_a_later_one_stands(project: Project) -> None:
    journal = project.journal
    assert not journal.accepted_in_batch("a.png")
    journal.append("mask", "a.png", {}, {"action": "accept", BATCH: "cat/1"})
    assert journal.accepted_in_batch("a.png")
    assert not journal.accepted_in_batch("b.png")
    alone = journal.append("mask", "a.png", {}, {"action": "accept"})
    assert not journal.accepted_in_batch("a.png")
    journal.mark_undone(alone.number)
    assert journal.accepted_in_batch("a.png")
