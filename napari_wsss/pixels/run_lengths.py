"""Binary pictures as lengths of runs, the way annotation tools write them."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


def run_lengths(where: NDArray[np.bool_]) -> list[int]:
    """Return the lengths of the runs of a flat (N,) bool array, False and True in turn; the first may be 0."""
    flat = np.asarray(where, bool).ravel()
    changes = np.flatnonzero(flat[1:] != flat[:-1]) + 1
    bounds = np.concatenate([[0], changes, [flat.size]])
    lengths: list[int] = np.diff(bounds).tolist()
    return [0, *lengths] if flat.size and flat[0] else lengths


def coco_counts(where: NDArray[np.bool_]) -> str:
    """Return (H, W) bool as COCO's compressed run lengths, column after column (``rleToString`` of its API)."""
    return _packed(run_lengths(np.asarray(where).T))


def _packed(lengths: Sequence[int]) -> str:
    """Return lengths as characters of 5 bits and a mark *more follows*; from the fourth on as differences."""
    found = []
    for place, length in enumerate(lengths):
        left = length - lengths[place - 2] if place > 2 else length
        more = True
        while more:
            bits, left = left & 0x1F, left >> 5
            more = left != -1 if bits & 0x10 else left != 0
            found.append(chr(bits + (0x20 if more else 0) + 48))
    return "".join(found)


THINGI_SIZES = (3, 4, 8, 16)


def brush_runs(where: NDArray[np.bool_]) -> list[int]:
    """Return (H, W) bool as the bytes of Label Studio's brush format (the run-length format of thi.ng/rle-pack).

    Every pixel stands for four equal bytes (RGBA), 255 where it is True. A head says how many bytes there are (32
    bits), how long one is (5), and the sizes of the four kinds of counts (4 each); then follow runs (1, kind,
    length - 1, byte).
    """
    lengths = run_lengths(where)
    bits = [f"{4 * where.size:032b}{8 - 1:05b}", *(f"{size - 1:04b}" for size in THINGI_SIZES)]
    for place, length in enumerate(lengths):
        bits += _runs(4 * length, 255 if place % 2 else 0)
    text = "".join(bits)
    text += "0" * (-len(text) % 8)
    return list(int(text, 2).to_bytes(len(text) // 8, "big"))


def _runs(length: int, value: int) -> list[str]:
    """Return the bits of a run, in pieces where it is longer than the largest count."""
    found, longest = [], 2 ** THINGI_SIZES[-1]
    while length > 0:
        piece = min(length, longest)
        kind = next(kind for kind, size in enumerate(THINGI_SIZES) if piece <= 2**size)
        found.append(f"1{kind:02b}{piece - 1:0{THINGI_SIZES[kind]}b}{value:08b}")
        length -= piece
    return found
