"""Generations are listed with what they hold; one is restored, the replaced one is kept, and masks follow."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from napari_wsss.core.errors import ProjectError
from napari_wsss.project.durable.restoring import generations, read_generation, restore
from napari_wsss.project.kept.mask_copies import TRASH
from napari_wsss.project.project import Project

A = "a.png"


@pytest.fixture
def two_acceptances(project: Project, mask: np.ndarray) -> str:
    """Close the project after two acceptances of one image; return the generation between them."""
    project.review.accept(A, mask)
    between = project.backup()
    project.review.accept(A, np.zeros_like(mask))
    project.set_note(A, "later")
    project.close()
    return between.name


def test_generations_say_what_they_hold(project: Project, two_acceptances: str) -> None:
    newest, *older = generations(project.folder)
    assert newest.counts["accepted"] == 1
    assert newest.counts["images"] == 4
    assert newest.damage == ""
    assert two_acceptances in [one.path.name for one in older]
    assert "accepted 1" in newest.line()
    assert newest.revision > older[0].revision
    assert newest.time >= older[-1].time > 1.7e9


def test_restoring_brings_database_and_masks_back_and_keeps_the_replaced(
    project: Project, two_acceptances: str, mask: np.ndarray
) -> None:
    restored, kept = restore(project.folder, two_acceptances)
    assert restored.name == two_acceptances
    assert kept is not None
    with Project.open(project.folder) as again:
        assert again.catalog.get(A).note == ""
        assert np.array_equal(again.masks.read_accepted(A), mask)
        assert not any("missing" in sentence for sentence in again.found)
    restore(project.folder, kept.name)
    with Project.open(project.folder) as again:
        assert again.catalog.get(A).note == "later"
        assert not again.masks.read_accepted(A).any()


def test_a_damaged_database_goes_into_the_trash(project: Project, two_acceptances: str) -> None:
    path = project.folder / "project.sqlite"
    path.write_bytes(b"damaged" * 5000)
    with pytest.raises(ProjectError, match="napari-wsss restore"):
        Project.open(project.folder)
    _, kept = restore(project.folder)
    assert kept is not None
    assert TRASH in kept.parts
    assert kept.read_bytes() == b"damaged" * 5000
    with Project.open(project.folder) as again:
        assert again.catalog.get(A).note == "later"
    path.unlink()
    assert restore(project.folder)[1] is None
    assert path.is_file()


def test_what_cannot_be_restored_is_refused(project: Project, two_acceptances: str) -> None:
    before = (project.folder / "project.sqlite").read_bytes()
    with pytest.raises(ProjectError, match="no backup 'nothing'"):
        restore(project.folder, "nothing")
    (project.folder / "backups" / two_acceptances).write_bytes(b"x" * 9000)
    assert "cannot be used" in read_generation(project.folder / "backups" / two_acceptances).damage
    with pytest.raises(ProjectError, match="Choose another"):
        restore(project.folder, two_acceptances)
    with Project.open(project.folder), pytest.raises(ProjectError, match="is open"):
        restore(project.folder)
    assert (project.folder / "project.sqlite").read_bytes() == before


def test_there_may_be_nothing(tmp_path: Path) -> None:
    assert generations(tmp_path) == []
    with pytest.raises(ProjectError, match="no backups"):
        restore(tmp_path)


def test_strokes_after_restoring_lie_over_a_newer_draft(project: Project, mask: np.ndarray) -> None:
    early = project.backup()
    for number in range(5):
        project.review.record_stroke(A, np.array([number]), np.array([1], np.uint8))
    project.review.save_draft(A, mask)
    project.close()
    restore(project.folder, early.name)
    with Project.open(project.folder) as again:
        again.review.record_stroke(A, np.array([0]), np.array([2], np.uint8))
        assert again.masks.read_draft(A)[0, 0] == 2
