"""The class list from a terminal."""

import json
from pathlib import Path

import pytest

from napari_wsss.cli import main
from napari_wsss.commands.base import CORRECTABLE, DONE
from napari_wsss.project.project import Project


def current(folder: Path) -> tuple[str, ...]:
    with Project.open_to_read(folder) as project:
        return project.classes.current


def test_classes_are_merged_deleted_and_taken_back(project_folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = current(project_folder)
    first, second = before[:2]
    at = ["--project", str(project_folder)]
    assert main(["classes", "merge", first, second, "--dry-run", *at]) == DONE
    assert f"{first} becomes {second}" in capsys.readouterr().out
    assert current(project_folder) == before
    assert main(["classes", "add", "owl", *at]) == DONE
    assert main(["classes", "rename", "owl", "eagle owl", *at]) == DONE
    assert main(["classes", "merge", first, second, *at]) == DONE
    assert main(["classes", "delete", "eagle owl", "--pixels", "background", *at]) == DONE
    assert "count as background" in capsys.readouterr().out
    assert current(project_folder) == before[1:]
    assert main(["classes", "--json", *at]) == DONE
    assert list(json.loads(capsys.readouterr().out)["classes"]) == list(before[1:])
    for told in ("eagle owl deleted", f"{first} merged into {second}", "nothing to take back"):
        assert main(["classes", "undo", *at]) == DONE
        assert told in capsys.readouterr().out
    assert current(project_folder) == (*before, "eagle owl")


@pytest.mark.parametrize("typed", [["merge", "one"], ["delete"], ["undo", "x"], ["delete", "no such class"]])
def test_what_is_wrong_is_said(project_folder: Path, typed: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["classes", *typed, "--project", str(project_folder)]) == CORRECTABLE
    assert capsys.readouterr().err.startswith("napari-wsss: ")
