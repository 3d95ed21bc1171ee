"""TIFFs that are larger than the memory: read by the window, written by the tile, with tags that say where they are.

Of a picture only the tiles (or strips) that a window touches are unpacked. GeoTIFF's tags (scale, tie points and
coordinate reference system) say where on the earth the pixels are; a mask of the same pixels keeps them.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import IO, Any, ClassVar, Self

import numpy as np
import tifffile
from numpy.typing import NDArray

from napari_wsss.core.errors import ProjectError
from napari_wsss.core.files import check_regular
from napari_wsss.core.masks import DAMAGED_PICTURE
from napari_wsss.pixels.decoding.tiff_bands import bands

SUFFIXES = (".tif", ".tiff")
GEO_TAGS = (33550, 33922, 34264, 34735, 34736, 34737)
"""ModelPixelScale, ModelTiepoint, ModelTransformation, GeoKeyDirectory, GeoDoubleParams, GeoAsciiParams."""
_BIG = 2**31
_MOST_PART = 2**28
"""Bytes of a tile or strip: a window takes at least as much memory."""
_DAMAGED = (tifffile.TiffFileError, *DAMAGED_PICTURE)
Tag = tuple[int, int, int, Any, bool]


class _Page:
    """The first page of a TIFF, whose tiles or strips are unpacked as they are needed; a context manager."""

    _kinds: ClassVar[tuple[int, ...]]
    _wanted: ClassVar[str]

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            check_regular(path)
            self._file = tifffile.TiffFile(path)
        except _DAMAGED as reason:
            raise _unreadable(path, str(reason)) from reason
        try:
            page: Any = self._file.pages[0]
            self._page, self.size = page, (int(page.imagelength), int(page.imagewidth))
            wrong = self._why_not()
        except _DAMAGED as reason:
            wrong = str(reason)
        if wrong:
            self._file.close()
            raise _unreadable(path, wrong)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def _why_not(self) -> str:
        """Return why it cannot be read by the window, "" where it can."""
        page = self._page
        if page.dtype != np.uint8 or page.axes not in ("YX", "YXS") or int(page.photometric) not in self._kinds:
            return f"its samples are {page.dtype}, {page.axes}, {page.photometric!s}; expected {self._wanted}"
        self._tall, self._wide = int(page.tilelength or page.rowsperstrip), int(page.tilewidth or page.imagewidth)
        if min(self._tall, self._wide) < 1 or self._tall * self._wide * int(page.samplesperpixel) > _MOST_PART:
            return (
                f"it is unpacked {self._tall} x {self._wide} pixels at a time; expected tiles. Convert it, as with "
                "gdal_translate -co TILED=YES"
            )
        return ""

    @property
    def tags(self) -> list[Tag]:
        """What says where it lies on the earth, as tifffile writes it."""
        found = (self._page.tags.get(code) for code in GEO_TAGS)
        return [(tag.code, int(tag.dtype), tag.count, tag.value, True) for tag in found if tag is not None]

    def _samples(self, rows: slice, columns: slice) -> NDArray[np.uint8]:
        """Return the samples (h, w, S) uint8 of a window; errors as `LargeTiff.read`."""
        top, bottom, _ = rows.indices(self.size[0])
        left, right, _ = columns.indices(self.size[1])
        window = np.zeros((bottom - top, right - left, int(self._page.samplesperpixel)), np.uint8)
        try:
            for y, x, part in self._parts(top, bottom, left, right):
                first, last = max(y, top), min(y + part.shape[0], bottom)
                begin, end = max(x, left), min(x + part.shape[1], right)
                seen = part[first - y : last - y, begin - x : end - x]
                window[first - top : last - top, begin - left : end - left] = seen
        except _DAMAGED as reason:
            raise _unreadable(self._path, str(reason)) from reason
        return window

    def _parts(self, top: int, bottom: int, left: int, right: int) -> Iterator[tuple[int, int, NDArray[np.uint8]]]:
        """Yield the tiles or strips that a window touches: where they begin, and their pixels (h, w, S)."""
        page, file = self._page, self._file.filehandle
        tall, wide = self._tall, self._wide
        across = -(-self.size[1] // wide)
        for row in range(top // tall, -(-bottom // tall)):
            for column in range(left // wide, -(-right // wide)):
                at = row * across + column
                count = page.databytecounts[at]
                if not count:  # left out: nothing was there
                    continue
                file.seek(page.dataoffsets[at])
                part, _, shape = page.decode(file.read(count), at, jpegtables=page.jpegtables)
                if part is not None:
                    yield row * tall, column * wide, part.reshape(part.shape[-3:])[: shape[1], : shape[2]]


class LargeTiff(_Page):
    """The first page of a TIFF, read by the window; a context manager.

    Parameters
    ----------
    path : Path

    Attributes
    ----------
    size : (int, int)
        (height, width) in pixels.

    Raises
    ------
    ProjectError
        When it is no TIFF, or none whose windows are 8-bit colours or grey: those of deep pictures would each be scaled
        by themselves.
    """

    _kinds = (0, 1, 2, 6)
    _wanted = "8-bit grey or RGB. Convert it, as with gdal_translate -ot Byte -scale"

    def read(self, rows: slice, columns: slice) -> NDArray[np.uint8]:
        """Return the pixels (h, w, 3) uint8 RGB of a window; opaque: what is declared as transparent is shown as it is.

        Raises
        ------
        ProjectError
            When it is damaged, or packed in a way that needs another package.
        """
        window = self._samples(rows, columns)
        samples = window.shape[2]
        colour = bands(samples, tuple(map(int, self._page.extrasamples)), int(self._page.photometric)).colour
        shown = window[..., :3] if colour >= 3 else window[..., :1].repeat(3, axis=2)
        return 255 - shown if int(self._page.photometric) == 0 else shown


class LargeMask(_Page):
    """A mask that `write_mask_tiles` wrote, read by the window; a context manager.

    Parameters
    ----------
    path : Path

    Attributes
    ----------
    size : (int, int)
        (height, width) in pixels.

    Raises
    ------
    ProjectError
        When it is none.
    """

    _kinds = (3,)
    _wanted = "a mask with a palette"

    @property
    def meaning(self) -> dict[str, Any]:
        """What its description says, {} where that is no JSON object."""
        try:
            found = json.loads(self._page.description)
        except (ValueError, RecursionError):
            return {}
        return found if isinstance(found, dict) else {}

    def read(self, rows: slice, columns: slice) -> NDArray[np.uint8]:
        """Return the values (h, w) uint8 of a window; errors as `LargeTiff.read`."""
        return self._samples(rows, columns)[..., 0]

    def tiles(self, side: int) -> Iterator[NDArray[np.uint8]]:
        """Yield the values row by row in squares of `side` pixels, as `write_mask_tiles` takes them."""
        for top in range(0, self.size[0], side):
            for left in range(0, self.size[1], side):
                yield self.read(slice(top, top + side), slice(left, left + side))


def size_of(path: Path) -> tuple[int, int] | None:
    """Return (height, width) of a TIFF that may be larger than the memory, by its header; None for other files."""
    if path.suffix.lower() not in SUFFIXES:
        return None
    try:
        check_regular(path)
        with tifffile.TiffFile(path) as file:
            page: Any = file.pages[0]
            return int(page.imagelength), int(page.imagewidth)
    except _DAMAGED:
        return None


def geo_tags_of(path: Path) -> list[Tag]:
    """Return what says where a picture lies on the earth; nothing for one that does not say, or is no TIFF."""
    if path.suffix.lower() not in SUFFIXES:
        return []
    try:
        with tifffile.TiffFile(path) as file:
            found = (file.pages[0].tags.get(code) for code in GEO_TAGS)  # type: ignore[union-attr]
            return [(tag.code, int(tag.dtype), tag.count, tag.value, True) for tag in found if tag is not None]
    except _DAMAGED:
        return []


def write_mask_tiles(
    file: IO[bytes],
    size: tuple[int, int],
    tiles: Iterator[NDArray[np.uint8]],
    side: int,
    palette: NDArray[np.uint8],
    tags: list[Tag],
    meaning: Mapping[str, Any],
) -> None:
    """Write a mask as a tiled TIFF with a palette, which is in memory one tile at a time.

    Parameters
    ----------
    file : binary file
    size : (int, int)
        (height, width) in pixels.
    tiles : iterator of (h, w) uint8
        Row by row, each `side` x `side` but at the edges.
    side : int
        A multiple of 16.
    palette : (256, 3) uint8
    tags : list
        As `LargeTiff.tags`.
    meaning : mapping
        What the values mean, in JSON types.
    """

    def whole() -> Iterator[NDArray[np.uint8]]:
        for tile in tiles:
            padded = np.zeros((side, side), np.uint8)
            padded[: tile.shape[0], : tile.shape[1]] = tile
            yield padded

    tifffile.imwrite(
        file,
        whole(),
        shape=size,
        dtype=np.uint8,
        bigtiff=size[0] * size[1] > _BIG,
        tile=(side, side),
        photometric="palette",
        colormap=palette.T.astype(np.uint16) * 257,
        compression="zlib",
        description=json.dumps(dict(meaning)),
        metadata=None,
        extratags=tags,
    )


def _unreadable(path: Path, why: str) -> ProjectError:
    return ProjectError(
        f"The large picture {path} cannot be read by the window ({why}). Tiled TIFFs (also GeoTIFF), plain or packed "
        "by deflate, can; LZW and JPEG need: pip install imagecodecs."
    )
