"""Why this proposal: the learner's agreement with the person, and the classes of the image that keep the maps."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path

import pytest

from napari_wsss.core.plan import Plan, Step
from napari_wsss.project.project import Project
from napari_wsss.session.models.why import why_proposal
from tests.session.conftest import colours_plan

SEGMENTER = "training/segmentation-ab/best.safetensors"


@pytest.fixture
def learned(project_folder: Path) -> tuple[Project, Plan]:
    """Return a project and the plan of a pixel classifier beside a localizer; it left green to the maps."""
    record = {"agreement": {"learner": 0.612, "images": 25}, "left_to_maps": ["green", "blue"]}
    run = project_folder / "training" / "segmentation-ab"
    run.mkdir(parents=True)
    (run / "run.json").write_text(json.dumps(record))
    project = Project.open(project_folder, read_only=True)
    return project, replace(colours_plan(), segmenter=Step("pixel_classifier"), segmenter_checkpoint=SEGMENTER)


def test_it_says_who_answers_how_well_and_which_classes_keep_the_maps(learned: tuple[Project, Plan]) -> None:
    said = why_proposal(*learned, {"red", "green"})
    assert said == (
        "Pixel classifier on frozen features of segmentation-ab, 61 % in agreement with you on 25 images left out; "
        "green by the maps of classifier-test, better there"
    )
    assert "maps" not in why_proposal(*learned, {"red"})


def test_it_follows_the_record(learned: tuple[Project, Plan]) -> None:
    project, plan = learned
    assert "green" in why_proposal(project, plan, {"green"})
    assert "count" not in why_proposal(project, plan, {"green"})
    path = (project.folder / SEGMENTER).with_name("run.json")
    path.write_text(json.dumps({"agreement": {"learner": 0.7, "images": 30}, "left_to_maps": [], "map_share": 0.5}))
    os.utime(path, ns=(1, 1))
    assert "70 %" in why_proposal(project, plan, {"green"})
    assert why_proposal(project, plan, {"green"}).endswith("left out; the maps of classifier-test count 50 % beside it")


def test_where_nothing_was_compared_nothing_is_said(learned: tuple[Project, Plan]) -> None:
    project, plan = learned
    assert why_proposal(project, colours_plan(), {"red"}) == ""
    assert why_proposal(project, replace(plan, segmenter=Step("deeplab_v3")), {"red"}) == ""
    path = (project.folder / SEGMENTER).with_name("run.json")
    for text in ("{}", "torn {", None):
        path.write_text(text) if text is not None else path.unlink()
        os.utime(path, ns=(len(str(text)), 7)) if text is not None else None
        assert why_proposal(project, plan, {"red"}) == ""
