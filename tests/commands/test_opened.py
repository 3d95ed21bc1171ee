"""Projects as commands open them."""

from pathlib import Path

import pytest

from napari_wsss.commands.base import Answer
from napari_wsss.commands.opened import listed, opened, suggest_every_pixel
from napari_wsss.core.errors import ProjectError
from napari_wsss.project.project import Project


def test_a_project_is_opened_for_writing_or_to_read(project_folder: Path) -> None:
    with opened(project_folder, Answer()) as project:
        project.catalog.get(next(iter(project.catalog.ids())))
        assert not project.read_only
    with opened(project_folder, Answer(), to_read=True) as project:
        assert project.read_only


def test_no_project_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ProjectError), opened(tmp_path, Answer()):
        pass


def test_a_failed_backup_is_said_after_writing(project_folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with opened(project_folder, Answer()) as project:
        for backup in (project_folder / "backups").iterdir():
            backup.unlink()
        (project_folder / "backups").rmdir()
        (project_folder / "backups").write_text("a file where the folder should be")
        project.set_deep_percentiles(1, 99)
    assert "make room" in capsys.readouterr().err


def test_no_suggestion_where_pixels_are_known_to_belong_to_classes(project_folder: Path) -> None:
    said: list[str] = []

    class Heard(Answer):
        def say(self, text: str = "", **facts: object) -> None:
            said.append(text)

    with Project.open_to_read(project_folder) as project:
        suggest_every_pixel(project, Heard())
    assert not said


def test_counts_are_one_line() -> None:
    assert listed({"cat": 1, "dog": 20}) == "cat 1, dog 20"
