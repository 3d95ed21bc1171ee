"""Labels read again into a project, from a terminal."""

import json
from pathlib import Path

import pytest

from napari_wsss.cli import main
from napari_wsss.commands.base import CORRECTABLE, DONE, WRONG_OPTIONS
from napari_wsss.project.project import Project


@pytest.fixture
def command(project_folder: Path, tmp_path: Path) -> list[str]:
    """Return the command for a file that says the first image holds nothing."""
    with Project.open_to_read(project_folder) as project:
        first = next(iter(project.catalog.ids()))
    (tmp_path / "new.json").write_text(json.dumps({first: []}))
    return ["import-labels", "--project", str(project_folder), "--labels", str(tmp_path / "new.json")]


def negatives(folder: str) -> int:
    with Project.open_to_read(folder) as project:
        return sum(record.negative for record in project.catalog.records())


def test_looked_at_taken_and_taken_back(command: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    folder = command[2]
    assert main([*command, "--dry-run"]) == DONE
    assert "1 image gets other labels" in capsys.readouterr().out
    assert negatives(folder) == 0
    assert main(command) == DONE
    assert negatives(folder) == 1
    back = ["import-labels", "--project", folder, "--take-back"]
    assert main([*back, "--json"]) == DONE
    assert json.loads(capsys.readouterr().out.partition("undoes it.")[2])["taken_back"] == 1
    assert negatives(folder) == 0
    assert main(back) == CORRECTABLE


def test_nothing_usable_is_no_success(command: list[str], tmp_path: Path) -> None:
    (tmp_path / "new.json").write_text(json.dumps({"gone.jpg": ["cat"]}))
    assert main(command) == CORRECTABLE
    assert main([*command[:-1], str(tmp_path / "gone.json")]) == CORRECTABLE
    with pytest.raises(SystemExit) as error:
        main(command[:3])
    assert error.value.code == WRONG_OPTIONS
