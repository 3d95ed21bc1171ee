"""Creating a project: every image is in it, classes are checked, and nothing is left behind where it is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile

from napari_wsss.core.errors import LabelError, ProjectError, WsssError
from napari_wsss.exchange.labels import read_labels
from napari_wsss.project.project import Project
from napari_wsss.session.creating import create_project
from tests.session.conftest import write_picture


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Return a folder of six images, two of them in a folder below."""
    for number in range(6):
        write_picture(tmp_path / "photos" / ("deep" if number > 3 else "") / f"a{number}.png", number)
    return tmp_path / "photos"


def test_without_a_report_every_image_is_taken_and_has_no_label(photos: Path, tmp_path: Path) -> None:
    with create_project(tmp_path / "project", photos, None, ["cat"], hold_out=0.5) as project:
        assert list(project.catalog.ids()) == ["a0.png", "a1.png", "a2.png", "a3.png", "deep/a4.png", "deep/a5.png"]
        assert not any(record.labels for record in project.catalog.records())
        assert len(list(project.catalog.ids(split="val"))) == 3


def test_a_background_named_first_is_no_class(photos: Path, tmp_path: Path) -> None:
    with create_project(tmp_path / "project", photos, None, ["Background", "cat", "dog"]) as project:
        assert project.classes.names == ("cat", "dog")


def test_splits_of_the_report_are_kept(photos: Path, tmp_path: Path) -> None:
    table = photos / "labels.csv"
    table.write_text("image,split,labels\na0.png,val,cat\na1.png,train,dog\n")
    with create_project(tmp_path / "project", photos, read_labels(photos, table), hold_out=0.9) as project:
        assert project.catalog.get("a0.png").split == "val"
        assert project.catalog.get("a1.png").split == "train"


def test_pages_of_a_stack_are_images(tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    tifffile.imwrite(tmp_path / "photos" / "stack.tif", np.zeros((3, 24, 32), np.uint8), photometric="minisblack")
    with create_project(tmp_path / "whole", tmp_path / "photos", None, ["cell"]) as project:
        assert len(list(project.catalog.ids())) == 1
    with create_project(tmp_path / "pages", tmp_path / "photos", None, ["cell"], pages=True) as project:
        assert len(list(project.catalog.ids())) == 3
        assert project.takes_pages


@pytest.mark.parametrize(("classes", "error"), [([], LabelError), (["background"], LabelError)])
def test_no_class_makes_no_project(photos: Path, tmp_path: Path, classes: list[str], error: type[WsssError]) -> None:
    with pytest.raises(error, match="class"):
        create_project(tmp_path / "project", photos, None, classes)
    assert not (tmp_path / "project").exists()


def test_a_project_that_exists_is_left_alone(photos: Path, tmp_path: Path) -> None:
    create_project(tmp_path / "project", photos, None, ["cat"]).close()
    with pytest.raises(ProjectError, match="already holds a project"):
        create_project(tmp_path / "project", photos, None, ["dog"])
    with Project.open(tmp_path / "project") as project:
        assert project.classes.names == ("cat",)


def test_a_folder_without_images_makes_no_project(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(ProjectError, match="no images"):
        create_project(tmp_path / "project", tmp_path / "empty", None, ["cat"])
    assert not (tmp_path / "project").exists()


def test_pictures_that_are_not_read_are_said_where_there_is_no_other(tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos/a.heic").touch()
    with pytest.raises(ProjectError, match=r"1 \.heic; save them as"):
        create_project(tmp_path / "project", tmp_path / "photos", None, ["cat"])
