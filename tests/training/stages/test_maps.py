from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from napari_wsss.pipeline.run import base_maps, proposal
from napari_wsss.project.project import Project
from napari_wsss.project.states import UNDECIDED
from training.run import main

Lines = Callable[[str], list[dict[str, Any]]]

FAST = ["--preset", "fast", "--precision", "float32", "--threads", "1", "--events"]


def test_localize_computes_maps_once(lines_of: Lines, applied_folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["localize", "--project", str(applied_folder), "--split", "train"]
    assert main([*arguments, *FAST]) == 0
    assert main([*arguments, "--threads", "1", "--events"]) == 0
    reports = [line for line in lines_of(capsys.readouterr().out) if line["stage"] == "report"]
    assert (reports[0]["done"], reports[1]["reused"]) == (7, 7)
    with Project.open(applied_folder, read_only=True) as project:
        assert project.plan.localizer.parameters["preset"] == "fast"
        first = next(iter(project.catalog.ids(split="train")))
        assert base_maps(project, first) is not None


def test_refine_changes_the_chain_and_makes_proposals(applied_folder: Path) -> None:
    with Project.open(applied_folder, read_only=True) as project:
        ids = list(project.catalog.ids())[:2]
    assert main(["localize", "--project", str(applied_folder), "--ids", *ids, *FAST]) == 0
    arguments = ["refine", "--project", str(applied_folder), "--ids", *ids, "--events", "--threads", "1"]
    assert main([*arguments, "--refiners", "constant_background", "--saliency", str(applied_folder)]) == 0
    with Project.open(applied_folder, read_only=True) as project:
        assert [step.method for step in project.plan.refiners] == ["constant_background"]
        assert Path(project.plan.saliency_folder) == applied_folder.resolve()
        assert proposal(project, ids[0]) is not None
        assert proposal(project, ids[0]).shape == (64, 64)


def test_proposals_made_here_are_no_longer_stale(applied_folder: Path) -> None:
    with Project.open(applied_folder) as project:
        ids = list(project.catalog.ids(states=UNDECIDED))[:3]
        project.catalog.mark_stale()
    arguments = ["refine", "--project", str(applied_folder), "--ids", *ids[:2], "--events", "--threads", "1"]
    assert main(arguments) == 0
    with Project.open(applied_folder) as project:
        assert [project.catalog.get(one).stale for one in ids] == [False, False, True]
        project.catalog.mark_stale()
        assert main(arguments) == 0  # open elsewhere: computed, but nothing is written into the project
        assert project.catalog.get(ids[0]).stale


def test_a_plan_from_a_file_keeps_the_applied_model(applied_folder: Path, tmp_path: Path) -> None:
    plan = {"refiners": [{"method": "power_background", "parameters": {"background_power": 8.0}}]}
    (tmp_path / "c.json").write_text(json.dumps({"plan": plan}))
    arguments = ["refine", "--project", str(applied_folder), "--config", str(tmp_path / "c.json"), "--split", "val"]
    assert main([*arguments, "--events", "--threads", "1"]) == 0
    with Project.open(applied_folder, read_only=True) as project:
        assert project.plan.refiners[0].parameters == {"background_power": 8.0}
        assert project.plan.localizer_checkpoint


def test_without_a_model_the_stage_says_so(project_folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["localize", "--project", str(project_folder), "--events"]) == 4
    assert "No trained localize model" in capsys.readouterr().err


@pytest.mark.parametrize("content", ["{}", "[", '{"plan": 3}'])
def test_a_file_without_a_plan_is_refused(project_folder: Path, tmp_path: Path, content: str) -> None:
    (tmp_path / "c.json").write_text(content)
    arguments = ["refine", "--project", str(project_folder), "--config", str(tmp_path / "c.json"), "--events"]
    assert main(arguments) == 4


def test_a_broken_image_does_not_stop_the_others(
    lines_of: Lines, applied_folder: Path, tiny_data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with Project.open(applied_folder, read_only=True) as project:
        ids = list(project.catalog.ids())[:2]
        path = project.image_path(ids[0])
    original = path.read_bytes()
    try:
        path.write_bytes(b"broken")
        assert main(["localize", "--project", str(applied_folder), "--ids", *ids, *FAST]) == 4
    finally:
        path.write_bytes(original)
    report = lines_of(capsys.readouterr().out)[-1]
    assert list(report["failed"]) == [ids[0]]
    assert report["done"] == 1
