from __future__ import annotations

from pathlib import Path

from PIL import Image

from napari_wsss.core.classes import ClassList
from napari_wsss.core.working_size import FEATURES_SIDE, LARGEST
from napari_wsss.pipeline.picture_sides import middle_side, wanted_enlargement
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
        assert wanted_enlargement(project) == FEATURES_SIDE / 320


def test_large_pictures_are_reduced_and_tiny_ones_not_blown_up_without_end(tmp_path: Path) -> None:
    with of_sides(tmp_path, (960, 20)) as project:
        assert wanted_enlargement(project) == 0.5
    (tmp_path / "tiny").mkdir()
    with of_sides(tmp_path / "tiny", (12, 10)) as project:
        assert wanted_enlargement(project) == LARGEST


def test_missing_pictures_say_nothing(project: Project) -> None:
    for image_id in project.catalog.ids():
        project.image_path(image_id).unlink()
    assert middle_side(project) == 0
    assert wanted_enlargement(project) == 1.0
