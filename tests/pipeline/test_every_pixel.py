"""Projects without a background: what suggests them, and proposals in which every pixel has a class."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from napari_wsss.core.classes import ClassList
from napari_wsss.core.plan import Step
from napari_wsss.core.progress import finish
from napari_wsss.pipeline import every_pixel, run
from napari_wsss.pipeline.every_pixel import covers_everything, suggestion
from napari_wsss.project.project import Project
from napari_wsss.project.records import NewImage
from tests.session.conftest import HEIGHT, WIDTH, _colours_on_the_shelf, model_folder, project_folder, write_checkpoint

__all__ = ["_colours_on_the_shelf", "model_folder", "project_folder"]
CHAINS = [
    (Step("constant_background", {"background_threshold": 0.9}),),
    (Step("power_background"),),
    (Step("class_gain", {"gains": {"1": 2.0}}), Step("power_background"), Step("constant_background")),
]


def proposal(project: Project, image_id: str) -> np.ndarray:
    finish(run.propose(project, [image_id], "cpu"))
    found = run.proposal(project, image_id)
    assert found is not None
    return found


@pytest.mark.parametrize("chain", CHAINS, ids=len)
def test_the_strongest_class_counts_everywhere(model_folder: Path, chain: tuple[Step, ...]) -> None:
    with Project.open(model_folder) as project:
        project.set_plan(replace(project.plan, refiners=chain, every_pixel=True))
        maps = proposal(project, "p0.png"), run.refined_maps(project, "p0.png")
        np.testing.assert_array_equal(maps[0], maps[1].strongest()[1])
        assert set(np.unique(maps[0])) == {1, 2}
        assert (proposal(project, "p2.png") == 1).all(), "its only class may cover the picture"
        project.set_plan(replace(project.plan, every_pixel=False))
        assert (proposal(project, "p0.png") == 0).any()


def test_a_segmenter_s_background_does_not_count(model_folder: Path) -> None:
    path = write_checkpoint(model_folder, relative="training/shares/best.safetensors")
    checkpoint = path.relative_to(model_folder).as_posix()
    with Project.open(model_folder) as project:
        project.set_plan(replace(project.plan, segmenter=Step("shares"), segmenter_checkpoint=checkpoint))
        assert (proposal(project, "p0.png") == 0).any()
        project.set_plan(replace(project.plan, every_pixel=True))
        assert not (proposal(project, "p0.png") == 0).any()


def test_an_image_labelled_none_of_the_classes_stays_empty(model_folder: Path) -> None:
    with Project.open(model_folder) as project:
        project.set_labels("p0.png", frozenset(), negative=True)
        project.set_plan(replace(project.plan, every_pixel=True))
        assert not proposal(project, "p0.png").any()


def test_masks_without_background_suggest_it() -> None:
    full, half = np.ones((10, 10), np.uint8), np.ones((10, 10), np.uint8)
    half[:5] = 0
    undecided = full.copy()
    undecided[:3] = 255
    assert covers_everything([full, undecided, full])
    assert not covers_everything([full, full])
    assert not covers_everything([full, full, half])


def test_accepted_masks_and_labels_suggest_it(model_folder: Path, tmp_path: Path) -> None:
    with Project.open(model_folder) as project:
        assert suggestion(project) == ""
        for image_id in ("p0.png", "p1.png", "p2.png"):
            project.review.accept(image_id, np.ones((HEIGHT, WIDTH), np.uint8))
        assert "no background" in suggestion(project)
    images = [NewImage(f"{k}.png", frozenset({"sky", "road"})) for k in range(every_pixel.LEAST_TAGGED)]
    with Project.create(tmp_path / "tagged", tmp_path, ClassList(("sky", "road")), images) as tagged:
        assert "several classes" in suggestion(tagged)
