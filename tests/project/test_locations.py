from __future__ import annotations

import hashlib
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from napari_wsss.core.errors import ProjectError
from napari_wsss.project import locations
from napari_wsss.project.project import Project
from tests.tiny_project import IDS


def test_hash_is_the_file_s_and_is_read_once(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    content = project.image_path("a.png").read_bytes()
    assert project.image_hash("a.png") == hashlib.sha256(content).hexdigest()
    monkeypatch.setattr(locations, "content_hash", lambda _: pytest.fail("read again"))
    assert project.image_hash("a.png") == hashlib.sha256(content).hexdigest()
    assert project.catalog.get("a.png").content_hash == project.image_hash("a.png")


def test_a_replaced_image_is_noticed_and_marked(project: Project) -> None:
    path = project.image_path("a.png")
    first = project.image_hash("a.png")
    os.utime(path, ns=(1, 1))
    assert project.image_hash("a.png") == first
    assert not project.catalog.get("a.png").replaced, "only its time changed"
    Image.new("RGB", (8, 6), "red").save(path)
    assert project.image_hash("a.png") != first
    assert project.catalog.get("a.png").replaced
    project.review.accept("a.png", (project.load_image("a.png").pixels[..., 0] > 255).astype("uint8"))
    assert not project.catalog.get("a.png").replaced, "a person looked at the new picture"
    project.review.undo()
    assert project.catalog.get("a.png").replaced


def test_a_reader_notices_a_replaced_image_too(project: Project) -> None:
    first = project.image_hash("a.png")
    Image.new("RGB", (8, 6), "red").save(project.image_path("a.png"))
    with Project.open(project.folder, read_only=True) as reader:
        found = reader.image_hash("a.png")
        assert found != first
        assert reader.image_hash("a.png") == found
    assert project.catalog.get("a.png").content_hash == first, "nothing was written"


def test_missing_images_are_named(project: Project) -> None:
    project.image_path("a.png").unlink()
    with pytest.raises(ProjectError, match=r"a\.png"):
        project.image_hash("a.png")
    with pytest.raises(ProjectError, match="locate-images"):
        project.load_image("a.png")


def moved(project: Project, what: Path, where: Path) -> None:
    project.close()
    where.parent.mkdir(parents=True, exist_ok=True)
    shutil.move(what, where)


def test_project_and_images_moved_together(project: Project, tmp_path: Path, images_root: Path) -> None:
    everything = tmp_path / "everything"
    everything.mkdir()
    moved(project, images_root, everything / "images")
    shutil.move(project.folder, everything / "project")
    shutil.move(everything, tmp_path / "elsewhere")
    with Project.open(tmp_path / "elsewhere" / "project") as again:
        assert again.images_root == tmp_path / "elsewhere" / "images"
        assert all(again.image_path(image_id).exists() for image_id in IDS)


def test_a_copy_of_both_uses_its_own_images(project: Project, tmp_path: Path, images_root: Path) -> None:
    project.close()
    shutil.copytree(project.folder, tmp_path / "copy" / "project")
    shutil.copytree(images_root, tmp_path / "copy" / "images")
    with Project.open(tmp_path / "copy" / "project") as copy:
        assert copy.images_root == tmp_path / "copy" / "images"


def test_only_the_project_moved(project: Project, tmp_path: Path, images_root: Path) -> None:
    moved(project, project.folder, tmp_path / "far" / "away" / "project")
    with Project.open(tmp_path / "far" / "away" / "project") as again:
        assert again.images_root == images_root
    shutil.move(tmp_path / "far", tmp_path / "far2")
    with Project.open(tmp_path / "far2" / "away" / "project") as again:
        assert again.images_root == images_root


def test_image_folder_renamed_nearby(project: Project, tmp_path: Path, images_root: Path) -> None:
    hashes = [project.image_hash(image_id) for image_id in IDS]
    moved(project, images_root, tmp_path / "photographs")
    with Project.open(project.folder, read_only=True) as reader:
        assert reader.images_root == tmp_path / "photographs"
    with Project.open(project.folder) as again:
        assert [again.image_hash(image_id) for image_id in IDS] == hashes
    shutil.move(tmp_path / "photographs", tmp_path / "far" / "photographs")
    with Project.open(project.folder) as again:
        assert not again.image_path(IDS[0]).exists(), "too far away to be guessed, but the project opens"
        assert again.locate_images(tmp_path / "far" / "photographs") == ()
        assert again.images_root == tmp_path / "far" / "photographs"
    with Project.open(project.folder) as again:
        assert again.image_path(IDS[0]).exists()


def test_a_folder_with_other_pictures_of_the_same_names_is_no_match(
    project: Project, tmp_path: Path, images_root: Path
) -> None:
    for image_id in IDS:
        project.image_hash(image_id)
    moved(project, images_root, tmp_path / "far" / "photographs")
    decoy = tmp_path / "decoy"
    (decoy / "day 1").mkdir(parents=True)
    for image_id in IDS:
        Image.new("RGB", (99, 99)).save(decoy / image_id)
    with Project.open(project.folder) as again:
        assert again.images_root == images_root


def test_one_missing_image_does_not_change_the_folder(project: Project, tmp_path: Path, images_root: Path) -> None:
    project.close()
    shutil.copytree(images_root, tmp_path / "older copy")
    (images_root / "a.png").unlink()
    with Project.open(project.folder) as again:
        assert again.images_root == images_root


def test_renamed_images_are_found_by_content_or_unique_name(project: Project, images_root: Path) -> None:
    project.image_hash("a.png")
    (images_root / "a.png").rename(images_root / "renamed.png")
    (images_root / "new").mkdir()
    (images_root / "b.png").rename(images_root / "new" / "b.png")
    (images_root / "day 1" / "ä.jpg").unlink()
    assert project.locate_images() == ("day 1/ä.jpg",)
    assert project.image_path("a.png") == images_root / "renamed.png"
    assert project.image_path("b.png") == images_root / "new" / "b.png"
    assert project.catalog.get("a.png").path == "renamed.png"
    assert project.catalog.get("a.png").id == "a.png", "ids never change"
    assert not project.catalog.get("a.png").replaced


def test_a_wrong_folder_is_refused_and_changes_nothing(project: Project, tmp_path: Path, images_root: Path) -> None:
    (tmp_path / "empty").mkdir()
    for wrong in (tmp_path / "empty", tmp_path / "nowhere"):
        with pytest.raises(ProjectError, match="folder that holds"):
            project.locate_images(wrong)
        assert project.images_root == images_root
    project.close()
    with Project.open(project.folder) as again:
        assert again.images_root == images_root
        assert again.locate_images() == ()


def test_a_record_that_is_out_of_date_is_asked_for_again(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    unread = project.catalog.get("a.png")
    first = project.pixels_hash("a.png", unread)
    known = project.catalog.get("a.png")
    assert (known.content_hash, known.file_size) == (first, project.image_path("a.png").stat().st_size)
    with monkeypatch.context() as patch:
        patch.setattr(locations, "content_hash", lambda _: pytest.fail("read again"))
        assert {project.pixels_hash("a.png", record) for record in (unread, known)} == {first}
    Image.new("RGB", (8, 6), "red").save(project.image_path("a.png"))
    assert project.pixels_hash("a.png", known) == project.image_hash("a.png") != first


def test_what_a_full_disk_refuses_once_is_recorded_with_the_decision(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(locations.ImageLocations, "_record", full_disk)
        with pytest.raises(ProjectError, match="full"):
            project.image_hash("a.png")
        known = project.image_hash("a.png")
    assert project.catalog.get("a.png").content_hash == ""
    project.review.accept("a.png", np.zeros(project.load_image("a.png").pixels.shape[:2], np.uint8))
    assert project.catalog.get("a.png").content_hash == known


def full_disk(*_: object) -> None:
    raise ProjectError("The disk is full.")
