"""Copies of accepted masks, kept by their content below ``backups/masks``, and the folder ``trash`` of a project.

A mask's file may vanish or be overwritten by another program. One small copy of each content that was ever accepted
lies beside the generations of the database, as long as the database or one of them wants it.
"""

import hashlib
import os
import sqlite3
import time
from collections.abc import Collection, Iterable, Iterator
from contextlib import closing, suppress
from pathlib import Path

from napari_wsss.core.errors import ProjectError
from napari_wsss.core.files import read_regular
from napari_wsss.core.inside import not_through_links
from napari_wsss.project.database import SQLITE_ERRORS

FOLDER, TRASH = "masks", "trash"
DIGEST_CHARACTERS = 64


def digest_of(content: bytes) -> str:
    """Return the SHA-256 of a file's content as 64 hexadecimal characters."""
    return hashlib.sha256(content).hexdigest()


class MaskCopies:
    """The copies of one project.

    Parameters
    ----------
    project_folder : Path
    backups : str
        Name of its folder of backups.
    """

    def __init__(self, project_folder: Path, backups: str) -> None:
        self._project = project_folder
        self.folder = project_folder / backups / FOLDER

    def path(self, digest: str) -> Path:
        """Return where the copy of a content lies (it may not exist)."""
        return self.folder / digest[:2] / f"{digest}.png"

    def keep(self, content: bytes, digest: str) -> None:
        """Keep a copy of a content under its digest.

        It is not forced to disk, as the mask itself is: what a power cut leaves of it is told by its digest.

        Raises
        ------
        OSError, ProjectError
            When it cannot be written.
        """
        path = self.path(digest)
        if path.exists() and path.stat().st_size == len(content):
            return
        not_through_links(self._project, path.parent).mkdir(parents=True, exist_ok=True)
        temporary = path.with_suffix(".tmp")
        try:
            temporary.write_bytes(content)
            os.replace(temporary, path)
        finally:
            temporary.unlink(missing_ok=True)

    def get(self, digest: str) -> bytes | None:
        """Return the content with this digest, None when there is no whole copy."""
        if len(digest) != DIGEST_CHARACTERS or not digest.isalnum():
            return None
        try:
            content = read_regular(self.path(digest))
        except OSError:
            return None
        return content if digest_of(content) == digest else None

    def all(self) -> Iterator[str]:
        """Yield the digests of all copies."""
        for path in self.folder.glob("??/*.png"):
            yield path.stem

    def thin(self, wanted: Collection[str]) -> int:
        """Delete the copies that nobody wants any more; return how many."""
        unwanted = [digest for digest in self.all() if digest not in wanted]
        for digest in unwanted:
            not_through_links(self._project, self.path(digest)).unlink(missing_ok=True)
        return len(unwanted)


def wanted_by(databases: Iterable[Path]) -> set[str]:
    """Return the digests of the masks accepted in these generations; one that cannot be read wants none."""
    found: set[str] = set()
    for path in databases:
        with suppress(*SQLITE_ERRORS), closing(sqlite3.connect(f"{path.as_uri()}?immutable=1", uri=True)) as connection:
            found.update(row[0] for row in connection.execute("SELECT digest FROM accepted_files"))
    return found


def into_trash(project_folder: Path, path: Path) -> Path:
    """Move a file of a project into its folder ``trash`` instead of deleting it; return where it is now.

    Raises
    ------
    OSError, ProjectError
        When it cannot be moved, or a link is in the way.
    """
    target = place_in_trash(project_folder, path)
    target.parent.mkdir(parents=True, exist_ok=True)
    os.replace(not_through_links(project_folder, path), target)
    return target


def place_in_trash(project_folder: Path, path: Path) -> Path:
    """Return where a file of a project can be put in ``trash``; nothing lies there yet.

    Raises
    ------
    ProjectError
        When a link is in the way, or too many files of the name were put there within this second.
    """
    stamp = time.strftime("%Y%m%dT%H%M%S", time.gmtime())
    inside = path.relative_to(project_folder)
    for count in range(1000):
        target = project_folder / TRASH / (f"{stamp}-{count}" if count else stamp) / inside
        if not target.exists():
            return not_through_links(project_folder, target)
    raise ProjectError(f"{path} cannot be put into {project_folder / TRASH}: there are too many of the same name.")
