"""Activation maps in TIFF stacks: a page per class."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import ClassVar

import numpy as np
import tifffile

from napari_wsss.core.errors import ProjectError
from napari_wsss.core.files import check_regular, parsed_object, texts
from napari_wsss.core.masks import DAMAGED_PICTURE
from napari_wsss.exchange.annotations.annotated import RawMaps
from napari_wsss.exchange.readers.base import MapFiles
from napari_wsss.pixels.images import find_images

_MOST_VALUES = 2**30


class MapTiff(MapFiles):
    """A file per image; its description may name the classes of its pages (``{"pages": ["cat"]}``)."""

    title = "Maps in TIFF stacks"
    gives: ClassVar[str] = "maps"
    suffixes = (".tif", ".tiff")

    def files_in(self, folder: Path) -> Iterable[Path]:
        """Return the files below a folder that may hold maps."""
        return find_images(folder)

    def maps_in(self, path: Path) -> RawMaps:
        """Return the maps of one file (see the function of this name)."""
        return maps_in(path)


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
