"""Generations of ``project.sqlite`` in the folder ``backups``: the newest, one of each recent hour and recent day."""

import os
import re
import secrets
import time
from pathlib import Path

from napari_wsss.core.files import sync_folder
from napari_wsss.core.inside import not_through_links
from napari_wsss.project.database import Database

BACKUPS = "backups"
NEWEST_KEPT = 4
HOURS_KEPT = 6
DAYS_KEPT = 7
NAME = re.compile(r"project-(\d{8}T\d{6}\.\d{3})-(\d+)\.sqlite")


def list_backups(folder: Path) -> list[Path]:
    """Return the backups in `folder`, newest first."""
    return sorted((path for path in folder.glob("project-*.sqlite") if NAME.fullmatch(path.name)), reverse=True)


def holds_everything(database: Database, folder: Path) -> bool:
    """Tell whether the newest backup in `folder` has the database's present content."""
    existing = list_backups(folder)
    return bool(existing) and revision_of(existing[0]) == database.revision


def revision_of(backup: Path) -> int:
    """Return the revision (`Database.revision`) that a backup holds, -1 when its name is none of ours."""
    found = NAME.fullmatch(backup.name)
    return int(found[2]) if found else -1


def back_up(database: Database, folder: Path) -> Path:
    """Copy the database into `folder` unless the newest backup already holds its content; return the backup.

    The copy is complete and on disk before it gets its name; older generations are then thinned out.
    """
    existing = list_backups(folder)
    if holds_everything(database, folder):
        return existing[0]
    not_through_links(folder.parent, folder).mkdir(parents=True, exist_ok=True)
    target = folder / f"project-{_stamp(existing)}-{database.revision}.sqlite"
    temporary = folder / f".{target.name}.{secrets.token_hex(4)}.tmp"
    try:
        database.back_up(temporary)
        with temporary.open("rb+") as file:
            os.fsync(file.fileno())
        os.replace(temporary, target)
        sync_folder(folder)
    finally:
        temporary.unlink(missing_ok=True)
    for path in superfluous(list_backups(folder)):
        path.unlink(missing_ok=True)
    return target


def _stamp(existing: list[Path]) -> str:
    """Return the time now as text that sorts after every existing backup, also when the clock was set back."""
    now = time.time()
    stamp = time.strftime("%Y%m%dT%H%M%S", time.gmtime(now)) + f".{int(now * 1000) % 1000:03d}"
    newest = NAME.fullmatch(existing[0].name) if existing else None
    if newest is None or stamp > newest[1]:
        return stamp
    day, _, rest = newest[1].partition(".")
    return f"{day}.{min(999, int(rest) + 1):03d}"


def superfluous(newest_first: list[Path]) -> list[Path]:
    """Return the backups to delete: all but the newest few and the newest of each recent hour and day with one."""
    kept = set(newest_first[:NEWEST_KEPT])
    for named, count in (("project-00000000T00", HOURS_KEPT), ("project-00000000", DAYS_KEPT)):
        newest_of: dict[str, Path] = {}
        for path in newest_first:
            newest_of.setdefault(path.name[: len(named)], path)
        kept.update(list(newest_of.values())[:count])
    return [path for path in newest_first if path not in kept]
