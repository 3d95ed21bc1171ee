"""An accepted mask that vanished or was overwritten from outside is noticed, and comes back from its copy."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from napari_wsss.core.masks import encode_mask
from napari_wsss.project.kept.mask_copies import TRASH
from napari_wsss.project.project import Project

A = "a.png"


@pytest.fixture
def accepted(project: Project, mask: np.ndarray) -> Path:
    """Return the closed project's file of an accepted mask."""
    project.review.accept(A, mask)
    path = project.masks.accepted_path(A)
    project.close()
    return path


def other(mask: np.ndarray) -> bytes:
    return encode_mask(np.zeros_like(mask))


@pytest.mark.parametrize("what", ["vanished", "overwritten", "shortened"])
def test_at_opening(accepted: Path, mask: np.ndarray, what: str) -> None:
    folder, before = accepted.parents[1], accepted.read_bytes()
    if what == "vanished":
        accepted.unlink()
    else:
        accepted.write_bytes(other(mask) if what == "overwritten" else before[:40])
    with Project.open(folder, read_only=True) as project:
        assert "1 accepted mask(s) are not as accepted" in project.left_out[0]
        assert np.array_equal(project.masks.read_accepted(A), mask)
    with Project.open(folder) as project:
        assert "put back" in project.found[0]
        assert accepted.read_bytes() == before
        assert np.array_equal(project.masks.read_accepted(A), mask)
    kept = [path.read_bytes() for path in (folder / TRASH).rglob("*.png")]
    assert kept == {"vanished": [], "overwritten": [other(mask)], "shortened": [before[:40]]}[what]
    with Project.open(folder) as project:
        assert project.found == []


def test_at_showing(project: Project, mask: np.ndarray) -> None:
    project.review.accept(A, mask)
    path = project.masks.accepted_path(A)
    path.write_bytes(other(mask))
    assert np.array_equal(project.masks.read_accepted(A), mask)
    assert "overwritten" in project.masks.files.take_told()[0]
    assert project.masks.files.take_told() == []
    path.unlink()
    assert np.array_equal(project.masks.read_working(A), mask)
    assert path.is_file()


def test_without_a_copy_the_file_is_used_and_told(accepted: Path, mask: np.ndarray) -> None:
    folder = accepted.parents[1]
    for copy in (folder / "backups" / "masks").rglob("*.png"):
        copy.unlink()
    accepted.write_bytes(other(mask))
    with Project.open(folder) as project:
        assert "no copy" in project.found[0]
        assert not project.masks.read_accepted(A).any()


def test_a_copied_project_is_read_once_and_nothing_is_told(accepted: Path) -> None:
    os.utime(accepted, (1, 1))
    with Project.open(accepted.parents[1]) as project:
        assert project.found == []
        looks = project._database.value("SELECT mtime FROM accepted_files")
    assert looks == accepted.stat().st_mtime_ns


def test_a_copy_that_is_damaged_is_no_copy(accepted: Path) -> None:
    (copy,) = (accepted.parents[1] / "backups" / "masks").rglob("*.png")
    copy.write_bytes(copy.read_bytes()[:-1])
    accepted.unlink()
    with Project.open(accepted.parents[1]) as project:
        assert "no copy" in project.found[0]
        assert project.masks.read_accepted(A) is None


def test_undo_decides_the_file_too(project: Project, mask: np.ndarray) -> None:
    project.review.accept(A, mask)
    project.review.accept(A, np.zeros_like(mask))
    project.review.undo()
    project.masks.accepted_path(A).unlink()
    assert np.array_equal(project.masks.read_accepted(A), mask)
    project.review.undo()
    assert project.masks.read_accepted(A) is None
    assert project.masks.files.take_told() != []


def test_masks_of_an_older_project_are_taken_as_they_are(accepted: Path) -> None:
    folder = accepted.parents[1]
    with Project.open(folder) as project:
        project._database.execute("DELETE FROM accepted_files")
    with Project.open(folder) as project:
        assert project.found == []
    accepted.unlink()
    with Project.open(folder) as project:
        assert "vanished" in project.found[0]
        assert accepted.is_file()


def test_nothing_is_put_through_a_link(accepted: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere.png"
    elsewhere.write_bytes(b"precious")
    accepted.unlink()
    accepted.symlink_to(elsewhere)
    with Project.open(accepted.parents[1]) as project:
        assert project.found
    assert elsewhere.read_bytes() == b"precious"
