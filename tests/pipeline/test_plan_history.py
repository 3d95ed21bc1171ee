"""The last change of parameters: found among others, taken back exactly, and not twice."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from napari_wsss.core.classes import ClassList
from napari_wsss.core.plan import Plan, Step
from napari_wsss.pipeline.plan_history import last_change, mark_taken_back
from napari_wsss.project.project import Project
from napari_wsss.project.records import NewImage


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    (tmp_path / "images").mkdir()
    Image.new("RGB", (4, 3)).save(tmp_path / "images" / "a.png")
    made = Project.create(tmp_path / "project", tmp_path / "images", ClassList(("cat",)), [NewImage("a.png")])
    with made:
        yield made


def test_changes_are_taken_back_one_after_the_other(project: Project) -> None:
    plans = [project.plan]
    plans.append(plans[-1].with_override("image:a.png", "dense_crf", {"weight": 4.0}))
    plans.append(plans[-1].with_override("image:a.png", "dense_crf", {"weight": 9.0, "iterations": 3}))
    plans.append(replace(plans[-1], refiners=(Step("power_background", {"background_power": 8.0}),)))
    for plan in plans[1:]:
        project.set_plan(plan)
    project.set_plan(replace(project.plan, localizer_checkpoint="training/x/best.safetensors"))  # is not one of them

    texts = []
    for plan in reversed(plans[:-1]):
        change = last_change(project)
        assert change is not None
        texts.append(change.text())
        project.set_plan(change.taken_back(project.plan))
        mark_taken_back(project, change)
        assert (project.plan.refiners, project.plan.overrides) == (plan.refiners, plan.overrides)
        assert project.plan.localizer_checkpoint == "training/x/best.safetensors"

    assert last_change(project) is None
    assert texts[0] == "power_background: background_power – → 8 (project)"
    assert texts[1] == "dense_crf: weight 4 → 9 (image:a.png) and 1 more"


def test_a_new_project_has_nothing_to_take_back(project: Project) -> None:
    assert last_change(project) is None
    project.set_plan(replace(Plan(), saliency_folder="sal"))
    assert last_change(project) is None
