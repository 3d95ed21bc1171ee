from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from napari_wsss.project import backups
from napari_wsss.project.backups import list_backups, superfluous
from napari_wsss.project.project import Project


def note_in(path: Path) -> str:
    with closing(sqlite3.connect(path)) as connection:
        return str(connection.execute("SELECT note FROM images WHERE id = 'a.png'").fetchone()[0])


def test_at_least_three_generations_are_kept(project: Project) -> None:
    for number in range(8):
        project.set_note("a.png", f"note {number}")
        assert note_in(project.backup()) == f"note {number}"
    kept = list_backups(project.folder / "backups")
    assert [note_in(path) for path in kept[:3]] == ["note 7", "note 6", "note 5"]
    assert len(kept) == backups.NEWEST_KEPT


def test_an_unchanged_project_makes_no_new_backup(project: Project) -> None:
    first = project.backup()
    assert project.backup() == first
    project.close()
    with Project.open(project.folder):
        pass
    assert list_backups(project.folder / "backups") == [first]


def test_opening_and_closing_back_up_what_changed(project: Project) -> None:
    made = len(list_backups(project.folder / "backups"))
    project.set_note("a.png", "changed")
    project.close()
    kept = list_backups(project.folder / "backups")
    assert len(kept) == made + 1
    assert note_in(kept[0]) == "changed"


def test_newest_comes_first_when_the_clock_is_set_back(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    project.backup()
    monkeypatch.setattr(backups.time, "time", lambda: 1e9)
    for number in range(6):
        project.set_note("a.png", f"note {number}")
        project.backup()
    assert note_in(list_backups(project.folder / "backups")[0]) == "note 5"


def test_one_of_each_recent_day_outlives_a_busy_day() -> None:
    days = [Path(f"project-202601{day:02d}T120000.000-{day}.sqlite") for day in range(1, 15)]
    busy = [Path(f"project-20260120T12{minute:02d}00.000-{100 + minute}.sqlite") for minute in range(30)]
    newest_first = sorted([*days, *busy], reverse=True)
    dropped = superfluous(newest_first)
    assert [path for path in newest_first if path not in dropped] == [
        *reversed(busy[-backups.NEWEST_KEPT :]),
        *reversed(days[-(backups.DAYS_KEPT - 1) :]),
    ]


def test_other_files_are_neither_listed_nor_deleted(project: Project) -> None:
    own = project.folder / "backups" / "project-by-hand.sqlite"
    own.write_bytes(b"mine")
    for number in range(7):
        project.set_note("a.png", f"note {number}")
        project.backup()
    assert own.read_bytes() == b"mine"
    assert own not in list_backups(own.parent)
