from __future__ import annotations

import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from napari_wsss.core.classes import ClassList
from napari_wsss.core.errors import LabelError, ProjectError
from napari_wsss.project.backups import list_backups
from napari_wsss.project.catalog import Catalog
from napari_wsss.project.database import Database
from napari_wsss.project.opening import build_file, prepare
from napari_wsss.project.project import FILE_NAME, Project
from napari_wsss.project.records import NewImage

ROOT = {"images_root": "/images", "images_root_relative": "../images"}
CLASSES = ClassList(("cat",))
HEADERS = 96
"""Bytes of the two copies of the header in SQLite's ``-shm`` file, which tell the others how far the WAL counts."""
KILLED = """
import os, sys
import numpy as np
from napari_wsss.project.project import FILE_NAME, Project

folder = sys.argv[1]
project = Project.open(folder)
project.review.record_stroke("a.png", np.arange(4), np.full(4, 1, np.uint8))
with open(f"{folder}/project.sqlite-shm", "rb") as told:
    before = told.read({headers})
project.review.record_stroke("a.png", np.arange(4, 8), np.full(4, 2, np.uint8))
with open(f"{folder}/project.sqlite-shm", "r+b") as told:
    told.write(before)
os._exit(9)
""".replace("{headers}", str(HEADERS))


def test_a_built_file_passes_its_own_check(tmp_path: Path) -> None:
    path = tmp_path / "project.sqlite"
    build_file(path, ROOT, CLASSES, [NewImage("a.png", frozenset({"cat"}))])
    assert [entry.name for entry in tmp_path.iterdir()] == ["project.sqlite"], "no WAL files are left over"
    with closing(Database(path)) as database:
        prepare(database, tmp_path / "backups")
        assert len(Catalog(database)) == 1


@pytest.mark.parametrize(
    ("images", "error"),
    [
        ([NewImage("a.png"), NewImage("a.png")], ProjectError),
        ([NewImage("../a.png")], ProjectError),
        ([NewImage("/a.png")], ProjectError),
        ([NewImage("x//a.png")], ProjectError),
        ([NewImage("x\\a.png")], ProjectError),
        ([NewImage("")], ProjectError),
        ([NewImage("a.png", split="test")], ProjectError),
        ([NewImage("a.png", frozenset({"dog"}))], LabelError),
    ],
)
def test_unusable_images_are_refused_as_a_whole(tmp_path: Path, images: list[NewImage], error: type[Exception]) -> None:
    with pytest.raises(error):
        Project.create(tmp_path / "p", tmp_path, CLASSES, [NewImage("sound.png"), *images])
    assert not list((tmp_path / "p").glob("*.sqlite*")), "a failed creation leaves no project behind"
    with Project.create(tmp_path / "p", tmp_path, CLASSES, []) as project:
        assert len(project.catalog) == 0


@pytest.mark.parametrize("place", [0, 2000])
def test_damage_is_noticed_and_the_backup_named(project: Project, place: int) -> None:
    for image_id in project.catalog.ids():
        project.set_note(image_id, "x" * 9000)
    project.close()
    path = project.folder / "project.sqlite"
    content = bytearray(path.read_bytes())
    content[place : place + 4096 * 4] = b"\x55" * 4096 * 4
    path.write_bytes(content)
    newest = list_backups(project.folder / "backups")[0]
    with pytest.raises(ProjectError, match="backups") as raised:
        Project.open(project.folder)
    assert "damaged" in str(raised.value)
    path.write_bytes(newest.read_bytes())
    with Project.open(project.folder) as restored:
        assert restored.catalog.get("a.png").note == "x" * 9000


def test_damage_that_sqlite_quotes_is_told(project: Project) -> None:
    """SQLite's words then hold bytes that are no text."""
    project.close()
    path = project.folder / "project.sqlite"
    content = path.read_bytes()
    for found, damaged in (
        (b"CREATE TABLE meta", b"CREATE TAB\xdeE meta"),
        (b"CREATE TABLE images", b"CREATE TABL\xc5 images"),
    ):
        path.write_bytes(content.replace(found, damaged, 1))
        for read_only in (False, True):
            with pytest.raises(ProjectError, match="napari-wsss restore"):
                Project.open(project.folder, read_only=read_only)
    path.write_bytes(content)
    backup = list_backups(project.folder / "backups")[0]
    backup.write_bytes(content.replace(b"CREATE TABLE meta", b"CREATE TAB\xdeE meta", 1))
    Project.open(project.folder).close()


@pytest.fixture
def folder(project: Project) -> Path:
    folder = project.folder
    project.close()
    return folder


def painted_in(folder: Path) -> list[int]:
    with Project.open(folder) as project:
        values = project.masks.read_draft("a.png")
    assert values is not None
    return np.unique(values).tolist()


def test_what_was_opened_stays_what_it_is(folder: Path) -> None:
    """A process is killed at the end of a commit while a training run reads: the stroke must not come up later."""
    with closing(sqlite3.connect(f"{(folder / FILE_NAME).as_uri()}?mode=ro", uri=True)) as training:
        training.execute("SELECT 1 FROM images LIMIT 1").fetchall()
        ended = subprocess.run([sys.executable, "-c", KILLED, str(folder)], check=False, capture_output=True)
        assert ended.returncode == 9, ended.stderr
        first = painted_in(folder)
    assert first == [0, 1]
    assert painted_in(folder) == first


def test_without_anybody_else_the_whole_commit_counts(folder: Path) -> None:
    ended = subprocess.run([sys.executable, "-c", KILLED, str(folder)], check=False, capture_output=True)
    assert ended.returncode == 9, ended.stderr
    assert painted_in(folder) == painted_in(folder) == [0, 1, 2]
