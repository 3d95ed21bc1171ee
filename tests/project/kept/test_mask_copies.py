"""Copies of accepted masks are kept while they are wanted; the trash keeps everything."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from napari_wsss.project.kept.mask_copies import TRASH, digest_of, into_trash
from napari_wsss.project.project import Project

A = "a.png"


def test_copies_are_kept_while_a_generation_wants_them(project: Project, mask: np.ndarray) -> None:
    copies = project.masks.files.accepted.copies
    project.review.accept(A, mask)
    first = digest_of(project.masks.accepted_path(A).read_bytes())
    project.backup()
    project.review.accept(A, np.zeros_like(mask))
    project.close()
    assert first in set(copies.all())
    assert len(set(copies.all())) == 2
    for backup in (project.folder / "backups").glob("*.sqlite"):
        backup.unlink()
    Project.open(project.folder).close()
    assert set(copies.all()) == {digest_of(project.masks.accepted_path(A).read_bytes())}


def test_the_trash_never_overwrites(tmp_path: Path) -> None:
    for number in range(3):
        (tmp_path / "masks").mkdir(exist_ok=True)
        (tmp_path / "masks" / "a.png").write_text(str(number))
        into_trash(tmp_path, tmp_path / "masks" / "a.png")
    assert sorted(path.read_text() for path in (tmp_path / TRASH).rglob("a.png")) == ["0", "1", "2"]
