"""Whole or not, and older generations, from a terminal."""

import json
from pathlib import Path

import pytest

from napari_wsss.cli import main
from napari_wsss.commands.base import CORRECTABLE, DONE, FOUND
from napari_wsss.project.project import Project


def test_check_and_restore(project_folder: Path, sample_masks: str, capsys: pytest.CaptureFixture[str]) -> None:
    masks = ["--masks", sample_masks, "--accept"]
    assert main(["check", str(project_folder)]) == DONE
    assert main(["import-masks", "--project", str(project_folder), *masks]) == DONE
    mask = next((project_folder / "masks").glob("*.png"))
    mask.unlink()
    capsys.readouterr()
    assert main(["check", str(project_folder), "--json"]) == FOUND
    told = json.loads(capsys.readouterr().out)
    assert (told["sound"], [one["kind"] for one in told["findings"]]) == (False, ["mask vanished"])
    assert main(["check", str(project_folder), "--repair"]) == DONE
    assert mask.is_file()
    assert main(["check", str(project_folder.parent)]) == CORRECTABLE
    capsys.readouterr()
    assert main(["restore", str(project_folder)]) == DONE
    listed = capsys.readouterr().out.splitlines()
    assert "accepted 10" in listed[0]
    oldest = listed[-1].split()[0]
    assert main(["restore", str(project_folder), "--generation", oldest]) == DONE
    assert "is kept as" in capsys.readouterr().out
    with Project.open_to_read(project_folder) as project:
        assert project.catalog.counts().get("accepted", 0) == 0
    assert main(["restore", str(project_folder), "--generation", "none"]) == CORRECTABLE
