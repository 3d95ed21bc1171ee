"""OME-Zarr 0.4: for each image a group with its label image (Moore et al., Nature Methods 2021; zarr version 2)."""

from collections.abc import Callable, Sequence
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from napari_wsss.core.classes import BACKGROUND
from napari_wsss.exchange.writers.base import Item, Writer
from napari_wsss.pixels.large_tiff import LargeMask
from napari_wsss.pixels.large_zarr import PIXELS, SUFFIX, put_array, put_chunk, put_group

CHUNK = 1024
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
        self._root = f"{item.name}{SUFFIX}"
        large = item.content if isinstance(item.content, LargeMask) else None
        image = None
        if self._with_pixels and large is not None:
            self.say("the pixels of pictures that are larger than the memory are left out")
        elif self._with_pixels and item.image is not None:
            pixels = item.pixels().transpose(2, 0, 1)
            self._array("0", pixels.shape, pixels.__getitem__)
            image = {"omero": _omero()}
        values = [value for value in self.classes.values() if value != BACKGROUND]
        put_group(self._put, item.name, [(value, self.name_of(value), self.colour(value)) for value in values], image)
        if large is None:
            self._array(PIXELS, item.values.shape, item.values.__getitem__)
        else:
            self._array(PIXELS, large.size, lambda inside: large.read(*inside))

    def _put(self, path: str, content: str | bytes) -> None:
        self.put(f"{self._root}/{path}", content)

    def _array(self, path: str, shape: Sequence[int], read: Read) -> None:
        """Write a uint8 array in planes cut into squares."""
        chunks = [*([1] * (len(shape) - 2)), CHUNK, CHUNK]
        put_array(self._put, path, shape, chunks)
        counts = [-(-side // chunk) for side, chunk in zip(shape, chunks, strict=True)]
        for place in np.ndindex(*counts):
            inside = tuple(slice(at * chunk, (at + 1) * chunk) for at, chunk in zip(place, chunks, strict=True))
            put_chunk(self._put, path, place, read(inside), chunks)


def _omero() -> dict[str, Any]:
    window = {"min": 0, "max": 255, "start": 0, "end": 255}
    named = (("red", "FF0000"), ("green", "00FF00"), ("blue", "0000FF"))
    return {"channels": [{"label": name, "color": code, "active": True, "window": window} for name, code in named]}
