"""The folder an export writes into: only what changed is written, and nothing of anybody else is written over.

The data card of an earlier export says which files are the export's own; while it is not whole, a file that marks the
folder lists them. What is not among them, or was changed since by another program, ends the export untouched.
"""

import hashlib
import io
import os
import secrets
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Literal, get_args

from napari_wsss.core.errors import ProjectError
from napari_wsss.core.files import publish, publish_bytes, read_regular
from napari_wsss.core.inside import below, is_link, not_through_links

Images = Literal["none", "link", "copy"]
IMAGES: tuple[Images, ...] = get_args(Images)
UNFINISHED = "EXPORT-NOT-FINISHED.txt"
UNFINISHED_TEXT = "This export is still running, or broke off: masks are missing. The same command again goes on.\n"
LINK = "link"
"""What stands in place of a digest for a linked image."""
_BLOCK = 2**20
_IN_MEMORY = 2**26


class ForeignFileError(ProjectError):
    """A file that no earlier export made, or that was changed since, is in the way."""


@dataclass
class ExportFolder:
    """Puts files into a folder and counts what became of them.

    Parameters
    ----------
    root : Path
        Made where missing.
    known : mapping of str to str
        Path below the folder -> SHA-256 of what the earlier export wrote there.
    images : 'none', 'link' or 'copy'
        What becomes of the image files.
    overwrite : bool
        Replace files that are not the earlier export's, too.
    dry_run : bool
        Look and count, write nothing.

    Attributes
    ----------
    files : dict of str to str
        Path -> SHA-256 of everything this export consists of (`LINK` for linked images).
    went_on : bool
        Whether an export into the folder broke off before.
    new, replaced, kept, removed : int
        Files that were not there, had another content, had the same, and are no part of the export any more.
    """

    root: Path
    known: Mapping[str, str] = field(default_factory=dict)
    images: Images = "none"
    overwrite: bool = False
    dry_run: bool = False
    files: dict[str, str] = field(default_factory=dict)
    new: int = 0
    replaced: int = 0
    kept: int = 0
    removed: int = 0

    def __post_init__(self) -> None:
        self._own = {(path, digest) for path, digest in self.known.items()}
        self._mark: IO[bytes] | None = None
        self.went_on = (self.root / UNFINISHED).is_file()
        if self.went_on:
            self._own |= _listed(self.root / UNFINISHED)

    def close(self, whole: bool) -> None:
        """End the writing; a folder that is not `whole` stays marked, if anything was written."""
        if self._mark is not None:
            self._mark.close()
            self._mark = None
        if whole and not self.dry_run:
            (self.root / UNFINISHED).unlink(missing_ok=True)

    def _note(self, path: str, digest: str) -> None:
        """List a file in the mark before it is written, so that an export that broke off knows its own."""
        if self._mark is None:
            mark = self.root / UNFINISHED
            if not self.went_on:
                publish_bytes(mark, UNFINISHED_TEXT.encode())
            self._mark = mark.open("ab", buffering=0)
        self._mark.write(f"{digest} {path}\n".encode())

    def put(self, path: str, content: bytes | IO[bytes]) -> None:
        """Make `content` a file of the export, published atomically; a file that holds just this is left alone.

        Parameters
        ----------
        path : str
            Posix path below the folder.
        content : bytes or binary file
            A file is read from its start.

        Raises
        ------
        ProjectError
            When the path would leave the folder, or another program's file is there.
        """
        file = io.BytesIO(content) if isinstance(content, bytes) else content
        target, digest = self._target(path), _digest(file)
        if path in self.files:
            if self.files[path] != digest:
                raise ProjectError(f"Two formats both write {path}; export them into folders of their own.")
            return
        there = digest_of(target)
        if there == digest:
            self.kept += 1
        else:
            self._replace(path, there)
            if not self.dry_run:
                self._note(path, digest)
                with publish(target) as written:
                    shutil.copyfileobj(file, written, _BLOCK)
        self.files[path] = digest

    def put_image(self, path: str, source: Path) -> bool:
        """Link or copy an image file, or leave it out; return whether it is (or would be) there.

        Raises
        ------
        ProjectError
            As `put`; and when the system makes no links here.
        """
        if self.images == "none":
            return False
        if self.images == "copy":
            with source.open("rb") as file:
                self.put(path, file)
            return True
        target = below(self.root, path)
        not_through_links(self.root, target.parent)
        if target.exists() and target.samefile(source):
            self.kept += 1
        else:
            self._replace(path, LINK if is_link(target) else digest_of(target))
            if not self.dry_run:
                self._note(path, LINK)
                _link(source, target)
        self.files[path] = LINK
        return True

    def remove_rest(self) -> None:
        """Delete what the earlier export wrote and this one did not, as far as nobody has changed it since."""
        for path, digest in self.known.items():
            if path in self.files:
                continue
            target = self._target(path) if digest != LINK else below(self.root, path)
            if is_link(target) if digest == LINK else digest_of(target) == digest:
                self.removed += 1
                if not self.dry_run:
                    target.unlink(missing_ok=True)
                    self._tidy(target.parent)

    def _tidy(self, folder: Path) -> None:
        """Take away a folder that a removed file left empty, and those above it."""
        while folder != self.root and not any(folder.iterdir()):
            folder.rmdir()
            folder = folder.parent

    def _target(self, path: str) -> Path:
        return not_through_links(self.root, below(self.root, path))

    def _replace(self, path: str, there: str) -> None:
        """Count a file that is about to be written, where `there` is the digest of what it replaces, "" for nothing."""
        if there and not self.overwrite and (path, there) not in self._own:
            changed = any(own == path for own, _ in self._own)
            what = "was changed since it was exported" if changed else "is there already, and no earlier export made it"
            raise ForeignFileError(f"{self.root / path} {what}. Choose another folder, or allow overwriting.")
        self.replaced += bool(there)
        self.new += not there


def _listed(mark: Path) -> set[tuple[str, str]]:
    """Return path and digest of every file that an export which broke off had begun to write."""
    lines = read_regular(mark).decode(errors="replace").splitlines()[1:]
    return {(path, digest) for digest, _, path in (line.partition(" ") for line in lines)}


def digest_of(path: Path) -> str:
    """Return the SHA-256 of a file, "" where there is none."""
    if not path.is_file():
        return ""
    with path.open("rb") as file:
        return _digest(file)


def scratch() -> IO[bytes]:
    """Return a file to write something large into before it is `put`: in memory while it is small."""
    return tempfile.SpooledTemporaryFile(_IN_MEMORY)


def _digest(file: IO[bytes]) -> str:
    """Return the SHA-256 of a whole file, and go back to its start."""
    file.seek(0)
    digest = hashlib.sha256()
    while block := file.read(_BLOCK):
        digest.update(block)
    file.seek(0)
    return digest.hexdigest()


def _link(source: Path, target: Path) -> None:
    """Publish a symbolic link, a second name of the file where the system refuses those."""
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_name(f".{secrets.token_hex(8)}.tmp")
    source = Path(os.path.abspath(source))
    try:
        try:
            temporary.symlink_to(source)
        except OSError:  # Windows without the right to
            os.link(source, temporary)
        os.replace(temporary, target)
    except OSError as reason:
        raise ProjectError(
            f"{target} cannot be made a link to {source} ({reason.strerror}); copy the images."
        ) from reason
    finally:
        temporary.unlink(missing_ok=True)
