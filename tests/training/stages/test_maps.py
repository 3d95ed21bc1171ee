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

FAST = ["--preset", "single", "--precision", "float32", "--threads", "1", "--events"]


def test_localize_computes_maps_once(lines_of: Lines, applied_folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["localize", "--project", str(applied_folder), "--split", "train"]
    assert main([*arguments, *FAST, "--apply"]) == 0
    assert main([*arguments, "--threads", "1", "--events"]) == 0
    reports = counted(lines_of(capsys.readouterr().out))
    assert (reports[0]["done"], reports[1]["reused"]) == (7, 7)
    with Project.open(applied_folder, read_only=True) as project:
        assert project.plan.localizer.parameters["preset"] == "single"
        first = next(iter(project.catalog.ids(split="train")))
        assert base_maps(project, first) is not None


def counted(lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [line for line in lines if line["stage"] == "report" and "failed" in line]


def test_the_options_of_a_run_are_its_own_and_need_no_lock(
    lines_of: Lines, applied_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with Project.open(applied_folder) as project:  # as a window has it
        plan = project.plan
        ids = list(project.catalog.ids())[:2]
        chain = ["--refiners", "power_background", "--power-background-background-power", "3"]
        for stage, own in (("localize", FAST), ("refine", [*chain, "--threads", "1", "--events"])):
            for _ in range(2):
                assert main([stage, "--project", str(applied_folder), "--ids", *ids, *own]) == 0
        assert project.plan == plan
    found = [(line["done"], line["reused"]) for line in counted(lines_of(capsys.readouterr().out))]
    assert found == [(2, 0), (0, 2), (2, 0), (0, 2)]


def test_ids_may_lie_in_a_file(
    lines_of: Lines, applied_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with Project.open(applied_folder, read_only=True) as project:
        ids = list(project.catalog.ids())[:3]
    (tmp_path / "some.txt").write_text("\n".join(ids[1:]) + "\n\n", encoding="utf-8")
    arguments = ["localize", "--project", str(applied_folder), "--ids", ids[0], str(tmp_path / "some.txt")]
    assert main([*arguments, *FAST]) == 0
    assert counted(lines_of(capsys.readouterr().out))[0]["done"] == 3
    (tmp_path / "bad.txt").write_bytes(b"\xff\xfe")
    assert main([*arguments, str(tmp_path / "bad.txt"), *FAST]) == 4
    assert "is no list of images" in capsys.readouterr().err


def test_parts_make_the_whole(
    lines_of: Lines, applied_folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("napari_wsss.project.sharing.share.BLOCK", 2)
    arguments = ["localize", "--project", str(applied_folder), *FAST]
    for part in ("1/3", "2/3", "3/3"):
        assert main([*arguments, "--shard", part]) == 0
    assert main(arguments) == 0
    found = [(line["done"], line["reused"]) for line in counted(lines_of(capsys.readouterr().out))]
    assert found == [(4, 0), (2, 0), (2, 0), (0, 8)]


@pytest.mark.parametrize("words", [["--shard", "0/3"], ["--shard", "4/3"], ["--shard", "x"], ["--workers", "0"]])
def test_parts_that_make_no_sense_are_refused(applied_folder: Path, words: list[str]) -> None:
    assert main(["localize", "--project", str(applied_folder), *FAST, *words]) == 4


def test_a_part_does_not_guess_the_background_strength(
    applied_folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("napari_wsss.pipeline.background.ENOUGH", 2)
    assert main(["refine", "--project", str(applied_folder), "--shard", "1/2", "--threads", "1"]) == 4
    assert "napari-wsss background" in capsys.readouterr().err
    assert main(["background", "--project", str(applied_folder), "--threads", "1"]) == 0
    assert main(["refine", "--project", str(applied_folder), "--shard", "1/2", "--threads", "1"]) == 0


def test_refine_changes_the_chain_and_makes_proposals(applied_folder: Path) -> None:
    with Project.open(applied_folder, read_only=True) as project:
        ids = list(project.catalog.ids())[:2]
    assert main(["localize", "--project", str(applied_folder), "--ids", *ids, *FAST]) == 0
    arguments = ["refine", "--project", str(applied_folder), "--ids", *ids, "--events", "--threads", "1"]
    assert main([*arguments, "--apply", "--refiners", "constant_background", "--saliency", str(applied_folder)]) == 0
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
    assert main([*arguments, "--events", "--threads", "1", "--apply"]) == 0
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
