"""What a training will cost, before it is started."""

from __future__ import annotations

import platform
from pathlib import Path
from typing import Any

import pytest

from napari_wsss.project.project import Project
from napari_wsss.session.runs.cost import estimate, estimate_start, images_learned, steps_of, what_trains
from napari_wsss.session.runs.folders import RunInfo
from tests.session.conftest import Sitting
from tests.tiny_project import put_split


@pytest.fixture
def project(computed: Sitting) -> Project:
    """Return a project of six training images, one of them accepted and one excluded."""
    session = computed.session
    session.decisions.accept()
    session.decisions.exclude()
    assert session.project is not None
    return session.project


def measured(folder: str = "classifier-a", **changes: Any) -> RunInfo:
    config = {"method": "cam", "optimisation": {"batch_size": 8}, "augmentation": {"crop": 100}}
    facts = {"state": "done", "done": 50, "seconds": 100.0, "platform": platform.platform(), **changes}
    return RunInfo(Path(folder), facts.pop("stage", "classifier"), config=facts.pop("config", config), **facts)


def test_what_trains_is_said_in_numbers(project: Project) -> None:
    assert what_trains(project).startswith("1 accepted of 5 images. 5 train, 0 are kept")
    put_split(project, "p2.png", "val")
    assert "4 train, 1 are kept" in what_trains(project)
    assert "Accepted per class: red 1" in what_trains(project)


def test_what_one_epoch_sees(project: Project) -> None:
    weights = {"machine_weight": 0.5, "person_repeats": 3}
    assert images_learned(project, "classifier", weights) == 5
    assert images_learned(project, "segmentation", weights) == 3 + 4
    assert images_learned(project, "segmentation", {**weights, "machine_weight": 0.0}) == 1
    assert images_learned(project, "saliency", weights) == 1
    for image_id in ("p2.png", "p3.png"):
        put_split(project, image_id, "val")
    assert images_learned(project, "classifier", weights) == 3, "held-out images never train"


@pytest.mark.parametrize(("images", "expected"), [(0, 0), (1, 3), (16, 3), (17, 6)])
def test_steps_follow_epochs(images: int, expected: int) -> None:
    assert steps_of(images, {"iterations": 0, "batch_size": 16, "epochs": 3}) == expected
    assert steps_of(images, {"iterations": 7, "batch_size": 16, "epochs": 3}) == (7 if images else 0)


@pytest.mark.parametrize(
    ("method", "expected"),
    [
        ({}, 6),
        ({"rounds": 3, "start": "anew"}, 24),
        ({"rounds": 3, "start": "clusters"}, 18),
        ({"rounds": 0, "start": "anew"}, 6),
        ({"stages": 1, "first_epochs": 9}, 6),
        ({"stages": 2, "first_epochs": 0}, 12),
        ({"stages": 2, "first_epochs": 1}, 8),
        ({"rounds": 1, "start": "anew", "iterations": 5}, 10),
    ],
)
def test_every_round_and_stage_counts(method: dict[str, object], expected: int) -> None:
    assert steps_of(20, {"iterations": 0, "batch_size": 16, "epochs": 3, **method}) == expected


def test_what_trains_nothing_looks_once_at_every_image(project: Project) -> None:
    found = estimate(project, "classifier", "lpcam", {"epochs": 5, "batch_size": 16}, [])

    assert found is not None
    assert found.steps == images_learned(project, "classifier", {})


def test_the_pace_of_a_run_here_counts(project: Project) -> None:
    options = {"batch_size": 4, "crop": 200, "epochs": 10}
    late = measured("late")
    found = estimate(project, "classifier", "cam", options, [late, measured("early")], "CPU · torch 2")
    assert found is not None
    assert (found.steps, found.measured, found.device) == (20, f"the run of {late.clock}", "CPU")
    # 2 s for a step of 8 x 100 x 100 pixels; a step of 4 x 200 x 200 has twice as many.
    assert found.seconds == pytest.approx(20 * 4)
    assert found.details() == f" on CPU, 20 steps at the pace of the run of {late.clock}"


@pytest.mark.parametrize(
    "other",
    [
        {"stage": "segmentation"},
        {"platform": "elsewhere"},
        {"done": 2},
        {"seconds": 0.0},
        {"config": {"method": "seam"}},
        {"config": {"method": "cam", "network": {"trunk": "resnet50"}}},
        {"config": {"method": "cam", "hardware": {"device": "cuda"}}},
    ],
)
def test_other_runs_say_nothing(project: Project, other: dict[str, Any]) -> None:
    found = estimate(project, "classifier", "cam", {}, [measured(**other)])
    assert found is not None
    assert found.measured == ""
    assert "rough guess" in found.details()


def test_the_table_knows_what_is_slower(project: Project) -> None:
    def seconds(method: str = "cam", device: str = "CPU", **options: Any) -> float:
        found = estimate(project, "classifier", method, options, [], device)
        assert found is not None
        return found.seconds

    assert seconds(trunk="resnet101") > seconds(trunk="resnet50") > seconds() > seconds(device="cuda:0 · H")
    assert seconds(trunk="resnet101_caffe") == seconds(trunk="resnet101")
    assert seconds("seam") > seconds()
    assert seconds(device="cuda", output_stride=8) > seconds(device="cuda")
    assert seconds(device="cuda") == estimate(project, "classifier", "cam", {"device": "cuda"}, [], "CPU").seconds


def test_nothing_to_learn_from_costs_nothing(project: Project) -> None:
    project.review.undo()
    project.review.undo()
    assert estimate(project, "saliency", "ldf", {}, []) is None


def test_a_recommended_start_costs_seam_and_lpcam(project: Project) -> None:
    parts = [estimate(project, "classifier", method, {"width": 0.5}, [], "cpu") for method in ("seam", "lpcam")]
    whole = estimate_start(project, {"width": 0.5}, [], "cpu")
    assert whole is not None
    assert whole.seconds == pytest.approx(sum(part.seconds for part in parts if part is not None))
    assert whole.details().endswith("(a rough guess until a run was measured here)")
    for image_id in list(project.catalog.ids()):
        put_split(project, image_id, "val")
    assert estimate_start(project, {}, []) is None


def test_a_pixel_classifier_costs_one_pass_an_image_and_its_fits(project: Project) -> None:
    once = estimate(project, "segmentation", "pixel_classifier", {"pseudo_rounds": 0}, [])
    thrice = estimate(project, "segmentation", "pixel_classifier", {"pseudo_rounds": 2, "batch_size": 2048}, [])
    assert once is not None
    assert thrice is not None
    assert thrice.steps == 3 * once.steps
    assert once.seconds < thrice.seconds < 60, "cells are no pictures"
