from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from napari_wsss.project.project import Project
from training.stages.trained_runs import Model, trained_models, trained_segmenters


@pytest.fixture
def project(applied_folder: Path) -> Iterator[Project]:
    with Project.open(applied_folder) as opened:
        yield opened


def add_run(project: Project, recipe: str, method: str, started: float, **facts: object) -> Path:
    folder = project.training_folder / f"{recipe}-{method}-{started:g}"
    folder.mkdir()
    (folder / "best.safetensors").touch()
    record = {"recipe": recipe, "state": "done", "started": started, "config": {"method": method}, **facts}
    (folder / "run.json").write_text(json.dumps(record))
    return folder


def test_the_newest_finished_run_of_a_method_is_its_model(project: Project, tmp_path: Path) -> None:
    (model,) = trained_models(project, tmp_path)

    assert (model.method, model.title) == ("cam", "CAM")
    assert model.checkpoint.is_file()
    assert not model.rounds()


def test_rounds_come_in_order(tmp_path: Path) -> None:
    for number in (10, 2):
        (tmp_path / f"round-{number}").mkdir()
        (tmp_path / f"round-{number}" / "last.safetensors").touch()

    rounds = Model("SC-CAM", "sub_category", tmp_path / "last.safetensors", tmp_path).rounds()

    assert [one.title for one in rounds] == ["SC-CAM, round 2", "SC-CAM, round 10"]


def test_localizers_come_in_the_order_of_their_shelf(project: Project, tmp_path: Path) -> None:
    for started, method in enumerate(("seam", "edam")):
        add_run(project, "classifier", method, 1e12 + started)

    assert [model.method for model in trained_models(project, tmp_path)] == ["cam", "edam", "seam"]


def test_segmentation_networks_are_the_newest_of_their_method(project: Project) -> None:
    assert not trained_segmenters(project)
    add_run(project, "segmentation", "deeplab_v3", 1)
    newest = add_run(project, "segmentation", "deeplab_v3", 2, pixel_supervised=True)
    add_run(project, "segmentation", "deeplab_v3", 3, state="stopped")

    (model,) = trained_segmenters(project)

    assert model.run == newest
    assert model.title.endswith("(pixel masks)")
