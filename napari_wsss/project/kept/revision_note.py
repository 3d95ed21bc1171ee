"""Beside the database stands the revision that was committed last, so that a lost or shortened WAL is noticed.

Commits are in ``project.sqlite-wal`` until SQLite takes them over. A copy without that file, or a disk that forgot what
it had confirmed, gives an older database that is sound in itself; only somebody who counted can tell.
"""

import os
from contextlib import suppress
from pathlib import Path

from napari_wsss.core.files import read_regular

SUFFIX = "-revision"
DIGITS = 20


class RevisionNote:
    """The file beside one database.

    Parameters
    ----------
    database : Path
        The database's file.
    """

    def __init__(self, database: Path) -> None:
        self.path = database.with_name(database.name + SUFFIX)

    def write(self, revision: int) -> None:
        """Note what was committed; written after the commit and not forced to disk, so it never promises too much."""
        flags = os.O_WRONLY | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0)
        with suppress(OSError):  # a full disk: the note then says less than there is, which harms nothing
            handle = os.open(self.path, flags, 0o666)
            try:
                os.write(handle, f"{revision:0{DIGITS}d}".encode())
            finally:
                os.close(handle)

    def read(self) -> int:
        """Return the revision committed last, 0 when that is not known."""
        try:
            text = read_regular(self.path, DIGITS)
        except OSError:
            return 0
        return int(text) if len(text) == DIGITS and text.isdigit() else 0
