"""What `doctor` says of a project's results."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from napari_wsss.cli import main
from napari_wsss.commands import doctor
from napari_wsss.commands.base import DONE, FOUND
from napari_wsss.core.progress import finish
from napari_wsss.pipeline.run import propose
from napari_wsss.project.project import Project
from napari_wsss.project.sharing.share import LEASES
from tests.session.conftest import _colours_on_the_shelf, model_folder, project_folder

__all__ = ["_colours_on_the_shelf", "model_folder", "project_folder"]

NAMES = [f"p{at}.png" for at in range(6)]


@pytest.fixture
def told(model_folder: Path, capsys: pytest.CaptureFixture[str]) -> Any:
    """Return a function: the doctor's exit code and what it says as JSON."""

    def ask() -> tuple[int, dict[str, Any]]:
        capsys.readouterr()
        code = main(["doctor", str(model_folder), "--json"])
        return code, json.loads(capsys.readouterr().out)

    return ask


def test_it_names_what_is_missing_and_why(model_folder: Path, told: Any, capsys: pytest.CaptureFixture[str]) -> None:
    with Project.open(model_folder) as project:
        finish(propose(project, NAMES[:3], "cpu"))
        project.catalog.mark_stale()
        project.set_labels(NAMES[3], ())
        project.image_path(NAMES[4]).unlink()
        base = next((project.store.folder).glob("localize.*"))
    code, found = told()
    assert code == FOUND
    assert found["maps"]["there"] == found["proposals"]["there"] == 3
    assert found["maps"]["missing"] == {doctor.LABELS: 1, doctor.FILE: 1, doctor.NEVER: 1}
    assert found["maps"]["images"][doctor.LABELS] == [NAMES[3]]
    assert found["proposals"]["images"][doctor.FILE] == [NAMES[4]]
    assert found["stale"]["missing"] == {doctor.OLDER: 3}
    assert found["leases"] == []
    for path in base.rglob(f"{NAMES[0]}.npz"):
        path.unlink()
    assert told()[1]["maps"]["there"] == 2
    assert main(["doctor", str(model_folder)]) == FOUND
    said = capsys.readouterr().out
    assert f"1 missing, {doctor.LABELS} ({NAMES[3]})" in said


def test_it_tells_who_is_at_work_and_who_died(model_folder: Path, told: Any) -> None:
    folder = model_folder / "results" / LEASES / "localize.cam-0"
    folder.mkdir(parents=True)
    (folder / "block-0.1").write_text(json.dumps({"host": "far", "pid": 7, "started": "x", "since": 1.0}))
    code, found = told()
    assert code == FOUND
    assert found["maps"]["missing"] == {doctor.RUNNING: len(NAMES)}
    assert [(one["lease"], one["over"]) for one in found["leases"]] == [("localize.cam-0/block-0", False)]
    assert found["leases"][0]["holder"]["host"] == "far"
    os.utime(folder / "block-0.1", (0, 0))
    found = told()[1]
    assert found["maps"]["missing"] == {doctor.LEFT: len(NAMES)}
    assert found["leases"][0]["over"]


def test_a_whole_project_is_said_to_be_whole(model_folder: Path, told: Any) -> None:
    with Project.open(model_folder) as project:
        finish(propose(project, NAMES, "cpu"))
    code, found = told()
    assert (code, found["maps"]["missing"], found["proposals"]["there"]) == (DONE, {}, len(NAMES))


def test_without_a_model_it_says_so(model_folder: Path, told: Any) -> None:
    with Project.open(model_folder) as project:
        project.set_plan(replace(project.plan, localizer_checkpoint=""))
    code, found = told()
    assert code == FOUND
    assert "No model is applied" in found["plan"]
