"""Text that all ids hold, told without a look at every id: what goes on alike is passed in one step.

Ids come from folders and cameras: they begin alike and end alike. In their index those that begin alike lie together,
so once an id holds the text, all that begin with the same characters up to its end hold it, too, and are jumped over; a
million images in a thousand folders take a thousand steps. What stands at the end is of few kinds, which have a small
index of their own. Where neither helps, nothing is told, and every id is looked at.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_wsss.project.criteria import anywhere
from napari_wsss.project.database import Database
from napari_wsss.project.ordering.samples import spread

END = "substr(id, -5)"
"""The end of an id: ``.jpeg``, ``1.png``; long enough for what files are called by, short enough to be of few kinds."""
INDEX = "images_by_end"
MOST = 4096
"""Steps, and ids looked at, that take a tenth of the time of a look at a million."""

_ASKED = "asked (text) AS (SELECT lower(?))"  # as LIKE does: A to Z alone are the same as a to z
_PLACE = "instr(lower(walk.id), text)"
_LAST = "char(1114111)"  # behind every character, so behind all that begin alike
_WALK = (
    f"WITH RECURSIVE {_ASKED}, walk (id) AS (SELECT min(id) FROM images UNION ALL "
    "SELECT (SELECT min(images.id) FROM images WHERE images.id > "
    f"CASE WHEN {_PLACE} THEN substr(walk.id, 1, {_PLACE} + length(text) - 1) || {_LAST} ELSE walk.id END) "
    "FROM walk, asked WHERE walk.id IS NOT NULL LIMIT ?) "
    "SELECT (SELECT number FROM images WHERE images.id = walk.id) FROM walk, asked "
    f"WHERE walk.id IS NULL OR NOT {_PLACE}"
)
_KINDS_OF_END = (
    f"WITH RECURSIVE {_ASKED}, kinds (kind) AS (SELECT min({END}) FROM images UNION ALL "
    f"SELECT (SELECT min({END}) FROM images WHERE {END} > kind) FROM kinds WHERE kind IS NOT NULL LIMIT ?) "
    "SELECT kind FROM kinds, asked WHERE kind IS NULL OR NOT instr(lower(kind), text)"
)
_NEIGHBOURS = (
    "SELECT id, (SELECT min(other.id) FROM images AS other WHERE other.id > images.id) FROM images WHERE number IN "
)


def lacking(database: Database, count: int, text: str) -> NDArray[np.int32] | None:
    """Return the numbers of those images whose ids do not hold a text, ignoring case, where these are few.

    Parameters
    ----------
    database : Database
    count : int
        How many images the project has.
    text : str
        One that nearly all hold; of another nothing is told.

    Returns
    -------
    (n,) int32 or None
        In no order; None where it takes a look at every id to know.
    """
    some, looked_for = spread(count), text.lower()
    pairs = database.rows(f"{_NEIGHBOURS} ({', '.join('?' * len(some))})", some)
    ends = [str(one)[-5:] for one, _ in pairs]
    if all(looked_for in end.lower() for end in ends):
        found = _by_ends(database, text)
    elif count <= MOST or sum(_passed_together(looked_for, *pair) for pair in pairs) >= len(pairs) - 1:
        found = _to_the_end(database.column(_WALK, [text, MOST]))  # the last image of all has no neighbour
    else:
        found = None
    return None if found is None else np.asarray(found, np.int32)


def _passed_together(text: str, one: str, following: str | None) -> bool:
    at = one.lower().find(text)
    return at >= 0 and (following or "").startswith(one[: at + len(text)])


def _by_ends(database: Database, text: str) -> list[int] | None:
    """Return the images that do not hold a text, all of which end otherwise; None where many do."""
    if not database.value("SELECT 1 FROM sqlite_master WHERE type = 'index' AND name = ?", (INDEX,)):
        return None  # a project of before, not opened for changes since
    others = _to_the_end(database.column(_KINDS_OF_END, [text, MOST]))
    if others is None:
        return None
    sql = f"SELECT number, id LIKE ? ESCAPE '\\' FROM images WHERE {END} IN ({', '.join('?' * len(others))}) LIMIT ?"
    rows = database.rows(sql, [anywhere(text), *others, MOST])
    return None if len(rows) == MOST else [number for number, holds in rows if not holds]


def _to_the_end(found: list[Any]) -> list[Any] | None:
    """Return what a walk has found, without the NULL that its end is; None where it did not come there."""
    return [one for one in found if one is not None] if None in found else None
