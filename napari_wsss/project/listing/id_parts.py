"""An index of what stands in ids: three characters that lie together name their images, where SQLite can do that.

Text is looked for anywhere in an id, of which no ordinary index knows. FTS5's trigrams take 34 bytes for each image and
a tenth of the time. A SQLite without them, texts of one or two characters and such as nearly all ids hold do without.
Images are added, and never taken away or called otherwise; a program that does not know the index leaves it behind the
catalog, which is seen by its last number, and the next opening for changes brings it up to date.
"""

import re
import sqlite3

from napari_wsss.project.database import Database
from napari_wsss.project.ordering.samples import share_holding

TABLE = "id_parts"
SHORTEST = 3
FEW = 20_000
"""Images up to which the index is quicker than a look at every id."""
_SINCE = (3, 34)  # SQLite's trigrams
_IS_THERE = (
    f"SELECT count(*) FROM sqlite_master, pragma_module_list AS module WHERE sqlite_master.name = '{TABLE}' "
    "AND module.name = 'fts5'"
)
_LAST = f"SELECT coalesce(max(id), 0) FROM {TABLE}_docsize"
_NEW = f"INSERT INTO {TABLE} (rowid, id) SELECT number, id FROM images WHERE number > ?"


def index_ids(connection: sqlite3.Connection) -> None:
    """Make the index where there is none, and add to it what is missing; without FTS5 do nothing."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        connection.execute(
            f"CREATE VIRTUAL TABLE IF NOT EXISTS {TABLE} USING fts5"
            "(id, content='images', content_rowid='number', tokenize='trigram', detail='none')"
        )
        connection.execute(_NEW, connection.execute(_LAST).fetchone())
    except sqlite3.Error as reason:
        connection.execute("ROLLBACK")
        if not isinstance(reason, sqlite3.OperationalError):  # no such module, no such tokenizer
            raise
        return
    connection.execute("COMMIT")


def note_new(database: Database, connection: sqlite3.Connection, last: int) -> None:
    """Add to the index, within a transaction, the images behind the number `last`, up to which it was whole."""
    if _is_there(database) and connection.execute(_LAST).fetchone()[0] == last:
        connection.execute(_NEW, (last,))


def is_quicker(database: Database, text: str) -> bool:
    """Tell whether a text is found quicker by the index: there is a whole one, and few ids hold the text."""
    if max(map(len, re.split("[%_]", text))) < SHORTEST or not _is_there(database):
        return False
    count = int(database.value("SELECT coalesce(max(number), 0) FROM images"))
    share = share_holding(database, count, text)
    if share == 1 or share * count > FEW:  # `ordering.common_text` knows of all; of many it would be asked in vain
        return False
    if not database.value(f"SELECT ({_LAST}) = (SELECT coalesce(max(number), 0) FROM images)"):
        return False
    some = f"SELECT rowid FROM {TABLE} WHERE id LIKE ? LIMIT {FEW + 1}"
    return int(database.value(f"SELECT count(*) FROM ({some})", (f"%{text}%",))) <= FEW


def _is_there(database: Database) -> bool:
    return sqlite3.sqlite_version_info >= _SINCE and bool(database.value(_IS_THERE))
