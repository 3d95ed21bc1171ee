"""Old projects stay readable: the statements of every released schema version are kept here word for word."""

from __future__ import annotations

import json
import sqlite3
import zlib
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from napari_wsss.core.errors import ProjectError
from napari_wsss.core.masks import encode_mask
from napari_wsss.core.plan import Plan, Step
from napari_wsss.project import schema
from napari_wsss.project.criteria import Criteria
from napari_wsss.project.project import Project

VERSION_1 = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE classes (position INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
CREATE TABLE images (
    number INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    path TEXT NOT NULL,
    state TEXT NOT NULL DEFAULT 'todo',
    split TEXT NOT NULL DEFAULT '',
    note TEXT NOT NULL DEFAULT '',
    stale INTEGER NOT NULL DEFAULT 0,
    label_changed INTEGER NOT NULL DEFAULT 0,
    disagrees INTEGER NOT NULL DEFAULT 0,
    replaced INTEGER NOT NULL DEFAULT 0,
    content_hash TEXT NOT NULL DEFAULT '',
    file_mtime INTEGER NOT NULL DEFAULT -1,
    file_size INTEGER NOT NULL DEFAULT -1,
    score REAL
);
CREATE INDEX images_by_state ON images (state, number);
CREATE TABLE labels (
    image INTEGER NOT NULL REFERENCES images (number),
    class INTEGER NOT NULL REFERENCES classes (position),
    PRIMARY KEY (image, class)
) WITHOUT ROWID;
CREATE INDEX labels_by_class ON labels (class, image);
CREATE TABLE journal (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    time REAL NOT NULL,
    image INTEGER REFERENCES images (number),
    kind TEXT NOT NULL,
    before TEXT NOT NULL DEFAULT 'null',
    after TEXT NOT NULL DEFAULT 'null',
    undone INTEGER NOT NULL DEFAULT 0,
    pixels BLOB
);
CREATE INDEX journal_by_image ON journal (image, kind, number);
CREATE INDEX journal_by_kind ON journal (kind, number);
CREATE TABLE kept_files (
    entry INTEGER NOT NULL REFERENCES journal (number),
    role TEXT NOT NULL,
    content BLOB NOT NULL,
    PRIMARY KEY (entry, role)
);
CREATE TABLE unsettled (path TEXT PRIMARY KEY, content BLOB);
INSERT INTO meta VALUES ('revision', '7');
INSERT INTO meta VALUES ('images_root', '/nowhere/images');
INSERT INTO meta VALUES ('images_root_relative', '../images');
INSERT INTO meta VALUES ('plan', '{"localizer": {"method": "cam", "parameters": {}},
 "refiners": [{"method": "power_background", "parameters": {"alpha": 3.0}}], "localizer_checkpoint": "training/x"}');
INSERT INTO classes VALUES (0, 'cat');
INSERT INTO classes VALUES (1, 'wild boar');
INSERT INTO images (number, id, path, state, note) VALUES (1, 'a.png', 'a.png', 'draft', 'tail?');
INSERT INTO images (number, id, path, state, split, score) VALUES (2, 'b.png', 'b.png', 'accepted', 'val', 0.5);
INSERT INTO labels VALUES (1, 0);
INSERT INTO labels VALUES (1, 1);
INSERT INTO journal (time, image, kind, before, after)
 VALUES (1.5, 2, 'mask', '{"state": "todo", "disagrees": false, "replaced": false, "mask": false, "draft": false}',
 '{"action": "accept", "state": "accepted"}');
PRAGMA application_id = 1465078611;
PRAGMA user_version = 1;
"""

VERSION_2 = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE classes (position INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
CREATE TABLE images (
    number INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    path TEXT NOT NULL,
    state TEXT NOT NULL DEFAULT 'todo',
    split TEXT NOT NULL DEFAULT '',
    note TEXT NOT NULL DEFAULT '',
    stale INTEGER NOT NULL DEFAULT 0,
    label_changed INTEGER NOT NULL DEFAULT 0,
    disagrees INTEGER NOT NULL DEFAULT 0,
    replaced INTEGER NOT NULL DEFAULT 0,
    content_hash TEXT NOT NULL DEFAULT '',
    file_mtime INTEGER NOT NULL DEFAULT -1,
    file_size INTEGER NOT NULL DEFAULT -1,
    score REAL,
    edited REAL,
    changed REAL,
    borrowed_from TEXT NOT NULL DEFAULT ''
);
CREATE INDEX images_by_state ON images (state, number);
CREATE TABLE labels (
    image INTEGER NOT NULL REFERENCES images (number),
    class INTEGER NOT NULL REFERENCES classes (position),
    PRIMARY KEY (image, class)
) WITHOUT ROWID;
CREATE INDEX labels_by_class ON labels (class, image);
CREATE TABLE image_clusters (
    image INTEGER NOT NULL REFERENCES images (number),
    class INTEGER NOT NULL REFERENCES classes (position),
    cluster TEXT NOT NULL,
    distance REAL NOT NULL,
    PRIMARY KEY (image, class)
) WITHOUT ROWID;
CREATE INDEX image_clusters_by_cluster ON image_clusters (cluster, image);
CREATE TABLE journal (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    time REAL NOT NULL,
    image INTEGER REFERENCES images (number),
    kind TEXT NOT NULL,
    before TEXT NOT NULL DEFAULT 'null',
    after TEXT NOT NULL DEFAULT 'null',
    undone INTEGER NOT NULL DEFAULT 0,
    pixels BLOB
);
CREATE INDEX journal_by_image ON journal (image, kind, number);
CREATE INDEX journal_by_kind ON journal (kind, number);
CREATE TABLE kept_files (
    entry INTEGER NOT NULL REFERENCES journal (number),
    role TEXT NOT NULL,
    content BLOB NOT NULL,
    PRIMARY KEY (entry, role)
);
CREATE TABLE unsettled (path TEXT PRIMARY KEY, content BLOB);
"""


VERSION_3 = VERSION_2.replace(
    "borrowed_from TEXT NOT NULL DEFAULT ''",
    "borrowed_from TEXT NOT NULL DEFAULT '', doubtful TEXT NOT NULL DEFAULT ''",
)
VERSION_4 = VERSION_3.replace(
    "doubtful TEXT NOT NULL DEFAULT ''",
    "doubtful TEXT NOT NULL DEFAULT '', negative INTEGER NOT NULL DEFAULT 0, painted TEXT",
)
VERSION_5 = (
    VERSION_4
    + """
CREATE TABLE accepted_files (
    path TEXT PRIMARY KEY,
    digest TEXT NOT NULL,
    size INTEGER NOT NULL DEFAULT -1,
    mtime INTEGER NOT NULL DEFAULT -1
) WITHOUT ROWID;
"""
)
VERSION_6 = (
    VERSION_5
    + """
CREATE TABLE unknown_labels (
    image INTEGER NOT NULL REFERENCES images (number),
    class INTEGER NOT NULL REFERENCES classes (position),
    PRIMARY KEY (image, class)
) WITHOUT ROWID;
"""
)


VERSION_7 = VERSION_6.replace(
    "classes (position INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);",
    "classes (\n position INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, becomes INTEGER, "
    "colour TEXT NOT NULL DEFAULT '' \n);",
)


VERSION_8 = (
    VERSION_7.replace("painted TEXT", "painted TEXT, label_count INTEGER NOT NULL DEFAULT 0")
    + """
CREATE TABLE class_counts (
    state TEXT NOT NULL,
    class INTEGER NOT NULL REFERENCES classes (position),
    many INTEGER NOT NULL,
    PRIMARY KEY (state, class)
) WITHOUT ROWID;
CREATE TRIGGER label_added AFTER INSERT ON labels BEGIN
    UPDATE images SET label_count = label_count + 1 WHERE number = new.image;
    INSERT INTO class_counts SELECT state, new.class, 1 FROM images WHERE number = new.image
        ON CONFLICT (state, class) DO UPDATE SET many = many + 1;
END;
CREATE TRIGGER label_removed AFTER DELETE ON labels BEGIN
    UPDATE images SET label_count = label_count - 1 WHERE number = old.image;
    UPDATE class_counts SET many = many - 1
        WHERE class = old.class AND state = (SELECT state FROM images WHERE number = old.image);
END;
CREATE TRIGGER state_changed AFTER UPDATE OF state ON images WHEN new.state != old.state BEGIN
    UPDATE class_counts SET many = many - 1
        WHERE state = old.state AND class IN (SELECT class FROM labels WHERE image = new.number);
    INSERT INTO class_counts SELECT new.state, class, 1 FROM labels WHERE image = new.number
        ON CONFLICT (state, class) DO UPDATE SET many = many + 1;
END;
"""
)


def build_version_1(folder: Path) -> None:
    """Write a project as version 1 left it: a draft with one stroke, and an accepted mask."""
    stroke = zlib.compress(np.array([3, 1], "<i8").tobytes() + np.array([2, 2], np.uint8).tobytes())
    with closing(sqlite3.connect(folder / "project.sqlite")) as connection:
        connection.executescript(VERSION_1)
        connection.execute("INSERT INTO journal (time, image, kind, pixels) VALUES (2.5, 1, 'stroke', ?)", (stroke,))
        connection.commit()
    (folder / "masks").mkdir()
    (folder / "masks" / "b.png.png").write_bytes(encode_mask(np.ones((6, 8), np.uint8)))


@pytest.fixture
def old_folder(tmp_path: Path, images_root: Path) -> Path:
    folder = tmp_path / "old"
    folder.mkdir()
    build_version_1(folder)
    return folder


def test_version_1_opens_with_everything_in_it(old_folder: Path, images_root: Path) -> None:
    with Project.open(old_folder) as project:
        first, second = project.catalog.records()
        assert (first.labels, first.state, first.note) == ({"cat", "wild boar"}, "draft", "tail?")
        assert (second.state, second.split, second.score) == ("accepted", "val", 0.5)
        assert not second.labelled, "whether nothing is there was not known before version 4"
        assert not first.unknown, "before version 6 no class was unknown where others are known"
        assert project.classes.names == project.classes.current == ("cat", "wild boar"), "none gone before version 7"
        assert project.plan.refiners[0].parameters == {"alpha": 3.0}
        assert project.images_root == images_root
        draft = project.masks.read_draft("a.png")
        assert draft is not None
        assert draft[0].tolist() == [0, 0, 0, 2, 2, 0, 0, 0]
        drawn, accepted = project.masks.working("a.png").sources, project.masks.working("b.png").sources
        assert drawn is not None
        assert np.array_equal(drawn.values, draft > 0), "masks from before sources were kept are a person's"
        assert accepted is not None
        assert accepted.person.all()
        assert project.review.undo() == "b.png"
        assert project.masks.read_accepted("b.png") is None
        assert (second.edited, second.changed, second.borrowed_from) == (None, None, "")
        assert not second.doubtful
        assert project.catalog.class_counts() == {"cat": 1, "wild boar": 1}
        assert project.catalog.find(Criteria(unlabelled=True)) == ["b.png"]
        assert schema.version_of(project._database.connection) == schema.VERSION


def test_today_s_tables_are_those_of_the_newest_kept_version() -> None:
    def statements(script: str) -> list[str]:
        with closing(sqlite3.connect(":memory:")) as connection:
            connection.executescript(script)
            rows = connection.execute("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY name")
            return [" ".join(sql.split()) for (sql,) in rows]

    assert schema.VERSION == 9, "a new version needs its own kept statements and a migration in this file"
    assert statements(schema.TABLES) == statements(VERSION_8)


def test_a_plan_of_one_pass_stays_one_before_version_9(old_folder: Path) -> None:
    """The preset had the name that another one has now; anything else in a plan is left as it is, damage too."""
    plan = Plan(localizer=Step("seam", {"preset": "fast", "flip": True}), affinity=Step("affinity_net", {}))
    for given, wanted in (
        (json.dumps(plan.to_dict()), replace(plan, localizer=Step("seam", {"preset": "single", "flip": True}))),
        (json.dumps(replace(plan, localizer=Step("cam")).to_dict()), replace(plan, localizer=Step("cam"))),
    ):
        with closing(sqlite3.connect(old_folder / "project.sqlite")) as connection:
            connection.execute("INSERT OR REPLACE INTO meta VALUES ('plan', ?)", (given,))
            connection.execute("PRAGMA user_version = 8")
            schema._to_version_9(connection)
            connection.commit()
            (found,) = connection.execute("SELECT value FROM meta WHERE key = 'plan'").fetchone()
        assert Plan.from_dict(json.loads(found)) == wanted
    with closing(sqlite3.connect(old_folder / "project.sqlite")) as connection:
        connection.execute("UPDATE meta SET value = 'torn {' WHERE key = 'plan'")
        schema._to_version_9(connection)


def test_a_migrated_project_has_the_columns_of_a_new_one(old_folder: Path) -> None:
    def columns(connection: sqlite3.Connection) -> dict[str, list[object]]:
        made = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'id_parts%'"  # an index
        tables = [name for (name,) in connection.execute(made)]
        return {name: [row[1:] for row in connection.execute(f"PRAGMA table_info({name})")] for name in tables}

    with closing(sqlite3.connect(":memory:")) as connection:
        connection.executescript(schema.TABLES)
        wanted = columns(connection)
    with Project.open(old_folder) as project:
        assert columns(project._database.connection) == wanted


@pytest.fixture
def next_version(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[int, object]]:
    migrations: dict[int, object] = {
        **schema.MIGRATIONS,
        schema.VERSION: lambda it: it.execute("ALTER TABLE images ADD COLUMN mood TEXT NOT NULL DEFAULT 'none'"),
    }
    monkeypatch.setattr(schema, "VERSION", schema.VERSION + 1)
    monkeypatch.setattr(schema, "MIGRATIONS", migrations)
    return migrations


@pytest.mark.usefixtures("next_version")
def test_an_older_project_is_backed_up_and_migrated(old_folder: Path) -> None:
    with Project.open(old_folder) as project:
        assert project.catalog.get("a.png").state == "draft"
        assert project._database.value("SELECT mood FROM images") == "none"
    oldest = sorted((old_folder / "backups").glob("*.sqlite"))[0]
    with closing(sqlite3.connect(oldest)) as connection:
        assert connection.execute("PRAGMA user_version").fetchone()[0] == 1
    with Project.open(old_folder, read_only=True) as project:
        assert len(project.catalog) == 2


@pytest.mark.usefixtures("next_version")
def test_an_older_project_is_not_touched_read_only(old_folder: Path) -> None:
    before = (old_folder / "project.sqlite").read_bytes()
    with pytest.raises(ProjectError, match="opened for writing once"):
        Project.open(old_folder, read_only=True)
    assert (old_folder / "project.sqlite").read_bytes() == before


@pytest.mark.usefixtures("next_version")
def test_whoever_only_reads_updates_an_older_project_first(old_folder: Path) -> None:
    with Project.open_to_read(old_folder) as project:
        assert project.read_only
        assert project.catalog.get("a.png").state == "draft"
    assert list((old_folder / "backups").iterdir())


def test_an_older_project_in_use_is_not_updated_by_a_reader(old_folder: Path, request: pytest.FixtureRequest) -> None:
    with Project.open(old_folder):
        request.getfixturevalue("next_version")
        with pytest.raises(ProjectError, match=r"older schema version.*open in process"):
            Project.open_to_read(old_folder)


@pytest.mark.parametrize("statement", ["SELECT * FROM no_such_table", None])
def test_a_failing_migration_changes_nothing(
    old_folder: Path, next_version: dict[int, object], monkeypatch: pytest.MonkeyPatch, statement: str | None
) -> None:
    def fail(connection: sqlite3.Connection) -> None:
        connection.execute("DELETE FROM images")
        if statement is None:
            raise KeyError("half way")
        connection.execute(statement)

    next_version[1] = fail
    with pytest.raises(KeyError if statement is None else ProjectError):
        Project.open(old_folder)
    monkeypatch.undo()
    with Project.open(old_folder) as project:
        assert len(project.catalog) == 2


def test_a_newer_project_is_refused_and_left_alone(old_folder: Path) -> None:
    with closing(sqlite3.connect(old_folder / "project.sqlite")) as connection:
        connection.execute("PRAGMA user_version = 99")
    with pytest.raises(ProjectError, match=r"newer napari-wsss.*99"):
        Project.open(old_folder)
    assert not (old_folder / "backups").exists()
    assert not (old_folder / "project.lock").exists()


def test_another_program_s_database_is_refused(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "project.sqlite")) as connection:
        connection.execute("CREATE TABLE images (id)")
    with pytest.raises(ProjectError, match="not a napari-wsss project"):
        Project.open(tmp_path)
