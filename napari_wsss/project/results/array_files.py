"""Files of arrays that tell which image they are of and whether they are whole: ``.npz``, read without trust.

A file may be damaged, half-written or a stranger's: sizes are looked at before anything is unpacked, and what a file
says of itself is compared with what it holds.
"""

import errno
import hashlib
import io
import math
import struct
import tokenize
import zipfile
import zlib
from collections.abc import Mapping
from operator import attrgetter
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_wsss.core.errors import ProjectError, StepError
from napari_wsss.core.files import PARSER

_QUICK = 1
"""Level of compression: 6 takes twice as long and saves 3 to 7 %."""
MOST_ARRAY_BYTES = 2**32
"""Of all arrays of one file, unpacked; what is larger is refused before it is unpacked."""
DAMAGE = (
    OSError,
    ValueError,
    TypeError,
    KeyError,
    IndexError,
    AttributeError,
    OverflowError,
    EOFError,
    MemoryError,
    RuntimeError,
    SyntaxError,
    SystemError,
    struct.error,
    tokenize.TokenError,
    zipfile.BadZipFile,
    zlib.error,
    StepError,
    ProjectError,
)
"""What reading a damaged or foreign file can raise; numpy reads headers by Python's own parser."""


def packed(image_hash: str, arrays: Mapping[str, NDArray[np.generic]], *, compressed: bool = False) -> bytes:
    """Return arrays by name as an ``.npz`` file that tells its image's content and whether it is whole."""
    method = zipfile.ZIP_DEFLATED if compressed else zipfile.ZIP_STORED
    buffer = io.BytesIO()
    told = {"image": np.asarray(image_hash), "digest": np.asarray(_digest(image_hash, arrays))}
    with zipfile.ZipFile(buffer, "w", method, compresslevel=_QUICK) as archive:
        for name, array in (told | dict(arrays)).items():
            with archive.open(f"{name}.npy", "w", force_zip64=True) as entry:
                np.lib.format.write_array(entry, array, allow_pickle=False)
    return buffer.getvalue()


def unpacked(path: Path, image_hash: str) -> dict[str, NDArray[Any]] | None:
    """Return the arrays of a file that `packed` made, by name.

    Returns
    -------
    dict of arrays, or None
        None when it is of another content of the image, or holds other arrays than it says.

    Raises
    ------
    Exception
        One of `DAMAGE`, when it cannot be read.
    """
    arrays = read_arrays(path)
    found = (str(arrays.pop("image")), str(arrays.pop("digest")))
    return arrays if found == (image_hash, _digest(image_hash, arrays)) else None


def read_arrays(path: Path, only: str = "", most: int = MOST_ARRAY_BYTES) -> dict[str, NDArray[Any]]:
    """Return the arrays of an ``.npz`` file by name, after a look at what their headers say of their sizes.

    Parameters
    ----------
    only : str
        Read just the array of this name.
    most : int
        Bytes that all of them may have.

    Raises
    ------
    Exception
        One of `DAMAGE`, when it is no such file, holds Python objects, or is larger than `most`.
    """
    if not path.is_file():
        raise FileNotFoundError(errno.ENOENT, "is no file", str(path))
    found: dict[str, NDArray[Any]] = {}
    with zipfile.ZipFile(path) as archive:
        size = sum(map(attrgetter("file_size"), archive.infolist()))
        if size > most:
            raise ValueError(f"{path} would unpack to {size} bytes, more than the {most} expected")
        for entry in archive.infolist():
            name = entry.filename.removesuffix(".npy")
            if only in ("", name):
                found[name] = _read_array(archive, entry)
    return found


def _read_array(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> NDArray[Any]:
    with archive.open(entry) as content:
        version = np.lib.format.read_magic(content)
        head = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        with PARSER:  # as `array_header`, which would be one more call for each of very many arrays
            shape, is_column_wise, dtype = head(content)
        size = math.prod(shape) * dtype.itemsize
        if dtype.hasobject or min(shape, default=0) < 0 or content.tell() + size != entry.file_size:
            raise ValueError(f"{entry.filename} holds Python objects, or not what its header says")
        values = np.frombuffer(bytearray(content.read(size)), dtype) if size else np.empty(math.prod(shape), dtype)
    return values.reshape(shape, order="F" if is_column_wise else "C")


def _digest(image_hash: str, arrays: Mapping[str, NDArray[np.generic]]) -> str:
    digest = hashlib.sha256(image_hash.encode())
    for name in sorted(arrays):
        array = np.ascontiguousarray(arrays[name])
        digest.update(f"{name} {array.dtype.str} {array.shape}".encode())
        digest.update(array.tobytes())
    return digest.hexdigest()
