"""Cellpose: ``x_seg.npy`` of its window, and pictures ``x_cp_masks`` of its command; values count objects."""

from collections.abc import Iterator, Sequence
from functools import lru_cache, partial
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from napari_wsss.core.errors import LabelError, ProjectError
from napari_wsss.exchange.annotations.annotated import Annotated, Picture, Reading
from napari_wsss.exchange.annotations.plain_arrays import pages_of, read_records
from napari_wsss.exchange.mask_values import MASK_SUFFIXES, whole_values
from napari_wsss.exchange.readers.base import Reader
from napari_wsss.exchange.readers.pictures import MOST_OBJECTS, called, flat, pages_in, values_of

_SEG, _PICTURES = "_seg.npy", "_cp_masks"


class Cellpose(Reader):
    """A file or a folder; the objects get the only label of their image, those of a stack of each page."""

    title = "Cellpose"
    gives: ClassVar[str] = "masks"

    def recognises(self, source: Path, known: Sequence[str] = ()) -> bool:
        """Tell whether a file, or one of a folder, is named as Cellpose names them."""
        return any(True for _ in _files(source))

    def read(self, source: Path, reading: Reading) -> Iterator[Annotated]:
        """Yield file by file."""
        folder = source if source.is_dir() else source.parent
        for path in _files(source):
            place = path.relative_to(folder)
            is_seg = path.name.endswith(_SEG)
            stem = path.name.removesuffix(_SEG) if is_seg else path.stem.removesuffix(_PICTURES)
            names = (place.with_name(stem).as_posix(),)
            reader = objects_in if is_seg else values_of
            pages = called(_pages(path), place.as_posix()) if is_seg else pages_in(path, place.as_posix())
            for page, entry in pages:
                picture = Picture(partial(reader, path, page=page), instances=True)
                yield Annotated(names, entry, picture=picture, page=page)


def objects_in(path: Path, page: int = 0) -> NDArray[Any]:
    """Return the entry ``masks`` (H, W) of a ``_seg.npy``, or one plane (from 1) of a stack's.

    Raises
    ------
    ProjectError
        When there is none, or it holds no whole numbers.
    """
    try:
        facts = path.stat()
        masks = _masks(path, facts.st_mtime_ns, facts.st_size)
    except (LabelError, OSError) as reason:
        raise ProjectError(str(reason)) from reason
    if not isinstance(masks, np.ndarray):
        raise ProjectError(f"{path.name} has no array 'masks'; expected a file of Cellpose's window.")
    one = masks.reshape([side for side in masks.shape if side != 1])[page - 1] if page else masks
    return whole_values(flat(one, path.name), path.name, MOST_OBJECTS)


@lru_cache(maxsize=1)
def _masks(path: Path, changed: int, size: int) -> Any:
    """Return what a file calls masks; kept until the next file is read, as a stack's are asked for one by one."""
    return read_records(path).get("masks")


def _pages(path: Path) -> int:
    """Return how many planes the masks of a ``_seg.npy`` have, 0 of those of one picture, and where there are none."""
    try:
        facts = path.stat()
        masks = _masks(path, facts.st_mtime_ns, facts.st_size)
    except (LabelError, OSError):
        return 0
    return pages_of(masks.shape) if isinstance(masks, np.ndarray) else 0


def _files(source: Path) -> list[Path]:
    if not source.is_dir():
        return [source] if source.is_file() and _is_ours(source) else []
    return sorted(path for path in source.rglob("*_*") if path.is_file() and _is_ours(path))


def _is_ours(path: Path) -> bool:
    is_picture = path.suffix.lower() in MASK_SUFFIXES and path.stem.endswith(_PICTURES)
    return path.name.endswith(_SEG) or is_picture
