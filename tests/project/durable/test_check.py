"""Each kind of damage is found and named; a repair mends what needs no decision and leaves the rest alone."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from napari_wsss.core.errors import ProjectError
from napari_wsss.core.masks import encode_mask
from napari_wsss.processes.lock import ProjectLock
from napari_wsss.project.durable.check import check
from napari_wsss.project.kept.revision_note import RevisionNote
from napari_wsss.project.project import Project
from tests.project.test_schema import build_version_1

A, B = "a.png", "b.png"
BLANK = encode_mask(np.zeros((6, 8), np.uint8))


@pytest.fixture
def folder(project: Project, mask: np.ndarray) -> Path:
    """Return a closed, sound project with an accepted mask, a draft and hashed images."""
    project.review.accept(A, mask)
    project.review.save_draft(B, mask)
    for image_id in project.catalog.ids():
        project.image_hash(image_id)
    project.close()
    return project.folder


def kinds(folder: Path, **how: bool) -> list[str]:
    return [finding.kind for finding in check(folder, **how)]


def files(folder: Path) -> dict[str, bytes]:
    """Return the content of every file but those that SQLite makes for whoever reads."""
    found = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return {str(path): path.read_bytes() for path in found if not path.name.endswith(("-shm", "-wal"))}


def test_a_sound_project_has_no_findings_and_is_not_touched(folder: Path) -> None:
    before = files(folder)
    assert check(folder) == []
    assert check(folder, repair=True) == []
    assert files(folder) == before


def write(name: str, content: bytes) -> Callable[[Path], None]:
    def damage(folder: Path) -> None:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)

    return damage


def execute(statement: str) -> Callable[[Path], None]:
    def damage(folder: Path) -> None:
        with closing(sqlite3.connect(folder / "project.sqlite")) as connection:
            connection.execute(statement)
            connection.commit()

    return damage


def new_picture(folder: Path) -> None:
    Image.new("RGB", (8, 6), "red").save(folder.parent / "images" / A)


KINDS: dict[str, tuple[Callable[[Path], None], bool]] = {
    "mask vanished": (lambda folder: (folder / "masks" / "a.png.png").unlink(), True),
    "mask overwritten": (write("masks/a.png.png", BLANK), True),
    "mask missing": (execute("UPDATE images SET state = 'accepted' WHERE id = 'day 1/a.png'"), False),
    "mask foreign": (write("masks/day 1/a.png.png", BLANK), False),
    "draft damaged": (write("drafts/b.png.png", BLANK[:50]), False),
    "draft foreign": (write("drafts/nobody.png.png", BLANK), False),
    "image missing": (lambda folder: (folder.parent / "images" / B).unlink(), False),
    "image replaced": (new_picture, False),
    "pending": (execute("INSERT INTO unsettled VALUES ('drafts/a.png.png', NULL)"), True),
    "leftover": (write("masks/.0123456789abcdef.tmp", b"x"), True),
    "result damaged": (write("results/localize.cam-12/a.png.npz", b"PK"), True),
    "backup damaged": (write("backups/project-20260101T120000.000-7.sqlite", b"x" * 5000), False),
    "database": (execute("INSERT INTO labels VALUES (999, 0)"), False),
    "revision": (lambda folder: RevisionNote(folder / "project.sqlite").write(10**6), True),
    "left out": (execute("INSERT OR REPLACE INTO meta VALUES ('plan', '{')"), False),
}


@pytest.mark.parametrize("kind", list(KINDS))
def test_each_kind(folder: Path, kind: str) -> None:
    damage, is_repairable = KINDS[kind]
    damage(folder)
    before = files(folder)
    assert kind in kinds(folder)
    assert files(folder) == before, "looking changes nothing"
    work = {name: content for name, content in before.items() if "/masks/a" in name or "/drafts/" in name}
    repaired = {finding.kind: finding.repaired for finding in check(folder, repair=True)}
    assert repaired[kind] == is_repairable
    assert (kind not in kinds(folder)) == is_repairable
    kept = files(folder).values()
    assert all(content in kept for content in work.values()), "nothing of a person's is gone"


def test_a_path_that_leads_outside_is_left_out_not_pending(folder: Path) -> None:
    execute("INSERT INTO unsettled VALUES ('../outside.png', x'00')")(folder)
    assert kinds(folder) == ["left out"]
    assert "alone" in check(folder)[0].words
    assert not (folder.parent / "outside.png").exists()


def test_a_backup_that_is_missing_is_made(folder: Path) -> None:
    for path in (folder / "backups").glob("*.sqlite"):
        path.unlink()
    assert kinds(folder) == ["backup missing"]
    assert [finding.repaired for finding in check(folder, repair=True)] == [True]
    assert check(folder) == []


def test_no_database_can_be_checked(tmp_path: Path, folder: Path) -> None:
    with pytest.raises(ProjectError, match="no project"):
        check(tmp_path)
    (folder / "project.sqlite").write_bytes(b"x" * 5000)
    assert set(kinds(folder)) <= {"database", "schema"}
    assert "napari-wsss restore" in check(folder)[0].words


def test_an_open_project_is_looked_at_and_not_repaired(folder: Path) -> None:
    (folder / "masks" / "a.png.png").unlink()
    with Project.open(folder) as project:
        (folder / "masks" / "a.png.png").unlink()
        assert kinds(folder) == ["mask vanished"]
        with pytest.raises(ProjectError, match="is open"):
            check(folder, repair=True)
        assert project.masks.read_accepted(A) is not None


def test_an_older_project_is_said_and_a_repair_updates_it(tmp_path: Path, images_root: Path) -> None:
    old = tmp_path / "old"
    old.mkdir()
    build_version_1(old)
    assert kinds(old) == ["older schema"]
    assert "repair" in check(old)[0].words
    found = check(old, repair=True)
    assert (found[0].kind, found[0].repaired) == ("older schema", True)
    assert "older schema" not in kinds(old)
    assert list((old / "backups").glob("*.sqlite"))


def test_an_older_project_that_is_open_elsewhere_is_not_updated(tmp_path: Path, images_root: Path) -> None:
    old = tmp_path / "old"
    old.mkdir()
    build_version_1(old)
    lock = ProjectLock(old)
    lock.acquire()
    with pytest.raises(ProjectError, match="open in process"):
        check(old, repair=True)
    lock.release()
