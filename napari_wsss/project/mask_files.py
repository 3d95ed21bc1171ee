"""The files of a project's drafts and accepted masks, decided in the database and written after it.

A decision commits the content it implies together with itself (table ``unsettled``); then the files are written. What
a crash or a full disk leaves unsettled is read from the table and written later.
"""

import threading
from pathlib import Path

from napari_wsss.core.errors import ProjectError
from napari_wsss.core.files import publish_bytes, read_regular, sync_folder
from napari_wsss.core.inside import below, not_through_links
from napari_wsss.project.database import Database

ACCEPTED, DRAFTS = "masks", "drafts"


class MaskFiles:
    """Drafts and accepted masks of one project as bytes.

    Parameters
    ----------
    folder : Path
        The project folder.
    database : Database
        Of the same project.
    """

    def __init__(self, folder: Path, database: Database) -> None:
        self._folder = folder
        self._database = database
        # Two threads that write files must not overtake each other: each writes what is decided when its turn comes.
        self.settling = threading.RLock()

    def accepted_path(self, image_id: str) -> Path:
        """Return where the accepted mask of an image lies (it may not exist)."""
        return below(self._folder / ACCEPTED, f"{image_id}.png")

    def draft_path(self, image_id: str) -> Path:
        """Return where the last checkpoint of an unfinished mask lies (it may not exist)."""
        return below(self._folder / DRAFTS, f"{image_id}.png")

    def content(self, path: Path) -> bytes | None:
        """Return a mask file's bytes as decided, also when the file itself is not written yet."""
        key = self._key(path)
        if key in self._unsettled():
            rows = self._database.rows("SELECT content FROM unsettled WHERE path = ?", (key,))
            if rows:  # else it was settled meanwhile
                found: bytes | None = rows[0][0]
                return found
        try:
            return read_regular(path)
        except (FileNotFoundError, NotADirectoryError):
            return None

    def exists(self, path: Path) -> bool:
        """Tell whether there is such a file, or one is decided."""
        has_content = self._unsettled().get(self._key(path))
        return path.is_file() if has_content is None else has_content

    def _unsettled(self) -> dict[str, bool]:
        """Return the keys of the files that are still to be written, and whether each is to hold anything."""

        def read() -> dict[str, bool]:
            rows = self._database.rows("SELECT path, content IS NOT NULL FROM unsettled")
            return {str(key): bool(has_content) for key, has_content in rows}

        return self._database.remembered("unsettled", read)

    def decide(self, path: Path, content: bytes | None) -> None:
        """Note, in the surrounding transaction, what a file is to hold; None removes it. `settle` writes it."""
        self._database.execute("INSERT OR REPLACE INTO unsettled VALUES (?, ?)", (self._key(path), content))

    def decided_elsewhere(self, path: Path) -> None:
        """Forget, in the surrounding transaction, what a file was to hold: it was written by the caller."""
        self._database.execute("DELETE FROM unsettled WHERE path = ?", (self._key(path),))

    def settle(self) -> int:
        """Write the files that decisions left to be written; return how many still wait (full disk ...)."""
        waiting, written = 0, []
        refused = self.refused()
        with self.settling:
            for key, content in self._database.rows("SELECT path, content FROM unsettled"):
                if key in refused:
                    continue
                try:
                    self.write(self._folder / key, content)
                except OSError:
                    waiting += 1  # the content is safe in the database and read from there; tried again later
                    continue
                written.append((key, content))
            if written:
                with self._database.transaction() as connection:
                    connection.executemany("DELETE FROM unsettled WHERE path = ? AND content IS ?", written)
        return waiting

    def refused(self) -> dict[str, str]:
        """Return the keys of decided files that are none of the project's masks, and why each is not written."""
        found = {}
        for key in self._unsettled():
            try:
                self._checked(key)
            except ProjectError as reason:
                found[key] = str(reason)
        return found

    def _checked(self, key: str) -> None:
        first, _, rest = key.partition("/")
        if first not in (ACCEPTED, DRAFTS) or not rest.endswith(".png"):
            raise ProjectError(
                f"The file {key!r}, which waits to be written or deleted, is no mask or draft of this project; it is "
                "left alone."
            )
        not_through_links(self._folder, below(self._folder, key).parent)

    def write(self, path: Path, content: bytes | None) -> None:
        """Write a file now, or remove it (None); `ProjectError` where a link leads out of the project."""
        not_through_links(self._folder, path.parent)
        if content is not None:
            publish_bytes(path, content)
        elif path.exists():
            path.unlink()
            sync_folder(path.parent)

    def _key(self, path: Path) -> str:
        return path.relative_to(self._folder).as_posix()
