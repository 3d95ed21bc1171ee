"""A project answers who made the pixels of its masks."""

from __future__ import annotations

import numpy as np

from napari_wsss.core.sources import NOTHING, PERSON, Source, Sources
from napari_wsss.project.project import Project

A = "a.png"
PROPOSAL = Source("proposal", "abc", "cam")


def test_sources_go_through_drafts_accepting_and_undo(project: Project, mask: np.ndarray) -> None:
    assert project.read_sources(A) is None
    project.record_stroke(A, np.array([0, 1]), np.array([1, 1], np.uint8), np.array([PERSON, 2]), (PROPOSAL,))
    drawn = project.read_sourced(A)
    assert drawn is not None
    assert drawn.sources.values[0, :3].tolist() == [PERSON, 2, NOTHING]
    project.save_draft(A, drawn.values, sources=drawn.sources)
    project.record_stroke(A, np.array([1]), np.array([2], np.uint8))
    drafted = project.read_sourced(A)
    assert drafted is not None
    assert drafted.sources.values[0, :3].tolist() == [PERSON, PERSON, NOTHING]
    project.accept(A, mask, sources=Sources.uniform(mask.shape, PROPOSAL))
    accepted = project.read_sources(A, accepted=True)
    assert accepted is not None
    assert accepted.same_as(Sources.uniform(mask.shape, PROPOSAL))
    project.undo_decision()
    again = project.read_sourced(A)
    assert again is not None
    assert again.same_as(drafted)
    assert project.read_sources(A, accepted=True) is None


def test_without_sources_what_differs_is_a_persons(project: Project, mask: np.ndarray) -> None:
    project.accept(A, mask, sources=Sources.uniform(mask.shape, PROPOSAL))
    changed = mask.copy()
    changed[0, 0] += 1
    project.save_draft(A, changed)
    project.accept(A, changed)
    found = project.read_sources(A)
    assert found is not None
    assert np.count_nonzero(found.person) == 1
    assert found.person[0, 0]
    project.accept("b.png", mask)
    fresh = project.read_sources("b.png")
    assert fresh is not None
    assert fresh.person.all()
