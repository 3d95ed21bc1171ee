"""The files of a project's drafts and accepted masks, decided in the database and written after it.

A decision commits the content it implies together with itself (table ``unsettled``); then the files are written. What
a crash or a full disk leaves unsettled is read from the table and written later.
"""

import threading
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from napari_wsss.core.errors import ProjectError
from napari_wsss.core.files import publish_bytes, read_regular, sync_folder
from napari_wsss.core.inside import below, not_through_links
from napari_wsss.project.backups import BACKUPS
from napari_wsss.project.database import Database
from napari_wsss.project.kept.accepted_files import AcceptedFiles, Changed, told
from napari_wsss.project.kept.mask_copies import MaskCopies, digest_of, place_in_trash

ACCEPTED, DRAFTS = "masks", "drafts"


class MaskFiles:
    """Drafts and accepted masks of one project as bytes, by their names below its folder (with slashes).

    Parameters
    ----------
    folder : Path
        The project folder.
    database : Database
        Of the same project.

    Attributes
    ----------
    accepted : AcceptedFiles
        What the accepted masks are to hold.
    """

    def __init__(self, folder: Path, database: Database) -> None:
        self._folder = folder
        self._database = database
        self.accepted = AcceptedFiles(folder, database, MaskCopies(folder, BACKUPS))
        self._told: list[str] = []
        # Two threads that write files must not overtake each other: each writes what is decided when its turn comes.
        self.settling = threading.RLock()

    def path(self, name: str) -> Path:
        """Return where a file lies (it may not exist); `ProjectError` where its name leads out of the project."""
        return below(self._folder, name)

    def contents(self, *names: str) -> list[bytes | None]:
        """Return mask files' bytes as decided, also where the files themselves are not written yet."""
        unsettled = self.unsettled()
        return [self._content(name, name in unsettled) for name in names]

    def _content(self, name: str, is_unsettled: bool) -> bytes | None:
        if is_unsettled:
            rows = self._database.rows("SELECT content FROM unsettled WHERE path = ?", (name,))
            if rows:  # else it was settled meanwhile
                found: bytes | None = rows[0][0]
                return found
        content = self._read(name)
        if not name.startswith(f"{ACCEPTED}/"):
            return content
        return content if _is(content, self.accepted.likely_digest(name)) else self._decided(name)

    def _read(self, name: str) -> bytes | None:
        try:
            return read_regular(below(self._folder, name))
        except (FileNotFoundError, NotADirectoryError):
            return None

    def _decided(self, name: str) -> bytes | None:
        """Return what an accepted mask was decided to be, where its file seems to be something else."""
        if self._database.is_writing:  # nobody else decides now; waiting for who writes files could be for ever
            return self._mended(name)
        with self.settling:
            return self._mended(name)

    def _mended(self, name: str) -> bytes | None:
        while True:  # another thread may decide anew meanwhile
            digest = self.accepted.digest(name)
            rows = self._database.rows("SELECT content FROM unsettled WHERE path = ?", (name,))
            content: bytes | None = rows[0][0] if rows else self._read(name)
            if _is(content, digest):
                return content
            if self.accepted.digest(name) == digest:
                break
        changed = Changed(name, "vanished" if content is None else "overwritten", digest)
        copy = self.accepted.copies.get(digest)
        if self._database.read_only or self._database.is_writing:
            return content if copy is None else copy
        self._put_back([changed])
        return content if copy is None else copy

    def mend(self) -> None:
        """Put back the accepted masks that vanished or were overwritten; `take_told` says which."""
        with self.settling:
            self._put_back(list(self.accepted.changed(self.unsettled())))

    def _put_back(self, changed: list[Changed]) -> None:
        back: dict[str, Path | None] = {}
        lost = []
        for one in changed:
            try:
                back[one.name] = self.accepted.put_back(one)
            except (ProjectError, OSError):
                lost.append(one)
        self._told += told(back, lost)

    def take_told(self) -> list[str]:
        """Return what was noticed of the accepted masks since the last call, as sentences."""
        sentences, self._told = self._told, []
        return sentences

    def exists(self, name: str) -> bool:
        """Tell whether there is such a file, or one is decided."""
        has_content = self.unsettled().get(name)
        return self.path(name).is_file() if has_content is None else bool(has_content)

    def unsettled(self) -> dict[str, int]:
        """Return the names of the files that are still to be written, and whether each is to hold anything."""
        return self._database.remembered("unsettled", self._read_unsettled)

    def _read_unsettled(self) -> dict[str, int]:
        return dict(self._database.rows("SELECT path, content IS NOT NULL FROM unsettled"))

    def decide(self, contents: Mapping[str, bytes | None]) -> None:
        """Note, in the surrounding transaction, what files are to hold; None removes one. `settle` writes them."""
        with self._database.transaction("unsettled") as connection:
            connection.executemany("INSERT OR REPLACE INTO unsettled VALUES (?, ?)", contents.items())
            for name, content in contents.items():
                if name.startswith(f"{ACCEPTED}/"):
                    self.accepted.decide(connection, name, content)

    def decided_elsewhere(self, name: str) -> None:
        """Forget, in the surrounding transaction, what a file was to hold: it was written by the caller."""
        with self._database.transaction("unsettled") as connection:
            connection.execute("DELETE FROM unsettled WHERE path = ?", (name,))

    def settle(self) -> int:
        """Write the files that decisions left to be written; return how many still wait (full disk ...)."""
        waiting, written, masks = 0, [], dict[str, str]()
        with self.settling:
            for name, content in self._database.rows("SELECT path, content FROM unsettled"):
                try:
                    path = self.place(name)
                except ProjectError:  # none of the project's masks: `refused` says so
                    continue
                try:
                    self.write(path, content)
                except OSError:
                    waiting += 1  # the content is safe in the database and read from there; tried again later
                    continue
                if name.startswith(f"{ACCEPTED}/"):
                    masks[name] = "" if content is None else self.accepted.keep(content)
                written.append((name, content))
            if written:
                with self._database.transaction("unsettled") as connection:
                    for name, digest in masks.items():
                        if digest:
                            self.accepted.written(connection, name)
                    connection.executemany("DELETE FROM unsettled WHERE path = ? AND content IS ?", written)
                self.accepted.settled(masks)
        return waiting

    def refused(self) -> dict[str, str]:
        """Return the names of decided files that are none of the project's masks, and why each is not written."""
        found = {}
        for name in self.unsettled():
            try:
                self.place(name)
            except ProjectError as reason:
                found[name] = str(reason)
        return found

    def place(self, name: str) -> Path:
        """Return where a file is to be written; `ProjectError` where no mask lies there, or a link leads away."""
        first, _, rest = name.partition("/")
        if first not in (ACCEPTED, DRAFTS) or not rest.endswith(".png"):
            raise ProjectError(
                f"The file {name!r}, which waits to be written or deleted, is no mask or draft of this project; it is "
                "left alone."
            )
        path = below(self._folder, name)
        not_through_links(self._folder, path.parent)
        return path

    def keep_in_trash(self, name: str) -> None:
        """Keep a damaged file's content in the folder ``trash``, as far as the disk allows: it is about to go."""
        with suppress(OSError, ProjectError):
            path = self.path(name)
            publish_bytes(place_in_trash(self._folder, path), read_regular(path))

    @staticmethod
    def write(path: Path, content: bytes | None) -> None:
        """Write a file now, or remove it (None), at its `place`."""
        if content is not None:
            publish_bytes(path, content)
        elif path.exists():
            path.unlink()
            sync_folder(path.parent)


def _is(content: bytes | None, digest: str) -> bool:
    """Return True when a file's content is what was decided; where nothing was, anything is."""
    if content is None:
        return not digest
    return not digest or digest_of(content) == digest


def accepted_name(image_id: str) -> str:
    """Return the name of the file of an image's accepted mask."""
    return f"{ACCEPTED}/{image_id}.png"


def draft_name(image_id: str) -> str:
    """Return the name of the file of the last checkpoint of an image's unfinished mask."""
    return f"{DRAFTS}/{image_id}.png"
