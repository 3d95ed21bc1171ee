"""Features are computed before anybody asks, by any number of workers, and the learner takes them as its own."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from napari_wsss.pipeline.learner.tap_features import STEP
from napari_wsss.project.project import Project
from training.pixel_learner.pixel_learner import PixelLearner
from training.resolving import resolve_file
from training.run import main

NETWORK = {"trunk": "mobilenet_v2", "trunk_weights": "none", "width": 0.25}
OPTIONS = ["--trunk", "mobilenet_v2", "--trunk-weights", "none", "--width", "0.25", "--enlargement", "1"]
TYPED = [*OPTIONS, "--device", "cpu", "--threads", "1"]
CONFIG = {"method": "pixel_classifier", "network": NETWORK, "parameters": {"enlargement": 1.0}}


def kept(folder: Path) -> dict[str, bytes]:
    """Return every file of features."""
    found = (folder / "results").rglob(f"{STEP}*/*/*.npz")
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in found}


def told(lines: list[dict[str, Any]]) -> dict[str, Any]:
    return next(line for line in lines if line["stage"] == "report" and "failed" in line)


def test_a_learner_finds_them_and_a_second_run_does_nothing(
    lines_of: Callable[[str], list[dict[str, Any]]], applied_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["features", "--project", str(applied_folder), "--events", *TYPED]
    for expected in ("done", "reused"):
        assert main(arguments) == 0
        report = told(lines_of(capsys.readouterr().out))
        assert report[expected] == len(kept(applied_folder)) > 2
    with Project.open(applied_folder, read_only=True) as project:
        learner = PixelLearner(project, resolve_file("segmentation", CONFIG))
        for image_id in project.catalog.ids():
            assert learner.features.has(image_id)
            learner.features(image_id)
        assert not learner.features.computed


def test_any_number_of_parts_makes_the_same(applied_folder: Path, tmp_path: Path) -> None:
    arguments = ["features", "--project", str(applied_folder), *TYPED]
    assert main(arguments) == 0
    alone = kept(applied_folder)
    for path in alone:
        (applied_folder / path).unlink()
    for part in ("2/2", "1/2"):
        assert main([*arguments, "--shard", part]) == 0
    assert kept(applied_folder) == alone
    for path in alone:
        (applied_folder / path).unlink()
    assert main([*arguments, "--workers", "2"]) == 0
    assert kept(applied_folder) == alone


def test_the_trunk_is_that_of_the_applied_classifier_where_none_is_typed(applied_folder: Path) -> None:
    with Project.open(applied_folder, read_only=True) as project:
        run = (applied_folder / project.plan.localizer_checkpoint).parent
    network = json.loads((run / "run.json").read_text())["config"]["network"]
    assert main(["features", "--project", str(applied_folder), "--device", "cpu", "--threads", "1"]) == 0
    own = {**CONFIG, "network": {name: network[name] for name in NETWORK}, "parameters": {}}
    with Project.open(applied_folder, read_only=True) as project:
        learner = PixelLearner(project, resolve_file("segmentation", own))
        assert all(map(learner.features.has, project.catalog.ids()))


def test_a_full_disk_ends_it_in_a_sentence_and_keeps_what_is_there(
    applied_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["features", "--project", str(applied_folder), *TYPED, "--gigabytes", "1e-8"]
    assert main(arguments) != 0
    assert "--gigabytes" in capsys.readouterr().err
    assert len(kept(applied_folder)) == 1, "one is begun while there is room"
    assert main([*arguments[:-1], "0"]) != 0
