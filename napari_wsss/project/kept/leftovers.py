"""Sweeps the temporary files that a killed process leaves in a project, by their names and ages alone."""

import re
import shutil
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from napari_wsss.core.inside import is_link

TEMPORARY = re.compile(
    r"\.[0-9a-f]{16}\.tmp|\.project.*\.sqlite\.[0-9a-f]{8}\.tmp(-journal|-wal|-shm)?|[0-9a-f]{64}\.tmp"
)
"""As `core.files.publish`, `backups`, `Project.create` and `mask_copies` name them."""
HALF_DELETED = re.compile(r"\..+-[0-9a-f]+\.[0-9a-f]{8}\.deleted")
"""Folders of results, as `store` names them while it deletes them."""
OURS = ("masks", "drafts", "scribbles", "backups")
"""Folders that only the holder of the lock writes; in the others a running training may be writing now."""
OTHERS = ("results", "training")
OLD_SECONDS = 3600.0


def leftovers(folder: Path) -> Iterator[Path]:
    """Yield the files (and half-deleted folders of results) that nobody can be writing any more.

    The caller holds the project's lock: what lies in the folders that only its holder writes is left over whatever
    its age; elsewhere it must be an hour old.
    """
    yield from (path for path in _entries(folder, deep=False) if TEMPORARY.fullmatch(path.name))
    for name in OURS:
        yield from (path for path in _entries(folder / name) if TEMPORARY.fullmatch(path.name))
    for name in OTHERS:
        for path in _entries(folder / name):
            is_leftover = TEMPORARY.fullmatch(path.name) or (path.is_dir() and HALF_DELETED.fullmatch(path.name))
            if is_leftover and _age(path) > OLD_SECONDS:
                yield path


def sweep(folder: Path) -> int:
    """Delete what `leftovers` finds; return how many there were."""
    found = list(leftovers(folder))
    for path in found:
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            with suppress(OSError):  # it does no harm where it is
                path.unlink()
    return len(found)


def _entries(folder: Path, deep: bool = True) -> Iterator[Path]:
    if is_link(folder) or not folder.is_dir():
        return
    for path in folder.rglob("*.*") if deep else folder.iterdir():
        if (path.name.startswith(".") or path.suffix == ".tmp") and not is_link(path):
            yield path


def _age(path: Path) -> float:
    try:
        return time.time() - path.stat().st_mtime
    except OSError:
        return 0.0
