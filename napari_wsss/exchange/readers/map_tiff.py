"""Activation maps in TIFF stacks: a page per class."""

import json
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import ClassVar

import numpy as np
import tifffile

from napari_wsss.core.errors import ProjectError
from napari_wsss.core.files import check_regular, parsed_object, texts
from napari_wsss.core.masks import DAMAGED_PICTURE
from napari_wsss.exchange.annotations.annotated import Annotated, RawMaps, Reading
from napari_wsss.exchange.class_lists import read_class_list
from napari_wsss.exchange.readers.base import Reader
from napari_wsss.pixels.images import find_images

_SUFFIXES = (".tif", ".tiff")
_MOST_VALUES = 2**30


class MapTiff(Reader):
    """A file per image; its description may name the classes of its pages (``{"pages": ["cat"]}``)."""

    title = "Maps in TIFF stacks"
    gives: ClassVar[str] = "maps"

    def recognises(self, source: Path, known: Sequence[str] = ()) -> bool:
        """Tell whether a file is a TIFF, or the first picture of a folder."""
        return any(True for _ in _files(source))

    def read(self, source: Path, reading: Reading) -> Iterator[Annotated]:
        """Yield file by file."""
        folder = source if source.is_dir() else source.parent
        reading.declare(list(read_class_list([folder, folder.parent])))
        for path in _files(source):
            name = path.relative_to(folder).with_suffix("").as_posix()
            yield Annotated((name,), path.name, maps=partial(maps_in, path))


def maps_in(path: Path) -> RawMaps:
    """Return the maps of one file; raise `ProjectError` when it holds none."""
    try:
        check_regular(path)
        with tifffile.TiffFile(path) as file:
            shape = file.series[0].shape
            if len(shape) not in (2, 3) or int(np.prod(shape)) > _MOST_VALUES:
                raise ProjectError(f"{path.name} has the shape {shape}; expected a page (H, W) for each class.")
            values = file.series[0].asarray()
            described = file.pages[0].description  # type: ignore[union-attr]
    except (tifffile.TiffFileError, *DAMAGED_PICTURE) as reason:
        raise ProjectError(f"{path.name} cannot be read as TIFF ({reason}).") from reason
    stack = values[None] if values.ndim == 2 else values
    names = _names(described)
    return RawMaps(stack, names if len(names) == len(stack) else None)


def _names(description: str) -> tuple[str, ...]:
    try:
        return texts(parsed_object(description), "pages")
    except (ValueError, json.JSONDecodeError):
        return ()


def _files(source: Path) -> list[Path]:
    if not source.is_dir():
        return [source] if source.suffix.lower() in _SUFFIXES and source.is_file() else []
    return [path for path in find_images(source) if path.suffix.lower() in _SUFFIXES]
