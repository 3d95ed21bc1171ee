"""Recently opened projects."""

from __future__ import annotations

from pathlib import Path

from napari_wsss.session.recent import KEPT, RecentProjects


def project(folder: Path) -> Path:
    folder.mkdir()
    (folder / "project.sqlite").touch()
    return folder


def test_newest_first_without_repeats(tmp_path: Path) -> None:
    recent = RecentProjects(tmp_path / "config")
    a, b = project(tmp_path / "a"), project(tmp_path / "b")
    recent.note(a, "x.png")
    recent.note(b)
    recent.note(a, "y.png")
    assert [(found.folder, found.image_id) for found in recent.all()] == [(a, "y.png"), (b, "")]
    assert recent.image_of(a) == "y.png"
    assert recent.image_of(tmp_path) == ""


def test_projects_that_are_gone_are_left_out(tmp_path: Path) -> None:
    recent = RecentProjects(tmp_path / "config")
    folder = project(tmp_path / "a")
    recent.note(folder)
    (folder / "project.sqlite").unlink()
    assert recent.all() == []


def test_only_so_many_are_kept(tmp_path: Path) -> None:
    recent = RecentProjects(tmp_path / "config")
    for number in range(KEPT + 3):
        recent.note(project(tmp_path / str(number)))
    assert len(recent.all()) == KEPT


def test_a_damaged_file_is_an_empty_list(tmp_path: Path) -> None:
    recent = RecentProjects(tmp_path)
    (tmp_path / "recent.json").write_text("[{]")
    assert recent.all() == []
    recent.note(project(tmp_path / "a"))
    assert len(recent.all()) == 1


def test_a_folder_that_cannot_be_written_harms_nobody(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    recent = RecentProjects(tmp_path / "file" / "config")
    recent.note(tmp_path)
    assert recent.all() == []
