from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from napari_wsss.core.classes import ClassList
from napari_wsss.core.progress import finish
from napari_wsss.pipeline.picture_sides import measured_sides, middle_side, wanted_enlargement, working_size
from napari_wsss.pixels.working_size import FEATURES_SIDE, LARGEST, WorkingSize
from napari_wsss.project.project import Project
from napari_wsss.project.records import NewImage


def of_sides(folder: Path, *sides: tuple[int, int]) -> Project:
    root = folder / "images"
    root.mkdir()
    for number, (width, height) in enumerate(sides):
        Image.new("RGB", (width, height), (number, 0, 0)).save(root / f"{number}.png")
    images = [NewImage(f"{number}.png") for number in range(len(sides))]
    return Project.create(folder / "project", root, ClassList("ab"), images)


def test_the_middle_picture_comes_to_the_wanted_side(tmp_path: Path) -> None:
    with of_sides(tmp_path, (200, 100), (320, 240), (100, 1000)) as project:
        assert finish(measured_sides(project)) == (project.folder, 320)
        assert wanted_enlargement(middle_side(project)) == FEATURES_SIDE / 320


def test_large_pictures_are_reduced_and_tiny_ones_not_blown_up_without_end(tmp_path: Path) -> None:
    with of_sides(tmp_path, (960, 20)) as project:
        assert wanted_enlargement(middle_side(project)) == 0.5
    (tmp_path / "tiny").mkdir()
    with of_sides(tmp_path / "tiny", (12, 10)) as project:
        assert wanted_enlargement(middle_side(project)) == LARGEST


def test_missing_pictures_say_nothing(project: Project) -> None:
    for image_id in project.catalog.ids():
        project.image_path(image_id).unlink()
    assert middle_side(project) == 0
    assert wanted_enlargement(0) == 1.0


TOLD = {"preset": "auto", "scale_of": "crop", "crop": 321, "scale_low": 0.9, "scale_high": 1.5}


@pytest.mark.parametrize(
    ("stage", "method", "told", "expected"),
    [
        ("classifier", "seam", TOLD, WorkingSize(960, 373)),
        ("classifier", "seam", {**TOLD, "crop": 801}, WorkingSize(960, 960)),
        ("classifier", "seam", {**TOLD, "preset": "paper"}, WorkingSize(960, 960)),
        ("classifier", "lpcam", TOLD, None),
        ("segmentation", "pixel_classifier", {}, WorkingSize(960, 480)),
        ("segmentation", "hypercolumns", {}, WorkingSize(960, 480)),
        ("segmentation", "pixel_classifier", {"enlargement": 0.25}, WorkingSize(960, 240)),
        ("segmentation", "deeplab_v3", TOLD, None),
    ],
)
def test_what_becomes_of_pictures_in_a_run(
    stage: str, method: str, told: dict[str, object], expected: WorkingSize | None
) -> None:
    assert working_size(960, stage, method, told) == expected
    assert working_size(0, stage, method, told) is None
