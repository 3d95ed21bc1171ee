"""OME-Zarr pictures that are larger than the memory, read by the window: only chunks that it touches are unpacked."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_wsss.core.errors import ProjectError
from napari_wsss.core.masks import DAMAGED_PICTURE
from napari_wsss.pixels.decoding.ome_zarr import Facts, is_store
from napari_wsss.pixels.decoding.stack import CHANNEL
from napari_wsss.pixels.large_tiff import Tag


class LargeZarr:
    """The first plane of a folder, read by the window; a context manager.

    Parameters
    ----------
    path : Path

    Attributes
    ----------
    size : (int, int)
        (height, width) in pixels.
    tags : list
        Nothing: it does not say where it lies on the earth.

    Raises
    ------
    ProjectError
        When it is none, zarr is not installed, or its values are not of 8 bits: each window of a deep picture would be
        scaled by itself.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self.tags: list[Tag] = []
        try:
            facts = Facts.of(path)
            self._array, self.size = facts.array(), facts.size
        except ProjectError as reason:
            raise _unreadable(path, reason) from reason
        except DAMAGED_PICTURE as reason:
            raise _unreadable(path, reason) from reason
        if self._array.dtype != np.uint8:
            raise _unreadable(path, f"its values are {self._array.dtype}; expected 8 bits")
        colours = range(3) if facts.bands.colour == 3 else range(1)
        self._places = [tuple(colour if axis == CHANNEL else 0 for axis, _ in facts.leading) for colour in colours]

    def __enter__(self) -> LargeZarr:
        return self

    def __exit__(self, *error: Any) -> None:
        pass

    def read(self, rows: slice, columns: slice) -> NDArray[np.uint8]:
        """Return the pixels (h, w, 3) uint8 RGB of a window, a single channel as grey.

        Raises
        ------
        ProjectError
            When a chunk is damaged.
        """
        try:
            found = [np.asarray(self._array[(*place, rows, columns)]) for place in self._places]
        except DAMAGED_PICTURE as reason:
            raise _unreadable(self._path, reason) from reason
        return np.stack(found * (3 // len(found)), axis=2)


def zarr_size(path: Path) -> tuple[int, int] | None:
    """Return (height, width) of an OME-Zarr folder by its descriptions; None for what is none."""
    if not is_store(path):
        return None
    try:
        return Facts.of(path).size
    except (ProjectError, *DAMAGED_PICTURE):
        return None


def _unreadable(path: Path, why: object) -> ProjectError:
    words = str(why).removesuffix(".")
    return ProjectError(f"The large picture {path} cannot be read by the window ({words}). 8-bit OME-Zarr can be.")
