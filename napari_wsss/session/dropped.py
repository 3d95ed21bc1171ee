"""What dropped files and folders are to us: a project, photographs, or labels or masks of any tool."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path, PurePosixPath
from typing import Literal

from napari_wsss.core.errors import WsssError
from napari_wsss.core.files import array_header
from napari_wsss.exchange.annotations.plain_zip import is_zip, names_in
from napari_wsss.exchange.labels_voc import MASKS
from napari_wsss.exchange.reading import reader_of, recognised
from napari_wsss.pixels.images import find_images, is_image_name
from napari_wsss.project.project import FILE_NAME

Kind = Literal["project", "images", "labels", "masks", "unsure"]
TABLES = frozenset({".csv", ".tsv"})
"""Endings of label tables; other files of text may be anybody's."""
ANNOTATIONS = frozenset({".json", ".xml", *TABLES})
"""Endings of what says labels in an archive."""
ARRAYS = frozenset({".npy", ".npz"})
MOST_ENTRIES = 10_000
"""Of a folder that are looked through for arrays."""
_FLAT = 2
FEWEST_FILES = 2
"""One picture alone is a picture to look at, not a data set."""


@dataclass(frozen=True)
class Dropped:
    """One find.

    Parameters
    ----------
    kind : str
        ``project``, ``images`` (a folder of photographs), ``labels`` (a label table, or annotations of another tool),
        ``masks`` (of a tool whose files say so), either of the last two also in a zip archive; ``unsure`` (a folder of
        arrays, an archive of pictures or arrays: ours if a project is open whose images are called so).
    path : Path
    """

    kind: Kind
    path: Path


def what_is(paths: Sequence[Path]) -> Dropped | None:
    """Return what some dropped paths are to us, None where they are not ours.

    Several files of one folder stand for that folder; of several folders, the one that holds them all.
    """
    if not paths:
        return None
    if len(paths) == 1:
        return _one(paths[0])
    if all(path.is_dir() for path in paths):
        return Dropped("images", _around(paths)) if any(map(_holds_pictures, paths)) else None
    pictures = [path for path in paths if is_image_name(path.name) and path.is_file()]
    return Dropped("images", _around(pictures)) if len(pictures) >= FEWEST_FILES else None


def _one(path: Path) -> Dropped | None:
    if path.name == FILE_NAME and path.is_file():
        return Dropped("project", path.parent)
    if path.is_dir():
        if (path / FILE_NAME).is_file():
            return Dropped("project", path)
        return Dropped("images", path) if _holds_pictures(path) else _of_a_tool(path) or _of_arrays(path)
    return Dropped("labels", path) if path.suffix.lower() in TABLES and path.is_file() else _of_a_tool(path)


def _of_a_tool(path: Path) -> Dropped | None:
    """Return what annotations are; pictures and arrays that anything may be in are left to napari."""
    if not path.exists():
        return None
    if is_zip(path):
        return _packed(path)
    if recognised(path, "labels"):
        return Dropped("labels", path)
    found = recognised(path, "masks")
    return Dropped("masks", path) if found and not reader_of(found).fallback else None


def _of_arrays(folder: Path) -> Dropped | None:
    try:
        return Dropped("unsure", folder) if any(True for _ in _arrays(folder)) else None
    except OSError:
        return None


def _arrays(folder: Path) -> Iterator[Path]:
    found = islice(folder.rglob("*"), MOST_ENTRIES)
    return (path for path in found if path.suffix.lower() in ARRAYS and not path.name.startswith("."))


def entries_of(found: Dropped) -> Iterator[str]:
    """Yield the names, without suffix, of what may be masks or maps in a find; in natural order where it is cheap."""
    if found.path.is_dir():
        paths = find_images(found.path) if found.kind == "images" else _arrays(found.path)
        names = (path.relative_to(found.path).as_posix() for path in paths)
    else:
        names = (name for name in names_in(found.path) if is_image_name(name) or _is_array(name))
    return (name.rpartition(".")[0].removesuffix(".ome") for name in names)


def holds_maps(found: Dropped) -> bool:
    """Tell whether the arrays of a find look like activation maps: archives, dictionaries, floats of several planes."""
    if not found.path.is_dir():
        return any(name.lower().endswith(".npz") for name in names_in(found.path))
    first = next(_arrays(found.path), None)
    if first is None or first.suffix.lower() == ".npz":
        return first is not None
    try:
        with first.open("rb") as file:
            shape, _, kind = array_header(file)
    except (OSError, ValueError, EOFError):
        return False
    return kind.hasobject or (len(shape) > _FLAT and kind.kind == "f")


def _is_array(name: str) -> bool:
    return PurePosixPath(name).suffix.lower() in ARRAYS


def _packed(path: Path) -> Dropped | None:
    """Return what an archive seems to hold by the names in it: unpacking is left to where somebody waits for it."""
    names = [PurePosixPath(name) for name in names_in(path)]
    if any(part in MASKS for name in names for part in name.parts[:-1]):
        return Dropped("masks", path)
    if any(name.suffix.lower() in ANNOTATIONS for name in names):
        return Dropped("labels", path)
    return Dropped("unsure", path) if any(is_image_name(name.name) or _is_array(name.name) for name in names) else None


def _holds_pictures(folder: Path) -> bool:
    try:
        return any(True for _ in islice(find_images(folder), 1))
    except (OSError, WsssError):
        return False


def _around(paths: Sequence[Path]) -> Path:
    return Path(os.path.commonpath([path.parent for path in paths]))
