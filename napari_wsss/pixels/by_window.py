"""Pictures larger than the memory, seen by the window: as they are with a halo around, or as parts of another size.

Whoever looks at such a picture holds one window of it at a time. Planes of it (maps, probabilities) are kept as the
means of squares of pixels, so that they have a bounded size however large the picture is.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol, Self

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from napari_wsss.pixels import large_tiff
from napari_wsss.pixels.decoding import ome_zarr
from napari_wsss.pixels.large_tiff import LargeTiff, Tag, size_of
from napari_wsss.pixels.large_zarr import LargeZarr, zarr_size
from napari_wsss.pixels.resizing import resize

SUFFIXES = (*large_tiff.SUFFIXES, ome_zarr.SUFFIX)
PIXELS = 100_000_000
"""From so many on a picture is read by the window; less takes some gigabytes in memory."""
WHOLE_PIXELS = 178_956_970
"""What Pillow reads at most: projects show pictures, so that only larger ones are read by the window there."""
SIDE = 768
HALO = 160
"""Both multiples of 32, so that every trunk's grid continues; a window has fewer pixels than a usual forward pass."""
KEPT_PIXELS = 16_000_000
"""Of a plane that is kept of a large picture."""
_AT_ONCE = 32_000_000
"""Pixels of the file that are read to make a part of another size, and of a picture that is made whole."""
_SUPPORT = 2.0  # of the bicubic kernel, in pixels of the smaller picture
Window = tuple[NDArray[np.uint8], tuple[slice, slice], tuple[slice, slice]]


class LargePicture(Protocol):
    """A picture that is read by the window; a context manager.

    Attributes
    ----------
    size : (int, int)
        (height, width) in pixels.
    tags : list
        What says where it lies on the earth, as `large_tiff.write_mask_tiles` takes it.
    """

    size: tuple[int, int]

    @property
    def tags(self) -> list[Tag]:
        """What says where it lies on the earth."""

    def read(self, rows: slice, columns: slice) -> NDArray[np.uint8]:
        """Return the pixels (h, w, 3) uint8 RGB of a window; `ProjectError` when they cannot be read."""

    def __enter__(self) -> Self:
        """Return it."""

    def __exit__(self, *error: Any) -> None:
        """Close its file."""


def is_large(path: Path, pixels: int | None = None) -> bool:
    """Tell whether a picture has at least so many pixels (`PIXELS`) and is of a kind that is read by the window."""
    size = size_of(path) or zarr_size(path)
    return size is not None and size[0] * size[1] >= (PIXELS if pixels is None else pixels)


def open_large(path: Path) -> LargePicture:
    """Return a picture to be read by the window; raise `ProjectError` when it cannot be."""
    return LargeZarr(path) if ome_zarr.is_store(path) else LargeTiff(path)


def windows(picture: LargePicture) -> Iterator[Window]:
    """Yield windows row by row: their pixels with the halo around, where these lie, and which part the window is."""
    height, width = picture.size
    for top in range(0, height, SIDE):
        for left in range(0, width, SIDE):
            rows = slice(max(0, top - HALO), min(height, top + SIDE + HALO))
            columns = slice(max(0, left - HALO), min(width, left + SIDE + HALO))
            kept = (
                slice(top - rows.start, min(height, top + SIDE) - rows.start),
                slice(left - columns.start, min(width, left + SIDE) - columns.start),
            )
            yield picture.read(rows, columns), (rows, columns), kept


# -- at another size ------------------------------------------------------------------------------------------


class ScaledView:
    """A large picture at another size, of which a part is made when somebody asks for it: ``view[rows, columns]``.

    Its pixels are those of `pixels.resizing.resize` of the whole picture, but for what positions in single precision
    round.

    Parameters
    ----------
    picture : LargePicture
    height, width : int
        In pixels.
    is_mirrored : bool
        Left and right change places.
    """

    def __init__(self, picture: LargePicture, height: int, width: int, is_mirrored: bool = False) -> None:
        self._picture, self._is_mirrored = picture, is_mirrored
        self.shape = (height, width, 3)

    def mirrored(self) -> ScaledView:
        """Return it with left and right in each other's place."""
        return ScaledView(self._picture, *self.shape[:2], not self._is_mirrored)

    def __getitem__(self, place: tuple[slice, slice]) -> NDArray[np.uint8]:
        """Return a part (h, w, 3) uint8 RGB."""
        top, bottom, _ = place[0].indices(self.shape[0])
        left, right, _ = place[1].indices(self.shape[1])
        if self._is_mirrored:
            left, right = self.shape[1] - right, self.shape[1] - left
            return self._part(top, bottom, left, right)[:, ::-1]
        return self._part(top, bottom, left, right)

    def _part(self, top: int, bottom: int, left: int, right: int) -> NDArray[np.uint8]:
        rows = _source(top, bottom, self.shape[0], self._picture.size[0])
        columns = _source(left, right, self.shape[1], self._picture.size[1])
        (first, last, above, below_), (begin, end, before, behind) = rows, columns
        if (last - first) * (end - begin) > _AT_ONCE and (bottom - top, right - left) != (1, 1):
            if bottom - top > 1:
                middle = (top + bottom) // 2
                halves = [self._part(top, middle, left, right), self._part(middle, bottom, left, right)]
                return np.concatenate(halves)
            middle = (left + right) // 2
            halves = [self._part(top, bottom, left, middle), self._part(top, bottom, middle, right)]
            return np.concatenate(halves, axis=1)
        pixels = self._picture.read(slice(first, last), slice(begin, end))
        if self.shape[:2] == self._picture.size:
            return pixels
        box = (before - begin, above - first, behind - begin, below_ - first)
        size = (right - left, bottom - top)
        return np.asarray(Image.fromarray(pixels).resize(size, Image.Resampling.BICUBIC, box=box))


View = NDArray[np.uint8] | ScaledView


def at_size(picture: LargePicture | NDArray[np.uint8], height: int, width: int) -> View:
    """Return a picture at (height, width), as `pixels.resizing.resize` makes it; a large one only where it is small."""
    if isinstance(picture, np.ndarray):
        return resize(picture, height, width)
    view = ScaledView(picture, height, width)
    return view[:, :] if height * width <= _AT_ONCE // 2 else view


def mirrored(view: View) -> View:
    """Return a view with left and right in each other's place."""
    return view.mirrored() if isinstance(view, ScaledView) else view[:, ::-1]


def _source(first: int, last: int, count: int, pixels: int) -> tuple[int, int, float, float]:
    """Return which pixels along an axis of the file are seen by a part, and where among them the part itself lies."""
    if count == pixels:
        return first, last, first, last
    step = pixels / count
    seen = _SUPPORT * max(1.0, step) + 1
    begin, end = first * step, last * step
    return max(0, math.floor(begin - seen)), min(pixels, math.ceil(end + seen)), begin, end


# -- planes of a bounded size ---------------------------------------------------------------------------------


def reduction(height: int, width: int) -> int:
    """Return the side of the squares whose means are kept of a picture's planes: a power of two."""
    side = 1
    while -(-height // side) * -(-width // side) > KEPT_PIXELS:
        side *= 2
    return side


def reduced_size(height: int, width: int) -> tuple[int, int]:
    """Return the (height, width) of the planes that are kept of a picture."""
    side = reduction(height, width)
    return -(-height // side), -(-width // side)


def means(planes: NDArray[np.float32], side: int) -> NDArray[np.float32]:
    """Return the means (K,h,w) of squares of a window of planes (K,H,W), which begins where a square does."""
    for axis in (1, 2):
        starts = np.arange(0, planes.shape[axis], side)
        counts = np.diff(np.append(starts, planes.shape[axis])).astype(np.float32)
        shape = [-1 if at == axis else 1 for at in range(3)]
        planes = (np.add.reduceat(planes, starts, axis) / counts.reshape(shape)).astype(np.float32, copy=False)
    return planes


def enlarged(planes: NDArray[np.float32], side: int, rows: slice, columns: slice) -> NDArray[np.float32]:
    """Return a window (K,H,W) of what planes of means (K,h,w) were made of, bilinear between the squares' centres."""
    for axis, place in ((1, rows), (2, columns)):
        at = np.clip((np.arange(place.start, place.stop) + 0.5) / side - 0.5, 0, planes.shape[axis] - 1)
        low = at.astype(np.intp)
        share = (at - low).astype(np.float32).reshape([-1 if one == axis else 1 for one in range(3)])
        lower = planes.take(low, axis)
        planes = lower + share * (planes.take(np.minimum(low + 1, planes.shape[axis] - 1), axis) - lower)
    return planes
