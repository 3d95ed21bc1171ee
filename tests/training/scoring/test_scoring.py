from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from napari_wsss.core.errors import LabelError, ProjectError, StepError
from napari_wsss.core.maps import ActivationMaps
from napari_wsss.core.masks import write_mask
from napari_wsss.core.progress import finish
from napari_wsss.project.project import Project
from training.scoring.left_out import LeftOut
from training.scoring.scoring import THRESHOLDS, TrueMasks, class_names, score, scored_names, seeds, sweep


@pytest.fixture
def project(project_folder: Path) -> Project:
    with Project.open(project_folder) as opened:
        yield opened


@pytest.fixture
def truth(tiny_data: Path) -> TrueMasks:
    return TrueMasks(tiny_data / "SegmentationClass")


def test_true_masks_are_found_by_stem_and_by_folder(tmp_path: Path, project: Project) -> None:
    values = np.ones((4, 5), np.uint8)
    for name in ("a.png", "sub/b.png", "c.jpg.png"):
        write_mask(tmp_path / name, values, project.classes)
    found = TrueMasks(tmp_path)
    assert [found.path(i) is not None for i in ("a.jpg", "sub/b.jpg", "c.jpg", "d.jpg")] == [True, True, True, False]
    assert np.array_equal(found("x/a.jpg"), values)
    assert found.known(["a.jpg", "d.jpg"]) == ["a.jpg"]
    with pytest.raises(ProjectError, match="None of 1"):
        found.known(["d.jpg"])
    with pytest.raises(ProjectError, match=r"d\.jpg"):
        found("d.jpg")


def test_a_class_list_beside_true_masks_decides_what_they_mean(tmp_path: Path, project: Project) -> None:
    names = project.classes.names
    write_mask(tmp_path / "masks" / "a.png", np.array([[0, 1, 255]], np.uint8), project.classes)
    (tmp_path / "classes.txt").write_text("\n".join(["background", *reversed(names)]))
    found = TrueMasks(tmp_path / "masks", project.classes)
    np.testing.assert_array_equal(found("a.jpg"), [[0, len(names), 255]])
    np.testing.assert_array_equal(TrueMasks(tmp_path / "masks")("a.jpg"), [[0, 1, 255]])


def test_a_true_class_that_the_project_does_not_have_is_named(tmp_path: Path, project: Project) -> None:
    write_mask(tmp_path / "masks" / "a.png", np.array([[0, 1]], np.uint8), project.classes)
    (tmp_path / "masks" / "classes.txt").write_text("background\nzebra\n")
    with pytest.raises(ProjectError, match=r"a\.png.*'zebra'"):
        TrueMasks(tmp_path / "masks", project.classes)("a.jpg")


def test_true_masks_score_one_against_themselves(project: Project, truth: TrueMasks) -> None:
    ids = list(project.catalog.ids())
    scores = finish(score(project, ids, truth, truth, LeftOut()))
    assert scores.mean_iou() == 1.0
    assert scores.names == class_names(project)


def test_accepted_masks_of_the_wrong_class_score_zero(project: Project, truth: TrueMasks) -> None:
    image_id = next(iter(project.catalog.ids(states=["accepted"])))
    scores = finish(
        score(project, [image_id], lambda i: np.where(truth(i) > 0, 0, 1).astype(np.uint8), truth, LeftOut())
    )
    assert scores.mean_iou() == 0.0


def test_a_missing_mask_and_a_strange_value_name_the_image(project: Project, truth: TrueMasks) -> None:
    image_id = next(iter(project.catalog.ids()))
    with pytest.raises(StepError, match=image_id):
        finish(score(project, [image_id], lambda i: None, truth, LeftOut()))
    with pytest.raises(StepError, match=rf"{re.escape(image_id)}: .*77"):
        finish(score(project, [image_id], lambda i: np.full_like(truth(i), 77), truth, LeftOut()))


def test_the_sweep_finds_the_threshold_that_separates(project: Project, truth: TrueMasks) -> None:
    def maps_of(image_id: str) -> ActivationMaps:
        true = truth(image_id)
        present = tuple(int(v) - 1 for v in np.unique(true) if v not in (0, 255))
        scores = np.stack([np.where(true == k + 1, 0.8, 0.4) for k in present]).astype(np.float32)
        return ActivationMaps(scores, present)

    swept = finish(sweep(project, list(project.catalog.ids())[:3], maps_of, truth, LeftOut()))
    figures = dict(zip(THRESHOLDS, swept.mean_iou(), strict=True))
    assert figures[0.6] == 1.0
    assert figures[0.3] < 0.5
    assert 0.4 <= swept.thresholds[swept.best()] < 0.8


def test_an_image_without_maps_is_named(project: Project, truth: TrueMasks) -> None:
    with pytest.raises(StepError, match="Run localize"):
        finish(sweep(project, list(project.catalog.ids())[:1], lambda i: None, truth, LeftOut()))


def test_scored_names(project: Project) -> None:
    name = project.classes.names[0]
    assert scored_names(project, ()) is None
    assert scored_names(project, [name]) == ("background", name)
    with pytest.raises(LabelError, match="unicorn"):
        scored_names(project, ["unicorn"])


def test_seeds_need_an_applied_model(project: Project) -> None:
    with pytest.raises(StepError, match="No trained"):
        seeds(project, next(iter(project.catalog.ids())))
