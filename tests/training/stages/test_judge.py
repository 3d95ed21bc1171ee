from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from napari_wsss.core.masks import read_mask
from napari_wsss.core.plan import Step
from napari_wsss.core.progress import finish
from napari_wsss.project.project import Project
from napari_wsss.project.scribble_files import write_scribbles
from napari_wsss.session.models.verdicts import told_by
from napari_wsss.session.runs.child import run_stage
from training.run import main

Lines = Callable[[str], list[dict[str, Any]]]


@pytest.fixture
def folder(applied_folder: Path, tiny_data: Path) -> Path:
    """Return a project with a tiny classifier applied, all of its eight images accepted, six of them held out."""
    with Project.open(applied_folder) as project:
        ids = list(project.catalog.ids())
        for image_id in ids:
            project.review.accept(image_id, read_mask(tiny_data / "SegmentationClass" / f"{Path(image_id).stem}.png"))
        project._database.execute("UPDATE images SET split = 'val'")
        for image_id in ids[:2]:
            project._database.execute("UPDATE images SET split = 'train' WHERE id = ?", (image_id,))
        project.set_plan(replace(project.plan, localizer=project.plan.localizer.with_parameters({"preset": "single"})))
    return applied_folder


@pytest.fixture
def judged_in(lines_of: Lines, capsys: pytest.CaptureFixture[str]) -> Callable[..., dict[str, Any]]:
    """Return a function: project folder, options of the stage -> the verdict it reports."""

    def run(folder: Path, *options: str) -> dict[str, Any]:
        capsys.readouterr()
        assert main(["judge", "--project", str(folder), "--threads", "1", "--events", *options]) == 0
        verdicts = [line["verdict"] for line in lines_of(capsys.readouterr().out) if "verdict" in line]
        assert len(verdicts) == 1
        return verdicts[0]

    return run


@pytest.fixture
def judged(folder: Path, judged_in: Callable[..., dict[str, Any]]) -> Callable[..., dict[str, Any]]:
    """Return a function: options of the stage -> its verdict about `folder`."""
    return partial(judged_in, folder)


def weights_of(folder: Path, stage: str, *options: str) -> str:
    """Train a run and return its best checkpoint."""
    before = set(folder.glob("training/*/best.safetensors"))
    assert main([stage, "--project", str(folder), "--events", *options]) == 0
    return str(next(iter(set(folder.glob("training/*/best.safetensors")) - before)))


def test_the_same_chain_with_another_name_is_neither_better_nor_worse(
    folder: Path, judged: Callable[..., dict[str, Any]]
) -> None:
    """The candidate is another plan, a class gain of 1, that proposes the same."""
    with Project.open(folder) as project:
        project.set_plan(replace(project.plan, refiners=(Step("constant_background"),)))
    found = judged("--refiners", "constant_background", "class_gain")
    assert found["better"] == found["worse"] == []
    assert found["mean"]["candidate"] == found["mean"]["present"]
    assert found["basis"] == {"images": 8, "held_out": 8, "whole": 8, "by_candidate": 0.0, "by_present": 0.0}
    assert found["recommendation"] == "keep"
    assert not found["is_applied"]


def test_a_chain_that_would_empty_every_proposal_still_shows_every_class(
    folder: Path, judged: Callable[..., dict[str, Any]], tmp_path: Path
) -> None:
    with Project.open(folder) as project:
        project.set_plan(replace(project.plan, refiners=(Step("constant_background", {"background_threshold": 0.2}),)))
        plan, names = project.plan, project.classes.names
    found = judged("--constant-background-background-threshold", "1.0", "--out", str(tmp_path / "out"))
    assert found["not_learned"] == [], "a labelled class never vanishes"
    assert found["mean"]["candidate"] != found["mean"]["present"]
    assert json.loads((tmp_path / "out" / "verdict.json").read_text()) == found
    table = (tmp_path / "out" / "table.txt").read_text()
    assert all(name in table for name in names)
    with Project.open(folder, read_only=True) as project:
        assert project.plan == plan, "nothing is changed"


def test_a_trained_model_is_held_against_the_applied_one_and_then_against_the_one_before(
    folder: Path, tiny: list[str], judged: Callable[..., dict[str, Any]]
) -> None:
    weights = weights_of(folder, "segmentation", *tiny, "--iterations", "1")
    found = judged("--weights", weights)
    assert {one["name"] for one in found["classes"]} >= {"background"}
    assert found["basis"]["held_out"] == found["basis"]["images"] == 6
    assert main(["segmentation", "--project", str(folder), "--resume", str(Path(weights).parent), "--apply"]) == 0
    after = judged("--weights", weights)
    assert after["is_applied"]
    same = ("better", "worse", "mean", "classes", "basis", "recommendation")
    assert {name: after[name] for name in same} == {name: found[name] for name in same}
    assert judged() == after, "without a model: the applied one"


def test_a_change_of_the_chain_is_held_against_what_was_before(
    folder: Path, judged: Callable[..., dict[str, Any]], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["judge", "--project", str(folder), "--last-change"]) == 4
    assert "no earlier chain" in capsys.readouterr().err
    for threshold in (0.2, 1.0):
        with Project.open(folder) as project:
            step = Step("constant_background", {"background_threshold": threshold})
            project.set_plan(replace(project.plan, refiners=(step,)))
    found = judged("--last-change")
    assert found["is_applied"]
    assert found["mean"]["candidate"] != found["mean"]["present"]
    assert found["advice"]


def test_images_that_taught_a_model_are_left_out_and_said_where_there_are_no_others(
    folder: Path, tiny: list[str], judged: Callable[..., dict[str, Any]]
) -> None:
    with Project.open(folder) as project:
        project._database.execute("UPDATE images SET split = 'train'")
    weights = weights_of(folder, "segmentation", *tiny, "--iterations", "1")
    found = judged("--weights", weights)
    assert found["basis"]["images"] == 8
    assert found["basis"]["held_out"] == 0
    assert found["recommendation"] != "apply"
    assert "8 of the 8 images taught one of the two" in " ".join([found["advice"], *found["reasons"]])


def test_fewer_images_are_compared_when_told(judged: Callable[..., dict[str, Any]]) -> None:
    found = judged("--refiners", "power_background", "class_gain", "--limit", "3")
    assert found["basis"]["images"] == 3
    assert found["recommendation"] == "unsure"
    assert "It takes 6 accepted masks" in " ".join([found["advice"], *found["reasons"]])


def test_clicks_and_strokes_are_part_of_the_truth(
    applied_folder: Path, judged_in: Callable[..., dict[str, Any]]
) -> None:
    """Three masks and an image that is known by one click and one stroke, whose pixels are all that counts of it."""
    with Project.open(applied_folder) as project:
        image_id = next(one.id for one in project.catalog.records(states=("todo",)) if one.labels)
        value = project.classes.indices(project.catalog.get(image_id).labels)[0] + 1
        clicks, strokes = np.zeros((2, 64, 64), np.uint8)
        clicks[:8, :8] = value
        write_scribbles(project, image_id, clicks)
    one = judged_in(applied_folder, "--ids", image_id, "--refiners", "power_background", "class_gain")
    assert one["basis"] == {"images": 1, "held_out": 1, "whole": 0, "by_candidate": 0.0, "by_present": 0.0}
    assert [entry["images"] for entry in one["classes"]].count(1) == 1
    with Project.open(applied_folder) as project:
        strokes[40:, :8] = value
        project.review.save_draft(image_id, strokes)
    both = judged_in(applied_folder, "--refiners", "power_background", "class_gain")
    assert both["basis"]["images"] == 4
    assert both["basis"]["whole"] == 3


def test_a_window_reads_what_the_real_child_says(folder: Path) -> None:
    options = {"refiners": ["power_background", "class_gain"], "limit": 3, "device": "cpu", "threads": 1}
    said = finish(run_stage("judge", folder, options))
    told = told_by(next(record for record in said if "verdict" in record))
    assert (told.state, told.recommendation) == ("known", "unsure")
    assert told.line.endswith("Not enough to tell.")
    assert told.reasons[0].startswith("Mean IoU ")
    assert told.table.splitlines()[1].startswith("background")


def test_what_cannot_be_compared_is_said(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], tiny: list[str]
) -> None:
    stage = ["judge", "--project", str(folder)]
    assert main(stage) == 4
    assert "has used no other model" in capsys.readouterr().err
    assert main([*stage, "--weights", str(tmp_path / "none.safetensors")]) == 4
    assert "none.safetensors" in capsys.readouterr().err
    assert main([*stage, "--limit", "0"]) == 4
    assert "--limit is 0" in capsys.readouterr().err
    affinity = weights_of(folder, "affinity", *tiny, "--iterations", "1", "--no-crf")
    capsys.readouterr()
    assert main([*stage, "--weights", affinity]) == 4
    assert "No refiner of the project asks the affinity network" in capsys.readouterr().err
