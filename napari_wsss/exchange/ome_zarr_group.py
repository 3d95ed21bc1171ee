"""The files of an OME-Zarr 0.4 group with one label image (Moore et al., Nature Methods 2021; zarr version 2).

Who writes them says where they go: an export, or a prediction that makes them by the window.
"""

import json
import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

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
