"""Zip archives as other tools export them, unpacked without trust: once, into a folder that ends with this program."""

import shutil
import stat
import tempfile
import zipfile
import zlib
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from napari_wsss.core.errors import LabelError, ProjectError
from napari_wsss.core.files import check_regular
from napari_wsss.core.inside import below, writable
from napari_wsss.exchange.encodings import decode

ZIP = ".zip"
MOST_ENTRIES = 1_000_000
MOST_UNPACKED = 16 * 2**30
"""Bytes of all entries together."""
MOST_RATIO = 200
"""Bytes that come of one packed byte, where they are more than `FREE_BYTES`; deflate can make a thousand of one."""
FREE_BYTES = 2**28
PHOTOGRAPHS = frozenset({".jpg", ".jpeg", ".jfif", ".webp", ".heic", ".avi", ".mov", ".mp4", ".mkv"})
"""Left in the archive: pictures that lost something hold no masks, and the project has its own photographs."""
_ROOMS = frozenset({"annotations", "images", "imagesets", "labels", "masks", "segmentationclass"})
"""Folders that mean something where they lie; any other one that holds all the rest is a mere wrapping."""
_UTF8 = 0x800
_ENCRYPTED = 0x1
_CHUNK = 2**20
_DAMAGE = (OSError, ValueError, EOFError, zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError)

_unpacked: dict[tuple[Path, int, int], tempfile.TemporaryDirectory[str]] = {}


def is_zip(source: Path) -> bool:
    """Tell whether a source is called like an archive, and is a file."""
    return source.suffix.lower() == ZIP and source.is_file()


def unpacked(source: Path) -> Path:
    """Return the folder with the content of a zip archive; a source that is none as it is.

    The folder is called like the archive, so that messages name what a person chose. It is made once for each content
    and stays until the program ends: masks are read from it when they are taken, not when they are found.

    Raises
    ------
    LabelError
        When the archive is damaged or encrypted, names a file outside of its folder, or would become too large.
    """
    if not is_zip(source):
        return source
    facts = source.stat()
    key = (source.resolve(), facts.st_mtime_ns, facts.st_size)
    if key not in _unpacked:
        room = tempfile.TemporaryDirectory(prefix="napari-wsss-", ignore_cleanup_errors=True)
        try:
            _unpack(source, Path(room.name) / source.name)
        except BaseException:  # an interruption, too: what is unpacked in part is of no use
            room.cleanup()
            raise
        _unpacked[key] = room
    return _without_wrapping(Path(_unpacked[key].name) / source.name)


def archive_in(folder: Path) -> Path | None:
    """Return the archive of a folder that holds one (as *CVAT segmentation masks* are written); None for other ones."""
    found = [path for path in folder.glob("*") if is_zip(path)] if folder.is_dir() else []
    return found[0] if len(found) == 1 else None


def names_in(source: Path) -> tuple[str, ...]:
    """Return the paths of the files in an archive without unpacking it; none where it cannot be read."""
    try:
        check_regular(source)
        with zipfile.ZipFile(source) as archive:
            return tuple(path for path, _ in _wanted(archive, source.name))
    except (*_DAMAGE, LabelError):
        return ()


def _unpack(source: Path, folder: Path) -> None:
    try:
        check_regular(source)
        with zipfile.ZipFile(source) as archive:
            wanted = _wanted(archive, source.name)
            _check_sizes([one for _, one in wanted], source)
            folder.mkdir()
            for path, entry in wanted:
                _write(archive, entry, below(folder, path))
    except ProjectError as reason:  # a path that leads elsewhere
        raise LabelError(f"{source.name} is not unpacked: {reason}") from reason
    except _DAMAGE as reason:
        raise LabelError(f"The archive {source.name} cannot be read ({reason}); export it again.") from reason


def _wanted(archive: zipfile.ZipFile, name: str) -> list[tuple[str, zipfile.ZipInfo]]:
    """Return path and entry of the files that can hold annotations."""
    entries = archive.infolist()
    if len(entries) > MOST_ENTRIES:
        raise LabelError(f"{name} has {len(entries)} entries, more than the {MOST_ENTRIES} expected. Divide it.")
    found = []
    for path, entry in zip(_paths(entries), entries, strict=True):
        parts = PurePosixPath(path).parts
        hidden = any(part.startswith(".") and part != ".." for part in parts) or "__MACOSX" in parts
        # A link's content is where it leads to: no annotation, and nobody follows it here.
        link = stat.S_ISLNK(entry.external_attr >> 16)
        if not (entry.is_dir() or hidden or link or PurePosixPath(path).suffix.lower() in PHOTOGRAPHS):
            found.append((path, entry))
    return found


def _paths(entries: Sequence[zipfile.ZipInfo]) -> list[str]:
    """Return the entries' names; those of old programs, which do not say their encoding, are read as label files are.

    Python takes such names for code page 437, which holds every byte.
    """
    old = [entry.filename for entry in entries if not entry.flag_bits & _UTF8 and not entry.filename.isascii()]
    if not old:
        return [entry.filename for entry in entries]
    text, _ = decode("\n".join(old).encode("cp437", errors="replace"), "names")
    meant = dict(zip(old, text.split("\n"), strict=False))
    return [
        entry.filename if entry.flag_bits & _UTF8 else meant.get(entry.filename, entry.filename) for entry in entries
    ]


def _check_sizes(entries: Sequence[zipfile.ZipInfo], source: Path) -> None:
    """Raise `LabelError` where an archive says it would become larger than anything that a person exports."""
    if any(entry.flag_bits & _ENCRYPTED for entry in entries):
        raise LabelError(f"{source.name} is encrypted; unpack it yourself and choose the folder.")
    total, packed = sum(entry.file_size for entry in entries), source.stat().st_size
    if total > MOST_UNPACKED or (total > FREE_BYTES and total > MOST_RATIO * packed):
        raise LabelError(
            f"{source.name} has {packed} bytes and would become {total}: more than {MOST_UNPACKED} in all, or than "
            f"{MOST_RATIO} for one. If it is meant so, unpack it yourself and choose the folder."
        )
    free = shutil.disk_usage(tempfile.gettempdir()).free
    if total > free:
        raise LabelError(
            f"{source.name} would become {total} bytes, and {tempfile.gettempdir()} has room for {free}. Make room "
            "there, or unpack it elsewhere and choose the folder."
        )


def _write(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, target: Path) -> None:
    """Write one entry as a new plain file; never more than it said."""
    target.parent.mkdir(parents=True, exist_ok=True)
    left = entry.file_size
    with archive.open(entry) as packed, target.open("xb") as file:
        while part := packed.read(_CHUNK):
            left -= len(part)
            if left < 0:
                raise ValueError(f"{writable(entry.filename)} is longer than it says")
            file.write(part)


def _without_wrapping(folder: Path) -> Path:
    """Return the folder that holds the export, where an archive has nothing but that one."""
    inside = list(folder.iterdir())
    if len(inside) == 1 and inside[0].is_dir() and inside[0].name.casefold() not in _ROOMS:
        return inside[0]
    return folder
