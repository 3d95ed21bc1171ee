"""Tables of ``project.sqlite`` and the migrations that bring older files up to date.

A released table is never changed in place: a change gets a new version number and one function in `MIGRATIONS`,
and the tests keep the statements of every older version, so that reading old projects cannot break silently.
"""

import sqlite3
from collections.abc import Callable, Mapping

from napari_wsss.core.errors import ProjectError
from napari_wsss.project.criteria import FACTS, UNLABELLED
from napari_wsss.project.listing.id_parts import index_ids
from napari_wsss.project.ordering import common_text

VERSION = 9
APPLICATION_ID = 0x57535353
"""Marks the file as ours ("WSSS" in ASCII), so that another program's database is refused by name."""

COUNTED = (
    """CREATE TABLE class_counts (
    state TEXT NOT NULL,
    class INTEGER NOT NULL REFERENCES classes (position),
    many INTEGER NOT NULL,
    PRIMARY KEY (state, class)
) WITHOUT ROWID""",
    """CREATE TRIGGER label_added AFTER INSERT ON labels BEGIN
    UPDATE images SET label_count = label_count + 1 WHERE number = new.image;
    INSERT INTO class_counts SELECT state, new.class, 1 FROM images WHERE number = new.image
        ON CONFLICT (state, class) DO UPDATE SET many = many + 1;
END""",
    """CREATE TRIGGER label_removed AFTER DELETE ON labels BEGIN
    UPDATE images SET label_count = label_count - 1 WHERE number = old.image;
    UPDATE class_counts SET many = many - 1
        WHERE class = old.class AND state = (SELECT state FROM images WHERE number = old.image);
END""",
    """CREATE TRIGGER state_changed AFTER UPDATE OF state ON images WHEN new.state != old.state BEGIN
    UPDATE class_counts SET many = many - 1
        WHERE state = old.state AND class IN (SELECT class FROM labels WHERE image = new.number);
    INSERT INTO class_counts SELECT new.state, class, 1 FROM labels WHERE image = new.number
        ON CONFLICT (state, class) DO UPDATE SET many = many + 1;
END""",
)
"""Counts that would take a look at every label, and who keeps them: labels are added and removed, never changed."""

TABLES = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE classes (
    position INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    becomes INTEGER,
    colour TEXT NOT NULL DEFAULT ''
);
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
    borrowed_from TEXT NOT NULL DEFAULT '',
    doubtful TEXT NOT NULL DEFAULT '',
    negative INTEGER NOT NULL DEFAULT 0,
    painted TEXT,
    label_count INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX images_by_state ON images (state, number);
CREATE TABLE labels (
    image INTEGER NOT NULL REFERENCES images (number),
    class INTEGER NOT NULL REFERENCES classes (position),
    PRIMARY KEY (image, class)
) WITHOUT ROWID;
CREATE INDEX labels_by_class ON labels (class, image);
CREATE TABLE unknown_labels (
    image INTEGER NOT NULL REFERENCES images (number),
    class INTEGER NOT NULL REFERENCES classes (position),
    PRIMARY KEY (image, class)
) WITHOUT ROWID;
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
CREATE TABLE accepted_files (
    path TEXT PRIMARY KEY,
    digest TEXT NOT NULL,
    size INTEGER NOT NULL DEFAULT -1,
    mtime INTEGER NOT NULL DEFAULT -1
) WITHOUT ROWID;
""" + "".join(f"{statement};\n" for statement in COUNTED)


def _to_version_2(connection: sqlite3.Connection) -> None:
    """Add how much a person edited, how much a proposal changed, where it was borrowed from, and the clusters."""
    connection.execute("ALTER TABLE images ADD COLUMN edited REAL")
    connection.execute("ALTER TABLE images ADD COLUMN changed REAL")
    connection.execute("ALTER TABLE images ADD COLUMN borrowed_from TEXT NOT NULL DEFAULT ''")
    connection.execute(
        "CREATE TABLE image_clusters (image INTEGER NOT NULL REFERENCES images (number), class INTEGER NOT NULL "
        "REFERENCES classes (position), cluster TEXT NOT NULL, distance REAL NOT NULL, PRIMARY KEY (image, class)) "
        "WITHOUT ROWID"
    )
    connection.execute("CREATE INDEX image_clusters_by_cluster ON image_clusters (cluster, image)")


def _to_version_3(connection: sqlite3.Connection) -> None:
    """Add which labelled classes a proposal is in doubt of."""
    connection.execute("ALTER TABLE images ADD COLUMN doubtful TEXT NOT NULL DEFAULT ''")


def _to_version_4(connection: sqlite3.Connection) -> None:
    """Tell images labelled *none of the classes* from those not labelled yet, as which all have counted so far.

    Which classes an accepted mask paints is known from its next acceptance on.
    """
    connection.execute("ALTER TABLE images ADD COLUMN negative INTEGER NOT NULL DEFAULT 0")
    connection.execute("ALTER TABLE images ADD COLUMN painted TEXT")


def _to_version_5(connection: sqlite3.Connection) -> None:
    """Add what the files of accepted masks hold, as decided; `accepted_files` fills it in on opening."""
    connection.execute(
        "CREATE TABLE accepted_files (path TEXT PRIMARY KEY, digest TEXT NOT NULL, size INTEGER NOT NULL DEFAULT -1, "
        "mtime INTEGER NOT NULL DEFAULT -1) WITHOUT ROWID"
    )


def _to_version_6(connection: sqlite3.Connection) -> None:
    """Add of which classes it is not known whether they are in an image; so far those counted as absent."""
    connection.execute(
        "CREATE TABLE unknown_labels (image INTEGER NOT NULL REFERENCES images (number), class INTEGER NOT NULL "
        "REFERENCES classes (position), PRIMARY KEY (image, class)) WITHOUT ROWID"
    )


def _to_version_7(connection: sqlite3.Connection) -> None:
    """Add what a class that was merged or deleted counts as, and colours on the screen that a person chose."""
    connection.execute("ALTER TABLE classes ADD COLUMN becomes INTEGER")
    connection.execute("ALTER TABLE classes ADD COLUMN colour TEXT NOT NULL DEFAULT ''")


def _to_version_8(connection: sqlite3.Connection) -> None:
    """Keep counts of labels: how many an image has, and how many images of a state have a class."""
    connection.execute("ALTER TABLE images ADD COLUMN label_count INTEGER NOT NULL DEFAULT 0")
    for replaced in ("images_scored", "images_changed"):  # by such that hold the value
        connection.execute(f"DROP INDEX IF EXISTS {replaced}")
    for statement in COUNTED:
        connection.execute(statement)
    connection.execute(
        "UPDATE images SET label_count = many FROM (SELECT image, count(*) AS many FROM labels GROUP BY image) "
        "WHERE number = image"
    )
    connection.execute(
        "INSERT INTO class_counts SELECT state, class, count(*) FROM labels JOIN images ON number = image "
        "GROUP BY state, class"
    )


def _to_version_9(connection: sqlite3.Connection) -> None:
    """Let plans that ask for one pass keep it: the preset of that meaning is now called ``single``, not ``fast``."""
    for model in ("localizer", "saliency", "affinity"):
        place = f"'$.{model}.parameters.preset'"
        connection.execute(
            f"UPDATE meta SET value = json_set(value, {place}, 'single') "
            f"WHERE key = 'plan' AND json_valid(value) AND json_extract(value, {place}) = 'fast'"
        )


MIGRATIONS: Mapping[int, Callable[[sqlite3.Connection], None]] = {
    1: _to_version_2,
    2: _to_version_3,
    3: _to_version_4,
    4: _to_version_5,
    5: _to_version_6,
    6: _to_version_7,
    7: _to_version_8,
    8: _to_version_9,
}
"""Version n -> the function that turns a version n file into version n + 1, inside one transaction."""


RARE = {
    "by_score": "score IS NOT NULL",
    "by_change": "changed IS NOT NULL",
    "edited": "edited IS NOT NULL",
    "painted": "painted IS NOT NULL",
    "doubtful": "doubtful != ''",
    "borrowed": "borrowed_from != ''",
    "noted": "note != ''",
    "split": "split != ''",
    "unlabelled": UNLABELLED,
    **{fact: f"{fact} = 1" for fact in FACTS},
}
"""What is asked of all images and true of few of them, or of none."""
_COLUMNS = {"split": "split, number", "by_score": "score DESC, number", "by_change": "changed DESC, number"}
"""Of the indexes of which a value is asked, too, or an order: the images themselves need not be looked at."""


def index_rare_facts(connection: sqlite3.Connection) -> None:
    """Index the images of which something rare is true, where that is not done: no table changes by it.

    Without such an index it takes a look at every image to find none.
    """
    for name, condition in RARE.items():
        columns = _COLUMNS.get(name, "number")
        connection.execute(f"CREATE INDEX IF NOT EXISTS images_{name} ON images ({columns}) WHERE {condition}")
    for replaced in ("scores", "changes"):  # by such that are in the order that is asked for
        connection.execute(f"DROP INDEX IF EXISTS images_{replaced}")
    connection.execute(
        "CREATE INDEX IF NOT EXISTS image_clusters_in_order ON image_clusters (class, cluster, distance, image)"
    )
    connection.execute(f"CREATE INDEX IF NOT EXISTS {common_text.INDEX} ON images ({common_text.END})")
    index_ids(connection)


def build(connection: sqlite3.Connection) -> None:
    """Create the tables of the current version in an empty database, in one transaction."""
    connection.executescript(
        f"BEGIN IMMEDIATE; {TABLES} INSERT INTO meta VALUES ('revision', '0'); "
        f"PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = {VERSION}; COMMIT;"
    )


def version_of(connection: sqlite3.Connection) -> int:
    """Return the schema version of an open file.

    Raises
    ------
    ProjectError
        When it is not a project of ours, or a newer program wrote it.
    """
    application = connection.execute("PRAGMA application_id").fetchone()[0]
    version = int(connection.execute("PRAGMA user_version").fetchone()[0])
    if application != APPLICATION_ID or version < 1:
        raise ProjectError(
            "This SQLite file is not a napari-wsss project (its application id is "
            f"{application:#x}, expected {APPLICATION_ID:#x}). Choose the folder that holds project.sqlite."
        )
    if version > VERSION:
        raise ProjectError(
            f"This project was written by a newer napari-wsss (schema version {version}, this one knows up to "
            f"{VERSION}). Update napari-wsss."
        )
    return version


def migrate(connection: sqlite3.Connection) -> int:
    """Bring an older file up to `VERSION`, one transaction per version; return the version it had.

    Raises
    ------
    ProjectError
        When a migration fails; the file is then unchanged by it.
    """
    found = version_of(connection)
    connection.execute("PRAGMA foreign_keys = OFF")  # a migration may rebuild tables that others refer to
    for version in range(found, VERSION):
        connection.execute("BEGIN IMMEDIATE")
        try:
            MIGRATIONS[version](connection)
            connection.execute(f"PRAGMA user_version = {version + 1}")
            connection.execute("COMMIT")
        except sqlite3.Error as reason:
            connection.execute("ROLLBACK")
            raise ProjectError(
                f"The project could not be updated from schema version {version} to {version + 1} ({reason}). It is "
                "unchanged; open it with the version of napari-wsss that wrote it, and report this."
            ) from reason
        except BaseException:  # an interruption, too: half an update is none
            connection.execute("ROLLBACK")
            raise
    connection.execute("PRAGMA foreign_keys = ON")
    return found
