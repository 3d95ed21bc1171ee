"""Text in ids is found by the index as it is without it."""

from __future__ import annotations

import sqlite3

import pytest

from napari_wsss.project.criteria import Criteria
from napari_wsss.project.listing import id_parts as module
from napari_wsss.project.listing.id_parts import TABLE, index_ids, is_quicker
from napari_wsss.project.project import Project
from napari_wsss.project.records import NewImage
from tests.tiny_project import IDS

ODD = ("day_1/IMG_0999.jpg", "day%1/x.png", 'a "quoted* (name)^.png', "Straße Übung.jpg", "mäuse🐭maus.png", "''.png")
TEXTS = (
    *("img_0999", "IMG", "day", "day_1", "DAY%1", "%", "_", "__", "", "a", "é", '"quoted*', "(name)^", "quoted* (n"),
    *("straße", "STRASSE", "übung", "ÜBUNG", "🐭ma", "use🐭", "''.", "OR", "nothing like it", "\\", "d_y", "AND id"),
)


@pytest.fixture
def many(project: Project) -> Project:
    project.add_images(NewImage(one) for one in ODD)
    return project


def test_it_is_there_and_follows_new_images(many: Project) -> None:
    if not is_quicker(many._database, "day"):
        pytest.skip("this SQLite has no trigrams")
    assert many._database.value(f"SELECT count(*) FROM {TABLE}") == len(IDS) + len(ODD)
    assert not is_quicker(many._database, "ab")
    assert not is_quicker(many._database, "ab_cd%ef")


@pytest.mark.parametrize("text", TEXTS)
def test_it_finds_the_same(many: Project, text: str) -> None:
    if len(text) < 3:  # asked of nobody
        assert not is_quicker(many._database, text)
        return
    found = {}
    for by_parts in (False, True):
        where, values = Criteria(text=text).where(by_parts)
        found[by_parts] = many._database.column(f"SELECT id FROM images WHERE {where} ORDER BY number", values)
    assert found[True] == found[False]
    assert many.catalog.find(Criteria(text=text)) == found[False]


def test_remarks_are_found_beside_ids(many: Project) -> None:
    many.catalog.set_note(IDS[1], "looks like straße")
    assert many.catalog.find(Criteria(text="straße")) == [IDS[1], ODD[3]]


def test_what_nearly_all_ids_hold_is_found_without(many: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "FEW", 3)
    assert not is_quicker(many._database, "png")
    assert len(many.catalog.find(Criteria(text="png"))) == 7


def test_projects_without_it_get_it(many: Project) -> None:
    folder = many.folder
    many._database.execute(f"DROP TABLE {TABLE}")
    assert not is_quicker(many._database, "img_09")
    assert many.catalog.find(Criteria(text="img_09")) == [ODD[0]]
    many.add_images([NewImage("later.png")])
    many.close()
    with Project.open(folder) as opened:
        assert is_quicker(opened._database, "later")
        assert opened.catalog.find(Criteria(text="later")) == ["later.png"]


def test_one_that_another_program_left_behind_is_not_asked_until_it_is_whole(many: Project) -> None:
    folder = many.folder
    number = len(many.catalog) + 1
    many._database.execute(
        "INSERT INTO images (number, id, path) VALUES (?, 'unnoticed.png', 'unnoticed.png')", (number,)
    )
    assert not is_quicker(many._database, "unnoticed")
    assert many.catalog.find(Criteria(text="unnoticed")) == ["unnoticed.png"]
    many.add_images([NewImage("also unnoticed.png")])
    assert not is_quicker(many._database, "unnoticed")
    many.close()
    with Project.open(folder) as opened:
        assert is_quicker(opened._database, "unnoticed")
        assert opened.catalog.find(Criteria(text="unnoticed")) == ["unnoticed.png", "also unnoticed.png"]


def test_a_sqlite_without_trigrams_does_without() -> None:
    class Without(sqlite3.Connection):
        def execute(self, sql: str, *given: object) -> sqlite3.Cursor:  # type: ignore[override]
            if TABLE in sql:
                raise sqlite3.OperationalError("no such module: fts5")
            return super().execute(sql, *given)  # type: ignore[arg-type]

    bare = sqlite3.connect(":memory:", isolation_level=None, factory=Without)
    bare.execute("CREATE TABLE images (number INTEGER PRIMARY KEY, id TEXT)")
    index_ids(bare)
    assert bare.execute("SELECT name FROM sqlite_master").fetchall() == [("images",)]
    assert not bare.in_transaction
