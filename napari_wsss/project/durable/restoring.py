"""Lists the generations of a project with what they hold, and restores one; the replaced database is kept.

Masks follow: on the next opening those that the restored generation accepted come back from their copies (see
`accepted_files`), and what lies in their place goes into ``trash``.
"""

import calendar
import os
import secrets
import shutil
import sqlite3
import time
from collections.abc import Mapping
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path

from napari_wsss.core.errors import ProjectError
from napari_wsss.core.files import sync_folder
from napari_wsss.core.inside import not_through_links
from napari_wsss.processes.lock import ProjectLock
from napari_wsss.project import schema
from napari_wsss.project.backups import BACKUPS, back_up, list_backups, revision_of
from napari_wsss.project.database import SQLITE_ERRORS, Database
from napari_wsss.project.kept.mask_copies import into_trash
from napari_wsss.project.kept.revision_note import RevisionNote
from napari_wsss.project.lost_changes import count_above_drafts
from napari_wsss.project.project import BESIDE, FILE_NAME


@dataclass(frozen=True)
class Generation:
    """What a database holds: the present one, or a backup.

    Parameters
    ----------
    path : Path
    time : float
        When it was made, seconds since 1970.
    revision : int
        `Database.revision`; -1 when that is not known.
    damage : str
        Why it cannot be used, "" when it can.
    counts : mapping of str to int
        How many images, labels, strokes, and images in each review state.
    """

    path: Path
    time: float
    revision: int
    damage: str = ""
    counts: Mapping[str, int] = field(default_factory=dict)

    def line(self) -> str:
        """Return it as one line."""
        when = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(self.time))
        held = self.damage or ", ".join(f"{name} {count}" for name, count in self.counts.items())
        return f"{self.path.name}  {when}  revision {self.revision}: {held}"


def generations(folder: Path) -> list[Generation]:
    """Return the backups in a project folder, newest first."""
    return [read_generation(path) for path in list_backups(folder / BACKUPS)]


def read_generation(path: Path) -> Generation:
    """Return what one database file holds, damaged ones too; it is only read."""
    made = _stamped(path)
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?immutable=1", uri=True)) as connection:
            damage = str(connection.execute("PRAGMA quick_check(1)").fetchone()[0])
            schema.version_of(connection)
            revision = int(connection.execute("SELECT value FROM meta WHERE key = 'revision'").fetchone()[0])
            counts = _counts(connection)
    except (sqlite3.Error, ProjectError, TypeError, ValueError) as reason:
        return Generation(path, made, revision_of(path), f"cannot be used ({reason})")
    return Generation(path, made, revision, "" if damage == "ok" else f"damaged ({damage})", counts)


def _counts(connection: sqlite3.Connection) -> dict[str, int]:
    def count(sql: str) -> int:
        return int(connection.execute(sql).fetchone()[0])

    found = {
        "images": count("SELECT count(*) FROM images"),
        "labels": count("SELECT count(*) FROM labels"),
        "strokes": count("SELECT count(*) FROM journal WHERE kind = 'stroke'"),
    }
    states = connection.execute("SELECT state, count(*) FROM images GROUP BY state ORDER BY state")
    return found | {str(state): int(number) for state, number in states}


def _stamped(path: Path) -> float:
    """Return when a backup was made, as its name says; of another file when it was last written."""
    with suppress(ValueError):
        stamp = path.name.removeprefix("project-").partition(".")[0]
        return float(calendar.timegm(time.strptime(stamp, "%Y%m%dT%H%M%S")))
    return path.stat().st_mtime


def restore(folder: Path, generation: str = "") -> tuple[Path, Path | None]:
    """Make a generation the project's database; nobody may have the project open.

    Parameters
    ----------
    folder : Path
        The project folder; ``project.sqlite`` itself may be damaged or missing.
    generation : str
        Name of a file in ``backups``, as `generations` lists them; the newest sound one by default.

    Returns
    -------
    restored : Path
        The generation.
    kept : Path, optional
        Where the replaced database is now: a newer generation where it was sound, else in ``trash``; None when there
        was none.

    Raises
    ------
    ProjectError
        When there is no such generation, it is damaged, or the project is open.
    """
    chosen = _chosen(folder, generation)
    lock = ProjectLock(folder)
    lock.acquire()
    temporary = folder / f".{FILE_NAME}.{secrets.token_hex(4)}.tmp"
    try:
        shutil.copyfile(chosen.path, temporary)  # before the generations are thinned out
        with temporary.open("rb+") as file:
            os.fsync(file.fileno())
        kept = _put_away(folder)
        os.replace(temporary, not_through_links(folder, folder / FILE_NAME))
        sync_folder(folder)
        with closing(Database(folder / FILE_NAME)) as database:
            count_above_drafts(database, folder)
            RevisionNote(database.path).write(database.revision)
    finally:
        temporary.unlink(missing_ok=True)
        lock.release()
    return chosen.path, kept


def _chosen(folder: Path, name: str) -> Generation:
    found = generations(folder)
    if not found:
        raise ProjectError(f"There are no backups in {folder / BACKUPS}; nothing can be restored.")
    if not name:
        sound = [one for one in found if not one.damage]
        if not sound:
            raise ProjectError(f"All {len(found)} backups in {folder / BACKUPS} are damaged.")
        return sound[0]
    matching = [one for one in found if one.path.name == name]
    if not matching:
        raise ProjectError(f"There is no backup {name!r}; there are: {', '.join(one.path.name for one in found)}.")
    if matching[0].damage:
        raise ProjectError(f"The backup {name} {matching[0].damage}. Choose another one.")
    return matching[0]


def _put_away(folder: Path) -> Path | None:
    """Keep the present database as a generation; where it is damaged move it, with its WAL, into the trash."""
    path = folder / FILE_NAME
    if path.exists():
        try:
            with closing(Database(not_through_links(folder, path))) as database:
                if not database.check():
                    kept = back_up(database, folder / BACKUPS)
                    database.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
                    return kept
        except (ProjectError, *SQLITE_ERRORS):
            pass  # it is as damaged as can be: kept as it is
    moved = [into_trash(folder, one) for one in (path, *_beside(path)) if one.exists()]
    return moved[0] if moved else None


def _beside(path: Path) -> list[Path]:
    return [path.with_name(f"{path.name}-{part}") for part in BESIDE if part != "revision"]
