"""Temporary files of a killed process are swept; nothing else is."""

from __future__ import annotations

import os
from pathlib import Path

from napari_wsss.project.kept.leftovers import OLD_SECONDS, sweep

SWEPT = (
    f".{'0f' * 8}.tmp",
    ".project.sqlite.01ab23cd.tmp",
    ".project.sqlite.01ab23cd.tmp-journal",
    f"masks/day 1/.{'a1' * 8}.tmp",
    f"drafts/.{'a1' * 8}.tmp",
    "backups/.project-20260101T120000.000-7.sqlite.01ab23cd.tmp",
    f"backups/masks/ab/{'ab' * 32}.tmp",
)
KEPT = ("mine.tmp", ".hidden", "masks/a.png.png", "masks/.notes.tmp", f"results/x/.{'0f' * 8}.tmp", "project.sqlite")


def write(folder: Path, names: tuple[str, ...]) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("x")


def test_only_our_temporary_files_are_swept(tmp_path: Path) -> None:
    write(tmp_path, SWEPT + KEPT)
    assert sweep(tmp_path) == len(SWEPT)
    left = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file()}
    assert left == set(KEPT)


def test_what_a_training_may_be_writing_is_swept_when_it_is_old(tmp_path: Path) -> None:
    deleted = ".localize.cam-12ab.01ab23cd.deleted"
    write(tmp_path, (f"results/{deleted}/a.npz", f"training/run/.{'0f' * 8}.tmp"))
    assert sweep(tmp_path) == 0
    for path in (tmp_path / "results" / deleted, tmp_path / "training" / "run" / f".{'0f' * 8}.tmp"):
        os.utime(path, (path.stat().st_mtime - OLD_SECONDS - 60,) * 2)
    assert sweep(tmp_path) == 2
    assert not any(path.is_file() for path in tmp_path.rglob("*"))


def test_links_are_not_followed(tmp_path: Path) -> None:
    write(tmp_path, (f"elsewhere/.{'0f' * 8}.tmp",))
    (tmp_path / "project").mkdir()
    (tmp_path / "project" / "masks").symlink_to(tmp_path / "elsewhere")
    assert sweep(tmp_path / "project") == 0
