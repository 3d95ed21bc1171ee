"""MXNet's ``.params`` files (little endian), read without MXNet, which is no longer maintained.

A file is a list of arrays and a list of their names::

    u64 0x112, u64 0, u64 n, n arrays, u64 n, n names (u64 length, bytes)

    array   u32 version, [i32 storage], shape, i32 device, i32 device number, i32 type, values
    shape   u32 axes, then u32 per axis (before the versions) or i64 per axis

The oldest arrays have no version: their first number is the count of axes. Names may begin with ``arg:`` or ``aux:``,
which says whether a tensor is learned; it is left out here.
"""

import math
import struct
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

MAGIC = struct.pack("<Q", 0x112)

_VERSION_1, _VERSION_2, _VERSION_3 = 0xF993FAC8, 0xF993FAC9, 0xF993FACA
_DENSE = 0
_MOST_AXES = 32
_TYPES = {0: "<f4", 1: "<f8", 2: "<f2", 3: "u1", 4: "<i4", 5: "i1", 6: "<i8", 7: "?"}


def read_params(path: Path) -> dict[str, Tensor]:
    """Return the arrays of a ``.params`` file by name, with their stored types.

    Raises
    ------
    ValueError
        When the file ends early, or holds something that is no dense array of a common type.
    """
    bytes_left = _Bytes(path.read_bytes())
    if bytes_left.take(len(MAGIC)) != MAGIC:
        raise ValueError("no list of MXNet arrays")
    _, count = bytes_left.numbers("<QQ")
    arrays = [_array(bytes_left) for _ in range(count)]
    (named,) = bytes_left.numbers("<Q")
    if named != count:
        raise ValueError(f"{count} arrays with {named} names; expected a file saved with names")
    names = [bytes_left.take(*bytes_left.numbers("<Q")).decode() for _ in range(count)]
    return {
        name.removeprefix("arg:").removeprefix("aux:"): torch.from_numpy(array.copy())
        for name, array in zip(names, arrays, strict=True)
        if array is not None
    }


class _Bytes:
    """The content from a position on; never hands out less than was asked for."""

    def __init__(self, content: bytes) -> None:
        self._content = memoryview(content)
        self._at = 0

    def take(self, size: int) -> bytes:
        return bytes(self.view(size))

    def view(self, size: int) -> memoryview:
        if size > len(self._content) - self._at:
            raise ValueError(f"it ends {size - len(self._content) + self._at:,} bytes early")
        self._at += size
        return self._content[self._at - size : self._at]

    def numbers(self, layout: str) -> tuple[int, ...]:
        return struct.unpack(layout, self.view(struct.calcsize(layout)))


def _array(content: _Bytes) -> NDArray[np.generic] | None:
    """Return the next array, None where it was saved without a shape."""
    shape = _shape(content)
    if shape is None:
        return None
    _, _, kind = content.numbers("<iii")
    if kind not in _TYPES:
        raise ValueError(f"an array has the unknown type {kind}")
    dtype = np.dtype(_TYPES[kind])
    values = content.view(math.prod(shape) * dtype.itemsize)
    return np.frombuffer(values, dtype).reshape(shape)


def _shape(content: _Bytes) -> tuple[int, ...] | None:
    (version,) = content.numbers("<I")
    if version not in (_VERSION_1, _VERSION_2, _VERSION_3):
        axes, each = version, "I"
    else:
        if version != _VERSION_1:
            (storage,) = content.numbers("<i")
            if storage != _DENSE:
                raise ValueError("it holds sparse arrays")
        (axes,), each = content.numbers("<i"), "q"
    if axes in (0, -1):
        return None if axes < 0 or version != _VERSION_3 else ()
    if not 0 < axes <= _MOST_AXES:
        raise ValueError(f"an array with {axes} axes")
    shape = content.numbers(f"<{axes}{each}")
    if min(shape) < 0:
        raise ValueError(f"an array of shape {shape}")
    return shape
