"""What dropped files and folders are to us: a project, photographs, or labels or masks of any tool."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path, PurePosixPath
from typing import Literal

from napari_wsss.core.errors import WsssError
from napari_wsss.exchange.annotations.plain_zip import is_zip, names_in
from napari_wsss.exchange.labels_voc import MASKS
from napari_wsss.exchange.reading import reader_of, recognised
from napari_wsss.pixels.images import find_images, is_image_name
from napari_wsss.project.project import FILE_NAME

Kind = Literal["project", "images", "labels", "masks"]
TABLES = frozenset({".csv", ".tsv"})
"""Endings of label tables; other files of text may be anybody's."""
ANNOTATIONS = frozenset({".json", ".xml", *TABLES})
"""Endings of what says labels in an archive."""
FEWEST_FILES = 2
"""One picture alone is a picture to look at, not a data set."""


@dataclass(frozen=True)
class Dropped:
    """One find.

    Parameters
    ----------
    kind : str
        ``project``, ``images`` (a folder of photographs), ``labels`` (a label table, or annotations of another tool),
        ``masks`` (of a tool whose files say so); either of the last two also in a zip archive.
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
        return Dropped("images", path) if _holds_pictures(path) else _of_a_tool(path)
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


def _packed(path: Path) -> Dropped | None:
    """Return what an archive seems to hold by the names in it: unpacking is left to where somebody waits for it."""
    names = [PurePosixPath(name) for name in names_in(path)]
    if any(part in MASKS for name in names for part in name.parts[:-1]):
        return Dropped("masks", path)
    return Dropped("labels", path) if any(name.suffix.lower() in ANNOTATIONS for name in names) else None


def _holds_pictures(folder: Path) -> bool:
    try:
        return any(True for _ in islice(find_images(folder), 1))
    except (OSError, WsssError):
        return False


def _around(paths: Sequence[Path]) -> Path:
    return Path(os.path.commonpath([path.parent for path in paths]))
