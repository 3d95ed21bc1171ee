"""The automatic background strength of a project: declared, wanted or not, estimated, with what a person decided."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from napari_wsss.core.background import AutomaticBackground, equivalent_alpha
from napari_wsss.core.errors import StepError
from napari_wsss.core.plan import Plan, Step
from napari_wsss.core.progress import finish
from napari_wsss.core.registry import load_method, method_names
from napari_wsss.pipeline import background, run
from napari_wsss.pipeline.apply import apply, apply_earlier
from napari_wsss.pipeline.background import (
    decided_pixels,
    declared_background,
    estimate_background,
    is_automatic,
    sample_of,
    wants_estimate,
)
from napari_wsss.project.project import Project
from napari_wsss.project.scribble_files import write_scribbles
from tests.session.conftest import (
    HEIGHT,
    WIDTH,
    _colours_on_the_shelf,
    colours_plan,
    model_folder,
    project_folder,
    write_checkpoint,
)

__all__ = ["_colours_on_the_shelf", "model_folder", "project_folder"]
SQUARES = np.zeros((HEIGHT, WIDTH), np.uint8)
SQUARES[6:18, 4:14], SQUARES[8:16, 20:28] = 1, 2


@pytest.fixture
def folder(model_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(background, "ENOUGH", 4)
    with Project.open(model_folder) as project:
        project.set_plan(colours_plan(Step("power_background")))
        finish(run.localize(project, sample_of(project), "cpu"))
    return model_folder


def test_every_localizer_declares_what_it_is_read_as() -> None:
    for method in method_names("localize"):
        if method != "colours":
            assert declared_background(method).threshold == load_method("localize", method).background_threshold
    assert equivalent_alpha(declared_background("lpcam").threshold) == pytest.approx(0.89, abs=0.01)
    assert equivalent_alpha(declared_background("seam").threshold) == pytest.approx(1.34, abs=0.01)
    assert equivalent_alpha(declared_background("somebody's own").threshold) == pytest.approx(2, abs=0.01)


def test_a_model_brings_its_own_and_takes_it_away_again(folder: Path) -> None:
    with Project.open(folder) as project:
        project.set_plan(replace(project.plan, automatic=AutomaticBackground(0.6, "key", 30)))
        before = project.plan
        apply(project, "localize", "seam", write_checkpoint(folder, relative="training/seam/best.safetensors"))
        assert project.plan.automatic == declared_background("seam")
        assert project.plan.steps[0].parameters["background_power"] == pytest.approx(1.34, abs=0.01)
        apply_earlier(project, before)
        assert project.plan.automatic == before.automatic


def test_what_is_chosen_is_not_automatic(folder: Path) -> None:
    with Project.open(folder) as project:
        plan = project.plan
        assert is_automatic(plan)
        assert not is_automatic(replace(plan, refiners=(Step("power_background", {"background_power": 2.0}),)))
        assert not is_automatic(replace(plan, segmenter_checkpoint="x"))
        assert not is_automatic(Plan())
        assert not wants_estimate(project, images=3)
        assert wants_estimate(project)


def test_squares_are_found_without_a_mask(folder: Path) -> None:
    with Project.open(folder) as project:
        found = finish(estimate_background(project, sample_of(project)))
        project.set_plan(replace(project.plan, automatic=found))
        assert found.images == 6
        assert not wants_estimate(project)
        finish(run.propose(project, ["p0.png"], "cpu"))
        np.testing.assert_array_equal(run.proposal(project, "p0.png"), SQUARES)


def test_a_person_s_pixels_move_it(folder: Path) -> None:
    with Project.open(folder) as project:
        before = finish(estimate_background(project, sample_of(project)))
        project.set_plan(replace(project.plan, automatic=before))
        everything = np.ones((HEIGHT, WIDTH), np.uint8)
        everything[0] = 0
        for image_id in ("p0.png", "p1.png", "p2.png"):
            project.review.accept(image_id, everything)
        assert wants_estimate(project)
        after = finish(estimate_background(project, sample_of(project)))
        assert after.decided == 3
        assert after.threshold < before.threshold


def test_clicks_and_drafts_count_where_they_are(folder: Path) -> None:
    with Project.open(folder) as project:
        assert decided_pixels(project, "p0.png") is None
        scribbles = np.zeros((HEIGHT, WIDTH), np.uint8)
        scribbles[10, 5:9] = 1
        write_scribbles(project, "p0.png", scribbles)
        known = decided_pixels(project, "p0.png")
        assert known is not None
        assert np.flatnonzero(known.ravel() != 255).tolist() == np.flatnonzero(scribbles.ravel()).tolist()


def test_too_few_images_are_told(folder: Path) -> None:
    with Project.open(folder) as project, pytest.raises(StepError, match="2 of 2 images"):
        finish(estimate_background(project, ["p0.png", "p1.png"]))
