"""One stroke of the journal and its compressed bytes."""

import zlib
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_wsss.core.errors import ProjectError
from napari_wsss.core.files import unzipped
from napari_wsss.core.sources import PERSON, Source, uniform_value

RUNS = b"R"
"""First byte of a packed stroke; what was written before sources were kept starts with zlib's own."""

REGIONS = b"E"
"""First byte of a packed stroke whose neighbouring positions of equal value and source are one entry."""
MOST = 2**28
"""Position beyond which no pixel of a picture lies: what claims more is damaged, and is not given the memory."""
FEW = 2**16
"""Changed pixels up to which a list of them is packed as quickly."""
PIXELS_OF_A_REGION = 4
"""Pixels that neighbouring positions of equal value must have on average, for regions to be worth it."""
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


def pack_regions(where: NDArray[np.bool_], values: NDArray[np.uint8], sources: NDArray[np.uint8]) -> bytes | None:
    """Return what changed in a mask as compressed bytes, without a list of its positions.

    Parameters
    ----------
    where, values, sources : (H, W)
        The pixels that changed, and what they are now.

    Returns
    -------
    bytes or None
        Starts, lengths, values and sources of neighbouring pixels that have become the same; None where these are so
        many that a list of positions is no longer.
    """
    count = where.size if uniform_value(where) else int(np.count_nonzero(where))
    varied: list[NDArray[Any]] = [
        one for one in (values, sources) if uniform_value(one) is None
    ]  # one value everywhere ends no region
    varied = varied if count == where.size else [where, *varied]
    starts = _region_starts(where.size, *(np.ascontiguousarray(one).reshape(-1) for one in varied))
    if where.size > MOST or len(starts) * PIXELS_OF_A_REGION > count:
        return None
    lengths = np.diff(np.append(starts, where.size))
    if count < where.size:
        kept = where.reshape(-1)[starts]
        starts, lengths = starts[kept], lengths[kept]
    gaps = np.diff(starts, prepend=0)
    gaps[1:] -= lengths[:-1]
    packer = zlib.compressobj(1, strategy=zlib.Z_RLE)
    head = np.array([len(starts)], "<i8").tobytes()
    parts = (head, _planes(gaps), _planes(lengths), *(_taken(one, starts).tobytes() for one in (values, sources)))
    return b"".join([REGIONS, *map(packer.compress, parts), packer.flush()])


def _planes(numbers: NDArray[np.int64]) -> bytes:
    """Return numbers (N,) of four bytes, the lowest bytes of all first: the others are runs of zeros."""
    return np.ascontiguousarray(numbers.astype("<u4").view(np.uint8).reshape(-1, 4).T).tobytes()


def _taken(values: NDArray[np.uint8], places: NDArray[np.intp]) -> NDArray[np.uint8]:
    """Return an array (H, W) at flat places (N,), without making one of a single value whole."""
    one = uniform_value(values)
    return values.reshape(-1)[places] if one is None else np.full(places.shape, one, values.dtype)


def _region_starts(size: int, *arrays: NDArray[Any]) -> NDArray[np.intp]:
    """Return where one of flat arrays (`size`,) differs from the element before, and 0; in parts, as `_breaks`."""
    found = [np.zeros(1, np.intp)]
    for first in range(0, size if arrays else 0, PART):
        parts = [one[first : first + PART + 1] for one in arrays]
        changes = parts[0][1:] != parts[0][:-1]
        for part in parts[1:]:
            changes |= part[1:] != part[:-1]
        found.append(np.flatnonzero(changes) + first + 1)
    return np.concatenate(found)


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
        if content[:1] == REGIONS:
            return _unpack_regions(content)
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


def _unpack_regions(content: bytes) -> tuple[NDArray[np.int64], NDArray[np.uint8], NDArray[np.uint8]]:
    plain = unzipped(content[1:])
    count = int(np.frombuffer(plain, "<i8", 1)[0])
    if not 0 <= count <= len(plain) or len(plain) != 8 + 10 * count:
        raise ValueError(f"{count} regions in {len(plain)} bytes")
    planes = np.frombuffer(plain, np.uint8, 8 * count, 8).reshape(2, 4, count)
    gaps, lengths = (np.ascontiguousarray(one.T).view("<u4").reshape(-1).astype(np.int64) for one in planes)
    values, sources = np.frombuffer(plain, np.uint8, offset=8 + 8 * count).reshape(2, -1)
    ends = np.cumsum(gaps + lengths)
    if np.any(lengths < 1) or (count and ends[-1] > MOST):
        raise ValueError("empty regions, or more pixels than any picture has")
    within = np.arange(lengths.sum()) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    return np.repeat(ends - lengths, lengths) + within, np.repeat(values, lengths), np.repeat(sources, lengths)


def _unpack_first_form(content: bytes) -> tuple[NDArray[np.int64], NDArray[np.uint8], NDArray[np.uint8]]:
    plain = unzipped(content)
    count = len(plain) // 9
    steps = np.frombuffer(plain, dtype="<i8", count=count)
    values = np.frombuffer(plain, dtype=np.uint8, offset=8 * count)
    return np.cumsum(steps, dtype=np.int64), values, np.full(count, PERSON, np.uint8)
