"""One stroke of the journal and its compressed bytes."""

import zlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_wsss.core.errors import ProjectError
from napari_wsss.core.files import unzipped
from napari_wsss.core.sources import PERSON, Source

RUNS = b"R"
"""First byte of a packed stroke; what was written before sources were kept starts with zlib's own."""

PART = 2**18
"""Positions compared at a time: what fits the processor's cache."""


@dataclass(frozen=True, eq=False)
class Stroke:
    """Changed pixels of a mask, absolute, so that laying them over twice does no harm.

    Parameters
    ----------
    number : int
        Of the journal entry.
    time : float
        Seconds since 1970.
    indices : (N,) int64
        Flat positions in C order.
    values : (N,) uint8
        New mask values.
    sources : (N,) uint8
        Who made them, see `sources`.
    table : tuple of Source
        The whole table when one of them is a machine, else empty.
    """

    number: int
    time: float
    indices: NDArray[np.int64]
    values: NDArray[np.uint8]
    sources: NDArray[np.uint8]
    table: tuple[Source, ...] = ()


def pack(indices: NDArray[np.int64], values: NDArray[np.uint8], sources: NDArray[np.uint8]) -> bytes:
    """Return a stroke (three arrays (N,)) as compressed bytes: runs of neighbouring positions, values, sources."""
    breaks = _breaks(indices)
    first = np.concatenate([[0], breaks]) if indices.size else breaks
    lengths = np.diff(np.append(first, indices.size))
    head = np.array([len(first)], "<i8").tobytes()
    runs = indices[first].astype("<i8").tobytes() + lengths.astype("<i8").tobytes()
    # Masks are runs of equal values: looking for nothing else packs them smaller, and in less time, than level 1.
    packer = zlib.compressobj(1, strategy=zlib.Z_RLE)
    parts = [packer.compress(part) for part in (head, runs, values.tobytes(), sources.tobytes())]
    return b"".join([RUNS, *parts, packer.flush()])


def _breaks(indices: NDArray[np.int64]) -> NDArray[np.intp]:
    """Return where positions (N,) do not follow on the one before; in parts, because one difference is memory-bound."""
    found = [
        np.flatnonzero(np.diff(indices[first : first + PART + 1]) != 1) + first + 1
        for first in range(0, max(1, indices.size), PART)
    ]
    return np.concatenate(found)


def unpack(content: bytes) -> tuple[NDArray[np.int64], NDArray[np.uint8], NDArray[np.uint8]]:
    """Return positions, values and sources written by `pack`; strokes older than sources are a person's.

    Raises
    ------
    ProjectError
        When they are damaged.
    """
    try:
        return _unpack_runs(content) if content[:1] == RUNS else _unpack_first_form(content)
    except (zlib.error, ValueError, IndexError, TypeError, OverflowError) as reason:
        raise ProjectError(
            f"A stroke of an unfinished mask is damaged ({reason}). Restore the project from a backup, or discard the "
            "draft."
        ) from reason


def _unpack_runs(content: bytes) -> tuple[NDArray[np.int64], NDArray[np.uint8], NDArray[np.uint8]]:
    plain = unzipped(content[1:])
    runs = int(np.frombuffer(plain, "<i8", 1)[0])
    if not 0 <= runs <= len(plain) // 16:
        raise ValueError(f"{runs} runs in {len(plain)} bytes")
    starts, lengths = np.frombuffer(plain, "<i8", 2 * runs, 8).reshape(2, runs)
    pixels = (len(plain) - 8 - 16 * runs) // 2
    if np.any(lengths < 0) or np.any(lengths > pixels) or lengths.sum() != pixels:
        raise ValueError(f"runs of other lengths than {pixels} pixels")
    within = np.arange(lengths.sum()) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    values, sources = np.frombuffer(plain, np.uint8, offset=8 + 16 * runs).reshape(2, -1)
    return np.repeat(starts, lengths) + within, values, sources


def _unpack_first_form(content: bytes) -> tuple[NDArray[np.int64], NDArray[np.uint8], NDArray[np.uint8]]:
    plain = unzipped(content)
    count = len(plain) // 9
    steps = np.frombuffer(plain, dtype="<i8", count=count)
    values = np.frombuffer(plain, dtype=np.uint8, offset=8 * count)
    return np.cumsum(steps, dtype=np.int64), values, np.full(count, PERSON, np.uint8)
