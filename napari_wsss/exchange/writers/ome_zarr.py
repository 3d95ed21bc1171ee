"""OME-Zarr 0.4: for each image a group with its label image (Moore et al., Nature Methods 2021; zarr version 2)."""

import json
import zlib
from collections.abc import Callable, Sequence
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from napari_wsss.core.classes import BACKGROUND
from napari_wsss.exchange.writers.base import Item, Writer
from napari_wsss.pixels.large_tiff import LargeMask

VERSION = "0.4"
LABELS = "classes"
CHUNK = 1024
LEVEL = 3
"""Of zlib."""
Read = Callable[[tuple[slice, ...]], NDArray[np.uint8]]


class OmeZarr(Writer):
    """``x.ome.zarr/labels/classes`` of mask values with names and colours; with copied images also their pixels."""

    title = "OME-Zarr labels"
    judge: ClassVar[str] = "zarr; ome-zarr"
    takes_images: ClassVar[bool] = True

    def begin(self) -> None:
        """Ask whether pixels go along: they are written anew, so links are none."""
        self._with_pixels = self.images == "copy"
        if self.images == "link":
            self.say("OME-Zarr holds pixels of its own, so images are not linked; copy them to have them inside")

    def add(self, item: Item) -> None:
        """Write the group of one image."""
        root = f"{item.name}.ome.zarr"
        attributes: dict[str, Any] = {}
        large = item.content if isinstance(item.content, LargeMask) else None
        if self._with_pixels and large is not None:
            self.say("the pixels of pictures that are larger than the memory are left out")
        elif self._with_pixels and item.image is not None:
            pixels = item.pixels().transpose(2, 0, 1)
            self._array(f"{root}/0", pixels.shape, pixels.__getitem__)
            attributes = _multiscales(["c", "y", "x"], item.name) | {"omero": _omero()}
        self._json(f"{root}/.zgroup", {"zarr_format": 2})
        self._json(f"{root}/.zattrs", attributes)
        self._json(f"{root}/labels/.zgroup", {"zarr_format": 2})
        self._json(f"{root}/labels/.zattrs", {"labels": [LABELS]})
        self._json(f"{root}/labels/{LABELS}/.zgroup", {"zarr_format": 2})
        self._json(f"{root}/labels/{LABELS}/.zattrs", _multiscales(["y", "x"], LABELS) | self._image_label())
        if large is None:
            self._array(f"{root}/labels/{LABELS}/0", item.values.shape, item.values.__getitem__)
        else:
            self._array(f"{root}/labels/{LABELS}/0", large.size, lambda inside: large.read(*inside))

    def _image_label(self) -> dict[str, Any]:
        values = [value for value in self.classes.values() if value != BACKGROUND]
        return {
            "image-label": {
                "version": VERSION,
                "colors": [{"label-value": value, "rgba": [*self.colour(value), 255]} for value in values],
                "properties": [{"label-value": value, "class": self.name_of(value)} for value in values],
                "source": {"image": "../../"},
            }
        }

    def _json(self, path: str, record: dict[str, Any]) -> None:
        self.put(path, json.dumps(record, ensure_ascii=False))

    def _array(self, path: str, shape: Sequence[int], read: Read) -> None:
        """Write a uint8 array of zarr version 2 in planes cut into squares; the last of a row or column is padded."""
        chunks = [*([1] * (len(shape) - 2)), CHUNK, CHUNK]
        facts: dict[str, Any] = {"zarr_format": 2, "shape": list(shape), "chunks": chunks, "dtype": "|u1"}
        facts |= {"compressor": {"id": "zlib", "level": LEVEL}, "fill_value": 0, "order": "C", "filters": None}
        self._json(f"{path}/.zarray", facts | {"dimension_separator": "/"})
        counts = [-(-side // chunk) for side, chunk in zip(shape, chunks, strict=True)]
        for place in np.ndindex(*counts):
            inside = tuple(slice(at * chunk, (at + 1) * chunk) for at, chunk in zip(place, chunks, strict=True))
            part = read(inside)
            whole = np.zeros(chunks, np.uint8)
            whole[tuple(slice(side) for side in part.shape)] = part
            self.put(f"{path}/{'/'.join(map(str, place))}", zlib.compress(whole.tobytes(), LEVEL))


def _multiscales(axes: list[str], name: str) -> dict[str, Any]:
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


def _omero() -> dict[str, Any]:
    window = {"min": 0, "max": 255, "start": 0, "end": 255}
    named = (("red", "FF0000"), ("green", "00FF00"), ("blue", "0000FF"))
    return {"channels": [{"label": name, "color": code, "active": True, "window": window} for name, code in named]}
