"""Run lengths as they are written down: COCO's compressed text, CVAT's commas, Label Studio's bits."""

import re
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_wsss.exchange.annotations.shapes import Size, WrongSize

_SIZE_BITS, _WORD_BITS, _LENGTH_BITS, _LENGTHS = 32, 5, 4, 4
MOST_PIXELS = 2**31


def counts_of(value: Any) -> NDArray[np.int64]:
    """Return run lengths (N,) int64 out of a list of whole numbers or COCO's compressed text.

    Raises
    ------
    ValueError
        When it is something else.
    """
    if isinstance(value, str):
        return uncompressed(value)
    try:
        found = np.asarray(value)
        if found.ndim != 1 or (found.size and found.dtype.kind not in "iu"):
            raise ValueError("run lengths that are no whole numbers")
        return found.astype(np.int64)
    except (TypeError, OverflowError) as reason:
        raise ValueError("run lengths that are no whole numbers") from reason


def uncompressed(text: str) -> NDArray[np.int64]:
    """Return run lengths (N,) int64 of COCO's compressed text.

    Five bits a character, the lowest first, a sixth says that more follow; from the third on, a run is the difference
    to the one two before.

    Raises
    ------
    ValueError
        When a character is none of them, or the text ends within a number.
    """
    counts: list[int] = []
    value = shift = 0
    for letter in text:
        bits = ord(letter) - 48
        if not 0 <= bits < 64 or shift > 60:
            raise ValueError(f"compressed run lengths with {letter!r}")
        value |= (bits & 31) << shift
        shift += 5
        if bits & 32:
            continue
        if bits & 16:
            value -= 1 << shift
        counts.append(value + counts[-2] if len(counts) > 2 else value)
        value = shift = 0
        if not 0 <= counts[-1] <= MOST_PIXELS:
            raise ValueError("compressed run lengths below zero, or beyond any picture")
    if shift:
        raise ValueError("compressed run lengths that end within a number")
    return np.asarray(counts, np.int64)


def written(text: str) -> NDArray[np.int64]:
    """Return run lengths (N,) int64 written with commas, as CVAT does; raise `ValueError` for anything else."""
    if not re.fullmatch(r"\s*\d{1,10}(\s*,\s*\d{1,10})*\s*", text):
        raise ValueError("run lengths that are not numbers between commas")
    return np.array([int(part) for part in text.split(",")], np.int64)


def brush_alpha(values: Sequence[Any], size: Size) -> NDArray[np.uint8]:
    """Return the opacity (H, W) uint8 of a Label Studio brush, whose picture is RGBA in packed runs.

    A header of 32 bits counts the numbers; 5 bits tell the bits of each (less one), four times 4 bits those of the run
    lengths (less one). Then, run by run: a bit whether one number repeats, 2 bits which length of lengths, the length
    (less one), and the number, or as many numbers.

    Parameters
    ----------
    values : sequence of int in [0, 255]
    size : (height, width)
        Of the image; another number of pixels is an error.

    Raises
    ------
    ValueError
        When it is something else, or of another size.
    """
    bits = _Bits(values)
    total, wide = bits.take(_SIZE_BITS), bits.take(_WORD_BITS) + 1
    lengths = [bits.take(_LENGTH_BITS) + 1 for _ in range(_LENGTHS)]
    if total != size[0] * size[1] * 4:
        raise WrongSize(f"a brush of {total // 4} pixels; the image has {size[0] * size[1]}")
    if wide > 8:
        raise ValueError(f"a brush of numbers with {wide} bits; expected 8")
    found = np.zeros(total, np.uint8)
    at = 0
    while at < total:
        repeats = bits.take(1)
        end = at + 1 + bits.take(lengths[bits.take(2)])
        if end > total:
            raise ValueError("a brush with more pixels than it tells")
        found[at:end] = bits.take(wide) if repeats else bits.words(end - at, wide)
        at = end
    alpha: NDArray[np.uint8] = found.reshape(*size, 4)[..., 3]
    return alpha


class _Bits:
    def __init__(self, values: Sequence[Any]) -> None:
        try:
            self._bits = np.unpackbits(np.frombuffer(bytes(values), np.uint8))
        except (TypeError, ValueError) as reason:
            raise ValueError("a brush that is no list of bytes") from reason
        self._at = 0

    def take(self, count: int) -> int:
        return int(self.words(1, count)[0])

    def words(self, count: int, wide: int) -> NDArray[np.int64]:
        """Return the next numbers (count,) of `wide` bits each."""
        end = self._at + count * wide
        if end > len(self._bits):
            raise ValueError("a brush that ends early")
        part = self._bits[self._at : end].reshape(count, wide).astype(np.int64)
        self._at = end
        found: NDArray[np.int64] = part @ (1 << np.arange(wide - 1, -1, -1, dtype=np.int64))
        return found
