"""A mask together with who made each of its pixels, and its file: the mask's PNG with one private chunk.

One file holds both, so that a crash, an undo or a copy never parts them. The chunk is marked *unsafe to copy*: a
program that edits the picture has to drop it, and the mask then counts as a person's.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_wsss.core.classes import ClassList
from napari_wsss.core.errors import ProjectError
from napari_wsss.core.masks import decode_mask, encode_mask
from napari_wsss.core.sources import NOTHING, PERSON, Source, Sources, decode_sources, encode_sources
from napari_wsss.project.journal import Journal
from napari_wsss.project.strokes import Stroke

CHUNK = b"wsSR"
"""Ancillary, private, unsafe to copy (the case of its letters says so)."""
SIGNATURE, HEADER_END = 8, 33


@dataclass(frozen=True, eq=False)
class SourcedMask:
    """Mask values (H, W) uint8 and their sources, of one shape."""

    values: NDArray[np.uint8]
    sources: Sources

    def __post_init__(self) -> None:
        if self.values.shape != self.sources.values.shape:
            raise ProjectError(
                f"A mask of {self.values.shape} has sources of {self.sources.values.shape}; expected one shape."
            )

    @classmethod
    def empty(cls, shape: tuple[int, ...]) -> SourcedMask:
        """Return a mask (H, W) of background that nobody has drawn."""
        return cls(np.zeros(shape, np.uint8), Sources.uniform(shape, NOTHING))

    def drawn_over(self, values: NDArray[np.uint8]) -> SourcedMask:
        """Return `values` (H, W) as a person's change of this mask: equal pixels keep their source."""
        if values.shape != self.values.shape:
            return SourcedMask(values, Sources.uniform(values.shape, PERSON))
        kept = np.where(values == self.values, self.sources.values, np.uint8(PERSON))
        return SourcedMask(values, Sources(kept, self.sources.table))

    def imported_over(self, values: NDArray[np.uint8], source: Source) -> SourcedMask:
        """Return `values` (H, W) as what `source` says of this mask: what was drawn the same way keeps its source."""
        if values.shape != self.values.shape:
            return SourcedMask(values, Sources.uniform(values.shape, source))
        table, number = self.sources.numbered(source)
        is_same = (values == self.values) & (self.sources.values != NOTHING)
        return SourcedMask(values, Sources(np.where(is_same, self.sources.values, np.uint8(number)), table))

    def replayed(self, strokes: Iterable[Stroke]) -> SourcedMask:
        """Return the mask with strokes laid over, oldest first; errors as `Journal.replay`."""
        strokes = list(strokes)
        values = Journal.replay(self.values, strokes)
        sources, table = self.sources.values.copy(), self.sources.table
        for stroke in strokes:
            sources.reshape(-1)[stroke.indices] = stroke.sources
            table = stroke.table or table  # a table only grows
        return SourcedMask(values, Sources(sources, table))

    def same_as(self, other: SourcedMask) -> bool:
        """Return True when values and sources are equal."""
        return np.array_equal(self.values, other.values) and self.sources.same_as(other.sources)


def encode_sourced(mask: SourcedMask, classes: ClassList, text: Mapping[str, str] | None = None) -> bytes:
    """Return a mask with its sources as the bytes of a PNG; any program reads it as the mask alone.

    Parameters
    ----------
    mask : SourcedMask
    classes : ClassList
        Whose palette to use.
    text : mapping of str to str, optional
        As `masks.encode_mask` takes it.
    """
    plain, data = encode_mask(mask.values, classes, text), encode_sources(mask.sources)
    chunk = struct.pack(">I", len(data)) + CHUNK + data + struct.pack(">I", zlib.crc32(CHUNK + data))
    return plain[:HEADER_END] + chunk + plain[HEADER_END:]


def decode_sourced(content: bytes, name: str = "mask") -> tuple[NDArray[np.uint8], Sources | None, dict[str, str]]:
    """Return values (H, W) uint8, sources and text of a PNG's bytes; sources are None where the file has none.

    Raises
    ------
    ProjectError
        When the file is damaged or no mask.
    """
    values, text = decode_mask(content, name)
    data = _chunk(content)
    sources = None if data is None else decode_sources(data, name)
    if sources is not None and sources.values.shape != values.shape:
        raise ProjectError(f"The sources of the mask {name} are not of its size; restore it from a backup.")
    return values, sources, text


def _chunk(content: bytes) -> bytes | None:
    """Return the data of our chunk; `decode_mask` has verified the file's checksums before."""
    place = SIGNATURE
    while content[:SIGNATURE] == b"\x89PNG\r\n\x1a\n" and place + 8 <= len(content):
        size = int.from_bytes(content[place : place + 4], "big")
        if content[place + 4 : place + 8] == CHUNK:
            return content[place + 8 : place + 8 + size]
        place += size + 12
    return None
