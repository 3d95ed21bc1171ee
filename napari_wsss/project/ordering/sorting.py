"""The order of very many values, equal ones as they stand, in a third of the time that a stable sort takes."""

import numpy as np
from numpy.typing import NDArray

_COUNTED = 2
"""Bytes of a value that are sorted by counting, which is quick and leaves equal ones as they stand."""
_PLACE = np.uint64(32)


def order_of(values: NDArray[np.generic]) -> NDArray[np.intp]:
    """Return what ``np.argsort(values, kind="stable")`` does, of values (n,) without NaN; n below 2**32."""
    if values.dtype.itemsize <= _COUNTED:
        return np.argsort(values, kind="stable")
    if values.dtype == np.uint64:
        by_high_bits = _by_high_bits(values.astype(np.uint64, copy=False))
        if by_high_bits is not None:
            return by_high_bits
    if not len(values) or values.min() == values.max():
        return np.arange(len(values))
    found = np.argsort(values)
    in_order = values[found]
    differs = in_order[1:] != in_order[:-1]
    if differs.all():
        return found
    ranks = np.zeros(len(found), np.uint64)
    np.cumsum(differs, out=ranks[1:])
    ranks <<= _PLACE
    ranks |= found.astype(np.uint64)
    ranks.sort()
    return (ranks & np.uint64(2**32 - 1)).astype(np.intp)


def _by_high_bits(values: NDArray[np.uint64]) -> NDArray[np.intp] | None:
    """Return the order by the bits that leave room for places, None where two values are equal in these.

    Numbers that hold their own place are sorted in half the time that finding the order takes; of values that look
    random, hardly ever are two equal in that many bits.
    """
    bits = np.uint64(len(values).bit_length())
    places = np.arange(len(values), dtype=np.uint64)
    found = values >> bits
    found <<= bits
    found |= places
    found.sort()
    high = np.right_shift(found, bits, out=places)  # a new array of that many costs as much as what is done with it
    if (high[1:] == high[:-1]).any():
        return None
    found &= (np.uint64(1) << bits) - np.uint64(1)
    return found.view(np.intp)
