"""A project answers who made the pixels of its masks."""

from __future__ import annotations

import numpy as np

from napari_wsss.core.sources import NOTHING, PERSON, Source, Sources
from napari_wsss.project.project import Project

A = "a.png"
PROPOSAL = Source("proposal", "abc", "cam")


def test_sources_go_through_drafts_accepting_and_undo(project: Project, mask: np.ndarray) -> None:
    assert project.masks.working(A) is None
    project.review.record_stroke(A, np.array([0, 1]), np.array([1, 1], np.uint8), np.array([PERSON, 2]), (PROPOSAL,))
    drawn = project.masks.working(A)
    assert drawn is not None
    assert drawn.sources.values[0, :3].tolist() == [PERSON, 2, NOTHING]
    project.review.save_draft(A, drawn.values, sources=drawn.sources)
    project.review.record_stroke(A, np.array([1]), np.array([2], np.uint8))
    drafted = project.masks.working(A)
    assert drafted is not None
    assert drafted.sources.values[0, :3].tolist() == [PERSON, PERSON, NOTHING]
    project.review.accept(A, mask, sources=Sources.uniform(mask.shape, PROPOSAL))
    accepted = project.masks.accepted(A).sources
    assert accepted is not None
    assert accepted.same_as(Sources.uniform(mask.shape, PROPOSAL))
    project.review.undo()
    again = project.masks.working(A)
    assert again is not None
    assert again.same_as(drafted)
    assert project.masks.accepted(A) is None


def test_masks_of_an_image_are_those_of_when_they_were_asked_for(project: Project, mask: np.ndarray) -> None:
    assert (project.masks.any(A), project.masks.of(A).resting_state) == (False, "todo")
    project.review.record_stroke(A, np.array([3]), np.array([1], np.uint8))
    before = project.masks.of(A)
    project.review.accept(A, mask)
    after = project.masks.of(A)
    assert (before.resting_state, before.accepted_file, after.resting_state) == ("draft", None, "accepted")
    drawn, accepted = before.working(), after.working()
    assert drawn is not None
    assert np.flatnonzero(drawn.values).tolist() == [3]
    assert accepted is not None
    assert np.array_equal(accepted.values, mask)
    assert (after.draft(), project.masks.any(A)) == (None, True)


def test_without_sources_what_differs_is_a_persons(project: Project, mask: np.ndarray) -> None:
    project.review.accept(A, mask, sources=Sources.uniform(mask.shape, PROPOSAL))
    changed = mask.copy()
    changed[0, 0] += 1
    project.review.save_draft(A, changed)
    project.review.accept(A, changed)
    found = project.masks.working(A).sources
    assert found is not None
    assert np.count_nonzero(found.person) == 1
    assert found.person[0, 0]
    project.review.accept("b.png", mask)
    fresh = project.masks.working("b.png").sources
    assert fresh is not None
    assert fresh.person.all()
