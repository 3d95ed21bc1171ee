"""OME-Zarr larger than the memory: pictures read by the window, and label images written by the chunk.

Of a picture only the chunks that a window touches are unpacked. Labels are the files of a group of OME-Zarr 0.4 (Moore
et al., Nature Methods 2021; zarr version 2): who writes them, an export or a prediction, says where they go.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_wsss.core.errors import ProjectError
from napari_wsss.core.masks import DAMAGED_PICTURE
from napari_wsss.pixels.decoding.ome_zarr import Facts, is_store
from napari_wsss.pixels.decoding.stack import CHANNEL
from napari_wsss.pixels.large_tiff import Tag

SUFFIX = ".ome.zarr"
VERSION = "0.4"
LABELS = "classes"
PIXELS = f"labels/{LABELS}/0"
"""Where the array of mask values lies in the group."""
LEVEL = 3
"""Of zlib."""
Put = Callable[[str, str | bytes], object]
Meaning = tuple[int, str, Sequence[int]]
"""A mask value, the name of its class and its colour (red, green, blue) in [0, 255]."""


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


# -- writing labels -------------------------------------------------------------------------------------------


def put_group(put: Put, name: str, meanings: Iterable[Meaning], image: Mapping[str, Any] | None = None) -> None:
    """Put everything but arrays.

    Parameters
    ----------
    put : callable
        Takes a posix path below the group and what the file holds.
    name : str
        Of the picture.
    meanings : iterable of Meaning
        What the values mean, without background.
    image : mapping, optional
        Attributes that the picture's pixels need besides, where the group holds them as array ``0`` (c, y, x).
    """
    attributes = {} if image is None else multiscales(["c", "y", "x"], name) | dict(image)
    for folder, record in {
        "": attributes,
        "labels/": {"labels": [LABELS]},
        f"labels/{LABELS}/": multiscales(["y", "x"], LABELS) | _image_label(list(meanings)),
    }.items():
        put(f"{folder}.zgroup", _json({"zarr_format": 2}))
        put(f"{folder}.zattrs", _json(record))


def put_array(put: Put, path: str, shape: Sequence[int], chunks: Sequence[int]) -> None:
    """Put what says which array of uint8 lies at a path, cut into chunks."""
    facts: dict[str, Any] = {"zarr_format": 2, "shape": list(shape), "chunks": list(chunks), "dtype": "|u1"}
    facts |= {"compressor": {"id": "zlib", "level": LEVEL}, "fill_value": 0, "order": "C", "filters": None}
    put(f"{path}/.zarray", _json(facts | {"dimension_separator": "/"}))


def put_chunk(put: Put, path: str, place: Sequence[int], part: NDArray[np.uint8], chunks: Sequence[int]) -> None:
    """Put one chunk of an array; at the edges, where `part` is smaller than `chunks`, it is padded."""
    whole = np.zeros(tuple(chunks), np.uint8)
    whole[tuple(slice(side) for side in part.shape)] = part
    put(f"{path}/{'/'.join(map(str, place))}", zlib.compress(whole.tobytes(), LEVEL))


def multiscales(axes: Sequence[str], name: str) -> dict[str, Any]:
    """Return what says that array ``0`` is an image of these axes."""
    kinds = {"c": "channel"}
    scale = {"type": "scale", "scale": [1.0] * len(axes)}
    return {
        "multiscales": [
            {
                "version": VERSION,
                "name": name,
                "axes": [{"name": axis, "type": kinds.get(axis, "space")} for axis in axes],
                "datasets": [{"path": "0", "coordinateTransformations": [scale]}],
            }
        ]
    }


def _image_label(meanings: Sequence[Meaning]) -> dict[str, Any]:
    return {
        "image-label": {
            "version": VERSION,
            "colors": [{"label-value": value, "rgba": [*map(int, colour), 255]} for value, _, colour in meanings],
            "properties": [{"label-value": value, "class": name} for value, name, _ in meanings],
            "source": {"image": "../../"},
        }
    }


def _json(record: Mapping[str, Any]) -> str:
    return json.dumps(record, ensure_ascii=False)
