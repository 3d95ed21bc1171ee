"""A database that is older than what was committed last is noticed; masks accepted since are taken up again."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np

from napari_wsss.project.backups import list_backups, revision_of
from napari_wsss.project.kept.revision_note import RevisionNote
from napari_wsss.project.project import Project

A, B = "a.png", "b.png"


def crashed(project: Project, target: Path) -> Path:
    """Copy a project as a crash leaves it: with its WAL, without its lock."""
    shutil.copytree(project.folder, target, ignore=shutil.ignore_patterns("*.lock"))
    return target


def checkpointed(project: Project) -> None:
    project._database.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()


def test_a_crash_loses_and_tells_nothing(project: Project, mask: np.ndarray, tmp_path: Path) -> None:
    project.review.accept(A, mask)
    with Project.open(crashed(project, tmp_path / "copy")) as again:
        assert again.found == []
        assert again.catalog.state(A) == "accepted"


def test_a_lost_wal_is_told_and_masks_are_taken_up(project: Project, mask: np.ndarray, tmp_path: Path) -> None:
    checkpointed(project)
    revision = project._database.revision
    project.review.accept(A, mask)
    project.review.accept(A, np.zeros_like(mask))
    lost = project._database.revision - revision
    copy = crashed(project, tmp_path / "copy")
    (copy / "project.sqlite-wal").unlink()
    with Project.open(copy, read_only=True) as seen:
        assert f"The last {lost} change(s)" in seen.left_out[0]
    with Project.open(copy) as again:
        assert f"The last {lost} change(s)" in again.found[0]
        assert "No backup is newer" in again.found[0]
        assert again.catalog.state(A) == "accepted"
        assert not again.masks.read_accepted(A).any()
        assert again.review.undo() == A, "taking up is a decision like any other"
    with Project.open(copy) as again:
        assert again.found == []


def test_a_shortened_wal_is_told(project: Project, mask: np.ndarray, tmp_path: Path) -> None:
    checkpointed(project)
    for number in range(20):
        project.set_note(B, f"note {number}")
    copy = crashed(project, tmp_path / "copy")
    wal = copy / "project.sqlite-wal"
    wal.write_bytes(wal.read_bytes()[: wal.stat().st_size // 2])
    with Project.open(copy) as again:
        assert "change(s) of this project are missing" in again.found[0]


def test_strokes_after_a_loss_lie_over_the_newer_draft(project: Project, mask: np.ndarray, tmp_path: Path) -> None:
    checkpointed(project)
    for number in range(5):
        project.review.record_stroke(A, np.array([number]), np.array([1], np.uint8))
    project.review.save_draft(A, mask)
    copy = crashed(project, tmp_path / "copy")
    (copy / "project.sqlite-wal").unlink()
    with Project.open(copy) as again:
        again.review.record_stroke(A, np.array([0]), np.array([2], np.uint8))
        assert again.masks.read_draft(A)[0, 0] == 2


def test_a_newer_backup_is_named(project: Project, tmp_path: Path) -> None:
    copy = crashed(project, tmp_path / "copy")
    project.set_note(A, "later")
    newer = project.backup()
    shutil.copy(newer, copy / "backups" / newer.name)
    RevisionNote(copy / "project.sqlite").write(project._database.revision)
    with Project.open(copy) as again:
        assert f"{newer.name} holds revision {revision_of(newer)}" in again.found[0]
        assert newer.name in [path.name for path in list_backups(copy / "backups")]
