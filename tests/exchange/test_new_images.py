"""Only pictures that are new come into a project, with labels it knows."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from napari_wsss.core.errors import LabelError, ProjectError
from napari_wsss.exchange.new_images import find_new_images
from napari_wsss.project.project import Project
from napari_wsss.project.records import NewImage


def add_picture(folder: Path, name: str) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (9, 8), "red").save(path)
    return path


def test_nothing_is_new_at_first(project: Project) -> None:
    assert find_new_images(project).images == ()
    assert "0 new images" in find_new_images(project).summary()


def test_named_pictures_and_folders_only(project: Project, images_root: Path) -> None:
    first, _, third = (add_picture(images_root, name) for name in ("new/1.png", "new/2.png", "3.png"))
    assert [image.id for image in find_new_images(project).images] == ["3.png", "new/1.png", "new/2.png"]
    assert find_new_images(project, [first, first]).images == (NewImage("new/1.png"),)
    assert [image.id for image in find_new_images(project, [third, first.parent]).images] == [
        "3.png",
        "new/1.png",
        "new/2.png",
    ]


def test_what_is_no_picture_of_the_folder_is_refused(project: Project, tmp_path: Path) -> None:
    with pytest.raises(ProjectError, match="neither a picture"):
        find_new_images(project, [tmp_path / "nowhere.png"])
    with pytest.raises(ProjectError, match="does not lie in the image folder"):
        find_new_images(project, [add_picture(tmp_path / "other", "x.png")])


def test_labels_and_splits_are_read_as_for_a_new_project(project: Project, images_root: Path, tmp_path: Path) -> None:
    add_picture(images_root, "1.png")
    add_picture(images_root, "2.png")
    table = tmp_path / "table.csv"
    table.write_text("image,labels,split\n1.png,dog,validation\na.png,cat,train\n")
    found = find_new_images(project, source=table)
    assert found.images == (NewImage("1.png", frozenset({"dog"}), "val"), NewImage("2.png"))
    assert "1 with labels" in found.summary()
    assert "dog 1" in found.summary()


def test_unknown_classes_are_named_before_anything_is_added(
    project: Project, images_root: Path, tmp_path: Path
) -> None:
    add_picture(images_root, "1.png")
    table = tmp_path / "table.csv"
    table.write_text("image,labels\n1.png,zebra\na.png,gnu\n")
    with pytest.raises(LabelError, match=r"zebra 1 images"):
        find_new_images(project, source=table)
    assert find_new_images(project, source=table, kind="none").images == (NewImage("1.png"),)


def test_pictures_that_cannot_be_added_are_named_with_the_reason(project: Project, images_root: Path) -> None:
    (images_root / "bad.png").write_text("no picture")
    (images_root / "b.png").rename(images_root / "other.png")
    assert project.locate_images() == ("b.png",), "its content was never read, and its name is another one"
    add_picture(images_root, "moved/b.png")
    found = find_new_images(project)
    assert [image.id for image in found.images] == ["other.png"]
    assert "locate-images" in found.left_out["moved/b.png"]
    assert "bad.png" in found.left_out["bad.png"]
    assert "Left out: bad.png" in found.summary()


def test_pictures_used_in_part_are_said(project: Project, images_root: Path) -> None:
    Image.new("L", (4, 3)).save(images_root / "pages.tif", save_all=True, append_images=[Image.new("L", (4, 3))] * 2)
    assert "1 image is used in part: pages.tif (first of 3 pages)" in find_new_images(project).summary()


def test_an_id_that_a_renamed_image_has_is_not_given_twice(project: Project, images_root: Path) -> None:
    project.image_hash("a.png")
    (images_root / "a.png").rename(images_root / "renamed.png")
    assert project.locate_images() == ()
    add_picture(images_root, "a.png")
    found = find_new_images(project)
    assert found.images == ()
    assert "Rename the new one" in found.left_out["a.png"]
