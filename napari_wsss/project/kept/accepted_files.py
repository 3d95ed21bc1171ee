"""What the files of accepted masks hold as decided, so that one that vanished or was overwritten is noticed.

The digest is committed with the decision; size and time of the file as this program wrote it spare reading it again.
A file that differs is put into ``trash`` and the decided one comes back from its copy (see `mask_copies`).
"""

import os
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from napari_wsss.core.errors import ProjectError
from napari_wsss.core.files import publish_bytes, read_regular
from napari_wsss.core.inside import below, not_through_links
from napari_wsss.project.database import Database
from napari_wsss.project.kept.mask_copies import MaskCopies, digest_of, into_trash

SHOWN = 3
"""Names in a sentence."""


@dataclass(frozen=True)
class Changed:
    """The file of an accepted mask that is not as decided.

    Parameters
    ----------
    name : str
        Below the project folder.
    kind : str
        What happened to it, by no deed of this program.
    digest : str
        Of the content decided.
    """

    name: str
    kind: Literal["vanished", "overwritten"]
    digest: str


class AcceptedFiles:
    """The rows of ``accepted_files`` of one project and the files they are about.

    Parameters
    ----------
    folder : Path
        The project folder.
    database : Database
    copies : MaskCopies
        Of the same project.
    """

    def __init__(self, folder: Path, database: Database, copies: MaskCopies) -> None:
        self._folder, self._database, self.copies = folder, database, copies
        self._known: dict[str, str] | None = None  # digests, all of them; None: not asked for yet
        self._unsure: set[str] = set()  # names of which something else may be decided

    def likely_digest(self, name: str) -> str:
        """Return what `digest` returned last, as a rule without asking the database."""
        if self._database.read_only or self._known is None:
            return self.digest(name)
        if name in self._unsure:
            self._unsure.discard(name)
            self._known[name] = self.digest(name)
        return self._known.get(name, "")

    def digest(self, name: str) -> str:
        """Return the digest of what a file is to hold, "" when nothing was decided of it."""
        return str(self._database.value("SELECT digest FROM accepted_files WHERE path = ?", (name,), default=""))

    def settled(self, digests: Mapping[str, str]) -> None:
        """Take what was just written as what `likely_digest` returns; a later decision is then found by `digest`."""
        if self._known is not None:
            self._known.update(digests)
            self._unsure.difference_update(digests)

    def names(self) -> set[str]:
        """Return the names of all files that are to hold an accepted mask."""
        return set(self._database.column("SELECT path FROM accepted_files"))

    def thin(self, wanted: set[str]) -> None:
        """Delete the copies that neither the database nor one of its generations wants (`wanted`: their digests)."""
        with suppress(OSError, ProjectError):
            own = set(self._database.column("SELECT digest FROM accepted_files"))
            self.copies.thin(own | wanted)

    def decide(self, connection: sqlite3.Connection, name: str, content: bytes | None) -> None:
        """Note in a transaction what a file is to hold; None: there is to be none."""
        self._unsure.add(name)
        if content is None:
            connection.execute("DELETE FROM accepted_files WHERE path = ?", (name,))
        else:
            row = (name, digest_of(content))
            connection.execute("INSERT OR REPLACE INTO accepted_files (path, digest) VALUES (?, ?)", row)

    def written(self, connection: sqlite3.Connection, name: str) -> None:
        """Note in a transaction how the file that was just written looks from outside."""
        with suppress(OSError):
            size, mtime = _looks(self._folder / name)
            statement = "UPDATE accepted_files SET size = ?, mtime = ? WHERE path = ?"
            connection.execute(statement, (size, mtime, name))

    def keep(self, content: bytes) -> str:
        """Keep a copy of a mask, as far as the disk allows: the mask itself is safe already. Return its digest."""
        digest = digest_of(content)
        with suppress(OSError, ProjectError):
            self.copies.keep(content, digest)
        return digest

    def changed(self, but: Mapping[str, object], *, thorough: bool = False) -> Iterator[Changed]:
        """Yield the files that are not as decided.

        Parameters
        ----------
        but : mapping
            Names of files that are still to be written.
        thorough : bool
            Read every file; otherwise only those whose size or time is not what this program left.
        """
        rows = self._database.rows("SELECT path, digest, size, mtime FROM accepted_files")
        self._known = {name: digest for name, digest, *_ in rows}
        same = []
        for name, digest, size, mtime in rows:
            if name in but:
                continue
            try:
                path = below(self._folder, name)
                looks = _looks(path)
                if not thorough and looks == (size, mtime):
                    continue
                is_same = digest_of(read_regular(path)) == digest
            except (FileNotFoundError, NotADirectoryError):
                yield Changed(name, "vanished", digest)
                continue
            except (OSError, ProjectError):
                is_same = False
            if not is_same:
                yield Changed(name, "overwritten", digest)
            elif looks != (size, mtime):
                same.append((*looks, name))
        if same and not self._database.read_only:  # a copied project, or one unpacked from an archive
            with suppress(ProjectError), self._database.transaction() as connection:  # a full disk: read again then
                connection.executemany("UPDATE accepted_files SET size = ?, mtime = ? WHERE path = ?", same)

    def put_back(self, changed: Changed) -> Path | None:
        """Write the decided mask again; what lies there goes into the trash. Return where it lies now.

        Raises
        ------
        ProjectError
            When there is no copy to put back; nothing is changed then.
        OSError
            When the disk refuses.
        """
        content = self.copies.get(changed.digest)
        if content is None:
            raise ProjectError(f"There is no copy of {changed.name} to put back.")
        path = below(self._folder, changed.name)
        not_through_links(self._folder, path)
        moved = into_trash(self._folder, path) if path.exists() else None
        publish_bytes(path, content)
        with self._database.transaction() as connection:
            self.written(connection, changed.name)
        return moved

    def take(self, name: str) -> None:
        """Take a file as it is for what was decided: of a project from before digests were kept, or as repair."""
        content = read_regular(below(self._folder, name))
        with self._database.transaction() as connection:
            self.decide(connection, name, content)
            self.written(connection, name)
        self.keep(content)


def _looks(path: Path) -> tuple[int, int]:
    facts = os.stat(path)
    return facts.st_size, facts.st_mtime_ns


def told(put_back: Mapping[str, Path | None], lost: list[Changed]) -> list[str]:
    """Return the sentences about masks that came back (name -> where the other file is now) and those that did not."""
    sentences = []
    vanished = [name for name, moved in put_back.items() if moved is None]
    moved = {name: place for name, place in put_back.items() if place is not None}
    if vanished:
        sentences.append(
            f"{len(vanished)} accepted mask(s) had vanished and were put back from the copies: {_some(vanished)}."
        )
    if moved:
        sentences.append(
            f"{len(moved)} accepted mask(s) had been overwritten by another program and were put back from the copies: "
            f"{_some(moved)}. What lay there is kept in {next(iter(moved.values())).parent}; to use it, import it with "
            "napari-wsss import-masks --accept --overwrite."
        )
    if lost:
        sentences.append(
            f"{len(lost)} accepted mask(s) are not as accepted, and there is no copy to put back: "
            f"{_some([f'{one.name} ({one.kind})' for one in lost])}. Put the files back, or look at these images and "
            "accept them anew."
        )
    return sentences


def _some(names: Mapping[str, object] | list[str]) -> str:
    return ", ".join(list(names)[:SHOWN]) + (" ..." if len(names) > SHOWN else "")
