"""Projects that were made to do harm, or are damaged where nobody looks: nothing outside their folder is touched."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from napari_wsss.core.errors import ProjectError
from napari_wsss.core.plan import Plan
from napari_wsss.core.provenance import Provenance
from napari_wsss.project.project import Project
from napari_wsss.project.scribble_files import write_scribbles
from tests.tiny_project import HEIGHT, IDS, WIDTH

EMPTY = np.zeros((HEIGHT, WIDTH), np.uint8)
STEP = Provenance("localize.cam")


def changed(project: Project, *statements: tuple[str, tuple[object, ...]]) -> Path:
    """Close a project and change its database by hand."""
    project.close()
    with sqlite3.connect(project.folder / "project.sqlite") as connection:
        for sql, values in statements:
            connection.execute(sql, values)
    connection.close()
    return project.folder


def put(key: str, content: bytes | None) -> tuple[str, tuple[object, ...]]:
    return "INSERT INTO unsettled VALUES (?, ?)", (key, content)


LEAVING = ["../ESCAPED.txt", "masks/../../ESCAPED.png", "/ESCAPED.png", "training/x.png", "masks/x.py"]


@pytest.mark.parametrize("key", LEAVING)
def test_decided_files_outside_are_neither_written_nor_deleted(project: Project, tmp_path: Path, key: str) -> None:
    precious = tmp_path / "precious.png"
    precious.write_text("precious")
    key = key.replace("/ESC", f"{tmp_path}/ESC") if key.startswith("/") else key
    folder = changed(project, put(key, b"x"), put("../precious.png", None), put("masks/a.png.png", b"kept"))
    before = {path for path in tmp_path.rglob("*") if "ESC" in path.name or path.suffix == ".py"}
    with Project.open(folder) as opened:
        assert any(key in sentence for sentence in opened.left_out)
        assert any("precious" in sentence for sentence in opened.left_out)
    assert precious.read_text() == "precious"
    assert {path for path in tmp_path.rglob("*") if "ESC" in path.name or path.suffix == ".py"} == before
    assert not (folder / "training" / "x.png").exists()
    assert (folder / "masks" / "a.png.png").read_bytes() == b"kept"


FOLDERS: dict[str, Callable[[Project], object]] = {
    "drafts": lambda project: project.review.save_draft(IDS[0], EMPTY),
    "results": lambda project: project.store.write_mask(STEP, IDS[0], "hash", EMPTY),
    "scribbles": lambda project: write_scribbles(project, IDS[0], EMPTY + 1),
}


@pytest.mark.parametrize("name", [*FOLDERS, "backups", "masks"])
def test_a_folder_that_is_a_link_is_not_written_through(project: Project, tmp_path: Path, name: str) -> None:
    project.close()
    outside = tmp_path / "home"
    (outside / "Documents").mkdir(parents=True)
    (outside / "Documents" / "precious.txt").write_text("precious")
    folder = project.folder / name
    if folder.exists():
        folder.rename(tmp_path / "moved")
    folder.symlink_to(outside)
    with Project.open(project.folder) as opened:
        assert any(repr(name) in sentence for sentence in opened.left_out)
        if name in FOLDERS:
            with pytest.raises(ProjectError, match="is a link"):
                FOLDERS[name](opened)
        opened.store.clear()
        opened.review.accept(IDS[1], EMPTY)
        assert opened.masks.has_accepted(IDS[1]), "kept in the database until there is a folder to write it into"
    assert [path.name for path in outside.rglob("*")] == ["Documents", "precious.txt"]


def test_a_linked_result_is_not_deleted(project: Project, tmp_path: Path) -> None:
    outside = tmp_path / "home"
    outside.mkdir()
    (outside / "precious.txt").write_text("precious")
    project.store.write_mask(STEP, IDS[0], "hash", EMPTY)
    (project.results_folder / "localize.cam-000").symlink_to(outside)
    project.store.clear()
    assert (outside / "precious.txt").exists()
    assert [path.name for path in project.results_folder.iterdir()] == ["localize.cam-000"]


@pytest.mark.parametrize("name", ["project.sqlite", "project.sqlite-wal", "project.lock"])
def test_a_database_or_lock_that_is_a_link_is_refused(project: Project, tmp_path: Path, name: str) -> None:
    project.close()
    path, outside = project.folder / name, tmp_path / "outside"
    if path.exists():
        path.rename(outside)
    else:
        outside.write_text("precious")
    before = outside.read_bytes()
    path.symlink_to(outside)
    with pytest.raises(ProjectError, match="is a link"):
        Project.open(project.folder)
    assert outside.read_bytes() == before


@pytest.mark.parametrize("image_id", ["../../escaped.png", "/escaped.png", "a/../../../x.png"])
def test_an_image_that_leads_outside_is_named_and_the_others_work(project: Project, image_id: str) -> None:
    row = "UPDATE images SET id = ?, path = ? WHERE id = ?", (image_id, image_id, IDS[3])
    with Project.open(changed(project, row)) as opened:
        assert any(image_id in sentence for sentence in opened.left_out)
        for verb in (opened.image_path, opened.load_image, opened.image_hash, opened.masks.has_accepted):
            with pytest.raises(ProjectError, match="outside"):
                verb(image_id)
        with pytest.raises(ProjectError, match="outside"):
            opened.review.accept(image_id, EMPTY)
        with pytest.raises(ProjectError, match="outside"):
            opened.store.write_mask(STEP, image_id, "hash", EMPTY)
        opened.review.accept(IDS[0], EMPTY)
        assert opened.masks.has_accepted(IDS[0])
        assert image_id in opened.locate_images()


def test_a_step_that_leads_outside_is_refused(project: Project) -> None:
    with pytest.raises(ProjectError, match="outside"):
        project.store.path(Provenance("localize.../../../x"), IDS[0])


@pytest.mark.parametrize("key", ["images_root", "images_root_relative"])
def test_a_missing_place_of_the_images_is_named(project: Project, key: str) -> None:
    with Project.open(changed(project, ("DELETE FROM meta WHERE key = ?", (key,)))) as opened:
        assert len(opened.catalog) == len(IDS)
        assert opened.load_image(IDS[0]).pixels.shape == (HEIGHT, WIDTH, 3), "the other entry still finds them"


def test_without_any_place_of_the_images_the_project_opens_and_says_so(project: Project) -> None:
    project.images_root.rename(project.folder.parent / "elsewhere")
    with Project.open(
        changed(project, ("DELETE FROM meta WHERE key LIKE 'images_root%'", ())), read_only=True
    ) as opened:
        assert any("locate-images" in sentence for sentence in opened.left_out)


@pytest.mark.parametrize("text", ['{"localizer": {', "[]", "7", '{"localizer": 3}', "[" * 9999, '{"overrides": 3}'])
def test_a_plan_that_cannot_be_read_is_the_default_one_and_named(project: Project, text: str) -> None:
    folder = changed(project, ("INSERT OR REPLACE INTO meta VALUES ('plan', ?)", (text,)))
    with Project.open(folder) as opened:
        assert opened.plan == Plan()
        assert any("plan" in sentence for sentence in opened.left_out)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_a_mask_that_is_a_pipe_is_not_waited_for(project: Project) -> None:
    path = project.masks.accepted_path(IDS[0])
    path.parent.mkdir(parents=True, exist_ok=True)
    os.mkfifo(path)
    with pytest.raises((ProjectError, OSError)):
        project.masks.read_accepted(IDS[0])


def test_a_sound_project_leaves_nothing_out(project: Project) -> None:
    assert project.left_out == ()
