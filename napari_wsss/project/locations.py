"""Where the images are: found again when folders move, and noticed when a file was replaced."""

import os
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path

from napari_wsss.core.errors import ProjectError
from napari_wsss.core.inside import below
from napari_wsss.pixels.decoding.stacks import file_and_page, is_there
from napari_wsss.pixels.images import content_hash, find_images
from napari_wsss.project.catalog import Catalog
from napari_wsss.project.database import Database
from napari_wsss.project.records import ImageRecord

SAMPLE = 8
NEARBY_FOLDERS = 200
_LEAVING = (
    "path LIKE '/%' OR path = '..' OR path LIKE '../%' OR path LIKE '%/..' OR path LIKE '%/../%' "
    "OR instr(path, char(92)) OR instr(path, char(0))"
)
"""Which stored paths are none below a folder, as `core.inside.below` finds one by one."""


class ImageLocations:
    """Paths and content hashes of the images of one project.

    The image folder is stored absolutely and relative to the project folder; an image by its path below the
    image folder, with file size and SHA-256 once it was read.
    """

    def __init__(self, folder: Path, database: Database, catalog: Catalog) -> None:
        self._folder = folder
        self._database = database
        self._catalog = catalog
        self._fresh: dict[str, tuple[int, int, str]] = {}
        self.root = self._find_root()

    def path(self, image_id: str, record: ImageRecord | None = None) -> Path:
        """Return where an image file lies (it may be missing); `ProjectError` when it would be outside the folder.

        `record` is the image's, where the caller has asked the catalog already.
        """
        return below(self.root, str(self._row(image_id)[0]) if record is None else record.path)

    def _row(self, image_id: str) -> tuple[str, int, int, str]:
        number = self._catalog.number(image_id)
        row = self._database.rows(
            "SELECT path, file_mtime, file_size, content_hash FROM images WHERE number = ?", (number,)
        )[0]
        return row[0], row[1], row[2], row[3]

    def hash(self, image_id: str, record: ImageRecord | None = None) -> str:
        """Return the SHA-256 of an image file, read again only when its time or size changed.

        A content that differs from the recorded one marks the image as replaced.

        Parameters
        ----------
        image_id : str
        record : ImageRecord, optional
            The image's, where the caller has asked the catalog already; one that is out of date is asked for again.

        Raises
        ------
        ProjectError
            When the file is missing or cannot be read.
        """
        if record is not None and record.content_hash:
            with suppress(OSError):
                facts = file_and_page(below(self.root, record.path))[0].stat()
                if (facts.st_mtime_ns, facts.st_size) == (record.file_mtime, record.file_size):
                    return record.content_hash
        before = self._fresh.get(image_id)
        _, found, record_it = self.look(image_id)
        # What a full disk refused once is not tried again at every look.
        if record_it is not None and self._fresh.get(image_id) is not before and not self._database.read_only:
            record_it()
        return found

    def look(self, image_id: str) -> tuple[Path, str, Callable[[], None] | None]:
        """Return an image file, its SHA-256, and what records that, None where it is recorded; errors as of `hash`."""
        relative, mtime, size, known = self._row(image_id)
        path = below(self.root, relative)
        try:
            stat = path.stat()
        except OSError:
            try:
                stat = file_and_page(path)[0].stat()  # a plane of a stack lies in its file
            except OSError:
                return path, content_hash(path), None  # raises the message for a person
        if known and (stat.st_mtime_ns, stat.st_size) == (mtime, size):
            return path, known, None
        fresh = self._fresh.get(image_id)
        if fresh is None or fresh[:2] != (stat.st_mtime_ns, stat.st_size):
            fresh = self._fresh[image_id] = (stat.st_mtime_ns, stat.st_size, content_hash(path))
        return path, fresh[2], partial(self._record, image_id)

    def was_replaced(self, image_id: str) -> bool:
        """Tell whether an image file has another content than when a mask of it was accepted last.

        False while its content was never recorded, and for a file that cannot be read.
        """
        known = self._row(image_id)[3]
        try:
            changed = bool(known) and self.hash(image_id) != known
        except ProjectError:
            changed = False
        return changed or self._catalog.get(image_id).replaced

    def _record(self, image_id: str) -> None:
        fresh = self._fresh.get(image_id)
        if fresh is None:  # another thread has recorded it
            return
        mtime, size, found = fresh
        self._database.execute(
            "UPDATE images SET replaced = replaced OR (content_hash NOT IN ('', ?)), content_hash = ?, "
            "file_mtime = ?, file_size = ? WHERE id = ?",
            (found, found, mtime, size, image_id),
        )
        self._fresh.pop(image_id, None)

    def complaints(self) -> Iterator[str]:
        """Yield what is wrong with where the images are said to be, as sentences."""
        lacking = sorted({"images_root", "images_root_relative"} - self._stored().keys())
        if lacking:
            yield (
                f"The project does not say where its images are ({' and '.join(lacking)} is missing); looked for in "
                f"{self.root}. Name their folder: napari-wsss locate-images --project {self._folder} --images FOLDER."
            )
        rows = self._database.rows(f"SELECT path FROM images WHERE {_LEAVING} LIMIT {SAMPLE}")
        if rows:
            names = ", ".join(repr(path) for (path,) in rows)
            yield f"Images that are said to lie outside the image folder are never read: {names}."

    # -- finding again ------------------------------------------------------------------------------------

    def _find_root(self) -> Path:
        stored = self._stored()
        told = stored.get("images_root"), self._folder / stored.get("images_root_relative", "images")
        relative = Path(os.path.normpath(told[1]))
        absolute = Path(told[0] or relative)
        samples = self._samples()

        def fitting(root: Path) -> int:
            return sum(_fits(root, path, size) for path, size in samples)

        # Beside the project first: a copy of project and images together must not fall back to the originals.
        known = [relative, absolute]
        best = max(known, key=fitting)
        if samples and not fitting(best):
            best = max(_nearby(self._folder, absolute.name), key=fitting, default=best)
        found = fitting(best) > 0 or (not samples and best.is_dir())
        return self._remember(best, stored) if found else absolute

    def _stored(self) -> dict[str, str]:
        stored: dict[str, str] = dict(self._database.rows("SELECT key, value FROM meta WHERE key LIKE 'images_root%'"))
        return stored

    def _samples(self) -> list[tuple[str, int]]:
        count = len(self._catalog)
        numbers = sorted({1 + round(i * (count - 1) / max(1, SAMPLE - 1)) for i in range(SAMPLE)}) if count else []
        marks = ", ".join("?" * len(numbers))
        rows = self._database.rows(f"SELECT path, file_size FROM images WHERE number IN ({marks})", numbers)
        return [(str(path), int(size)) for path, size in rows]

    def _remember(self, root: Path, stored: dict[str, str]) -> Path:
        wanted = root_entries(root, self._folder)
        if not self._database.read_only and wanted != stored:
            with self._database.transaction() as connection:
                connection.executemany("INSERT OR REPLACE INTO meta VALUES (?, ?)", list(wanted.items()))
        return root

    def locate(self, root: Path | None = None) -> tuple[str, ...]:
        """Look for missing images below `root` by relative path, then by content; return the ids still missing.

        Parameters
        ----------
        root : Path, optional
            The folder that holds the images now; becomes the image folder. Without it the present one is searched.

        Raises
        ------
        ProjectError
            When `root` is no folder, or none of the images is below it; the image folder then stays what it was.
        """
        before = self.root
        if root is not None:
            self.root = Path(os.path.abspath(root))
        missing = {row[0]: row for row in self._missing()}
        try:
            if missing:
                self._match(missing)
            if root is not None and len(missing) == len(self._catalog) > 0:
                raise ProjectError(
                    f"None of the project's {len(missing)} images is below {root}. Name the folder that holds them, so "
                    f"that for example {next(iter(missing))} lies in it."
                )
        except ProjectError:
            self.root = before
            raise
        if root is not None:
            self._remember(self.root, self._stored())
        return tuple(missing)

    def _missing(self) -> Iterator[tuple[str, int, str]]:
        for record in self._catalog.records():
            if not _is_there(self.root, record.path):
                size = self._database.value("SELECT file_size FROM images WHERE id = ?", (record.id,))
                yield record.id, int(size), record.content_hash

    def _match(self, missing: dict[str, tuple[str, int, str]]) -> None:
        """Take matched images out of `missing`: same size and content, or the only file of that name."""
        by_size, by_name = self._unused_files()
        for image_id, size, known in list(missing.values()):
            if file_and_page(Path(image_id))[1] is not None:
                self._match_plane(image_id, [path for path in by_size[size] if known], known, missing)
                continue
            if known:
                found = next((path for path in by_size[size] if content_hash(path) == known), None)
            else:
                named = by_name[Path(image_id).name]
                found = named[0] if len(named) == 1 else None
            if found is not None:
                by_size[found.stat().st_size].remove(found)
                path = found.relative_to(self.root).as_posix()
                self._database.execute("UPDATE images SET path = ? WHERE id = ?", (path, image_id))
                del missing[image_id]

    def _match_plane(
        self, image_id: str, files: list[Path], known: str, missing: dict[str, tuple[str, int, str]]
    ) -> None:
        """Take a plane out of `missing` where one of `files`, which other planes need as well, is its stack."""
        name = Path(image_id).name
        found = next((path / name for path in files if content_hash(path / name) == known), None)
        if found is not None:
            path = found.relative_to(self.root).as_posix()
            self._database.execute("UPDATE images SET path = ? WHERE id = ?", (path, image_id))
            del missing[image_id]

    def _unused_files(self) -> tuple[defaultdict[int, list[Path]], defaultdict[str, list[Path]]]:
        by_size: defaultdict[int, list[Path]] = defaultdict(list)
        by_name: defaultdict[str, list[Path]] = defaultdict(list)
        for path in find_images(self.root):
            relative = path.relative_to(self.root).as_posix()
            if not self._database.rows("SELECT 1 FROM images WHERE path = ? LIMIT 1", (relative,)):
                by_size[path.stat().st_size].append(path)
                by_name[path.name].append(path)
        return by_size, by_name


def root_entries(root: Path, folder: Path) -> dict[str, str]:
    """Return how an image folder is stored: absolute, and relative to the project folder where that exists."""
    absolute = Path(os.path.abspath(root))
    try:
        relative = Path(os.path.relpath(absolute, folder)).as_posix()
    except ValueError:  # another drive
        relative = absolute.as_posix()
    return {"images_root": absolute.as_posix(), "images_root_relative": relative}


def _fits(root: Path, stored: str, size: int) -> bool:
    try:
        path = file_and_page(below(root, stored))[0]
        return is_there(path) and size in (-1, path.stat().st_size)
    except (OSError, ProjectError):
        return False


def _is_there(root: Path, stored: str) -> bool:
    try:
        return is_there(below(root, stored))
    except ProjectError:
        return False


def _nearby(folder: Path, name: str) -> Iterable[Path]:
    """Yield folders near the project that may be the image folder, those of the same name first."""
    places = [folder, folder.parent, folder.parent.parent]
    yield from (place / name for place in places)
    for place in places:
        yield place
        try:
            inside = sorted(path for path in place.iterdir() if path.is_dir())
        except OSError:
            continue
        yield from inside[:NEARBY_FOLDERS]
