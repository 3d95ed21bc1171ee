"""NumPy files of other tools, read without trust: no code in them runs, and no header is believed.

``.npy`` files of objects hold a pickle. It is unpickled by a machine that knows nothing but plain Python values and
NumPy arrays of numbers (and PyTorch's tensors, which IRN saves its maps as), and builds these itself.
"""

import io
import math
import pickle
import struct
import tokenize
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from napari_wsss.core.errors import LabelError
from napari_wsss.core.files import MOST_BYTES, array_header, check_regular, read_regular

MOST_PICKLED = 2**29
_COLOURS = (3, 4)
_DAMAGE = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    EOFError,
    LookupError,
    MemoryError,
    NotImplementedError,
    RecursionError,
    TypeError,
    UnicodeError,
    ValueError,
    pickle.UnpicklingError,
    struct.error,
    SyntaxError,
    SystemError,
    tokenize.TokenError,
)
"""What a damaged header or pickle can raise."""
_MODULES = frozenset(
    {"numpy", "numpy.core.multiarray", "numpy._core.multiarray", "numpy.core.numeric", "numpy._core.numeric"}
)


def read_array(path: Path) -> NDArray[Any]:
    """Return the array of numbers in a ``.npy`` file.

    Raises
    ------
    LabelError
        When it is none, or holds Python objects.
    """
    found = _read(path, objects_too=False)
    assert isinstance(found, np.ndarray)
    return found


def pages_of(shape: Sequence[int]) -> int:
    """Return how many masks an array of this shape holds one after the other, 0 where it is one mask or none.

    Axes of length 1 do not count; a last axis of 3 or 4 holds colours.
    """
    sides = _sides(shape)
    return sides[0] if len(sides) == 3 and min(sides) > 0 and sides[2] not in _COLOURS else 0


def pages_in_file(path: Path) -> int:
    """Return `pages_of` the array of numbers in a ``.npy`` file without reading it, 0 where it holds none."""
    try:
        with _header(path) as (file, shape, _, dtype):
            size = path.stat().st_size - file.tell()
            return pages_of(shape) if math.prod(shape) * dtype.itemsize == size and not dtype.hasobject else 0
    except LabelError:
        return 0


def read_page(path: Path, page: int) -> NDArray[Any]:
    """Return the mask (H, W) of one page (from 1) of a ``.npy`` file with several; where it can, reads no other page.

    Raises
    ------
    LabelError
        When there is no such page, or the file is damaged.
    """
    with _header(path) as (file, shape, by_column, dtype):
        if dtype.hasobject or not 1 <= page <= pages_of(shape):
            raise ValueError(f"no page {page} in an array of {dtype} and shape {shape}")
        sides = _sides(shape)
        if not by_column:
            size = math.prod(sides[1:]) * dtype.itemsize
            file.seek((page - 1) * size, io.SEEK_CUR)
            return _numbers(file.read(min(size, MOST_BYTES)), dtype, sides[1:], False)
    found: NDArray[Any] = read_array(path).reshape(sides)[page - 1]
    return found


def _sides(shape: Sequence[int]) -> list[int]:
    return [int(side) for side in shape if side != 1]


@contextmanager
def _header(path: Path) -> Iterator[tuple[IO[bytes], tuple[int, ...], bool, np.dtype[Any]]]:
    """Open a ``.npy`` file behind its header; what is wrong with it, then and while it is read, is a `LabelError`."""
    with _damage_told(path):
        check_regular(path)
        with path.open("rb") as file:
            yield file, *array_header(file)


@contextmanager
def _damage_told(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as reason:
        raise LabelError(f"{path.name} cannot be read ({reason}).") from reason
    except _DAMAGE as reason:
        raise LabelError(f"{path.name} cannot be read as a NumPy file ({reason}).") from reason


def read_records(path: Path) -> dict[Any, Any]:
    """Return the dictionary in a ``.npy`` file of objects, as ``np.save(path, {...})`` writes it.

    Its arrays of numbers are arrays; what else is no plain Python value is left as something that is none.

    Raises
    ------
    LabelError
        When it holds anything else, or anything that would run code.
    """
    found = _read(path, objects_too=True)
    if not isinstance(found, dict):
        raise LabelError(f"{path.name} is an array of {found.dtype}; expected a dictionary of arrays.")
    return found


def read_array_or_records(path: Path) -> NDArray[Any] | dict[Any, Any]:
    """Return the array of numbers, or the dictionary, in a ``.npy`` file; errors as `read_records`."""
    found: NDArray[Any] | dict[Any, Any] = _read(path, objects_too=True)
    return found


def _read(path: Path, *, objects_too: bool) -> Any:
    with _damage_told(path):
        content = io.BytesIO(read_regular(path, MOST_BYTES))
        shape, by_column, dtype = array_header(content)
        if dtype.hasobject:
            if not objects_too:
                raise LabelError(f"{path.name} holds Python objects; expected an array of numbers.")
            return _unpickled(content)
        return _numbers(content.read(), dtype, shape, by_column)


def _numbers(raw: Any, dtype: np.dtype[Any], shape: Any, by_column: bool) -> NDArray[Any]:
    """Return an array of numbers out of its bytes, which must be as many as its shape says."""
    sides = tuple(int(side) for side in shape)
    if dtype.kind not in "biufUS" or min(sides, default=0) < 0 or len(raw) != math.prod(sides) * dtype.itemsize:
        raise ValueError(f"an array of {dtype} and shape {sides} in {len(raw)} bytes")
    return np.frombuffer(bytes(raw), dtype).reshape(sides, order="F" if by_column else "C").copy()


def _unpickled(content: io.BytesIO) -> dict[Any, Any]:
    if len(content.getbuffer()) > MOST_PICKLED:
        raise ValueError(f"a pickle of more than {MOST_PICKLED} bytes")
    found = _Plain(content, encoding="latin1").load()
    if isinstance(found, _Array):
        found = found.only()
    if not isinstance(found, Mapping):
        raise ValueError(f"it holds {type(found).__name__}, not a dictionary")
    return {key: value.array() if isinstance(value, _Array) else value for key, value in found.items()}


class _Array:
    """An array while it is unpickled: what NumPy's own would do with a state is done here, checked."""

    def __init__(self) -> None:
        self._state: Any = None

    def __setstate__(self, state: Any) -> None:
        self._state = state

    def only(self) -> Any:
        """Return the one object of an array of objects without axes."""
        _, shape, dtype, _, values = self._state
        if tuple(shape) or not (isinstance(dtype, _Dtype) and dtype.is_object) or len(values) != 1:
            raise ValueError("expected one dictionary")
        return values[0]

    def array(self) -> Any:
        """Return the array of numbers; None for one of objects, which nothing here asks for."""
        _, shape, dtype, by_column, raw = self._state
        if not isinstance(dtype, _Dtype) or dtype.is_object:
            return None
        return _numbers(raw.encode("latin1") if isinstance(raw, str) else raw, dtype.plain(), shape, bool(by_column))


class _Dtype:
    """A type of numbers while it is unpickled."""

    def __init__(self, code: Any, *_: Any) -> None:
        self._code, self._order = str(code), "="

    def __setstate__(self, state: Any) -> None:
        self._order = str(state[1])

    @property
    def is_object(self) -> bool:
        return self._code.lstrip("|<>=").startswith("O")

    def plain(self) -> np.dtype[Any]:
        """Return NumPy's."""
        found = np.dtype(self._code)
        return found.newbyteorder("<" if self._order == "<" else ">") if self._order in ("<", ">") else found


def _scalar(dtype: Any, raw: Any = b"") -> Any:
    plain = raw.encode("latin1") if isinstance(raw, str) else raw
    return _numbers(plain, dtype.plain(), (), False)[()] if not dtype.is_object else None


def _from_buffer(raw: Any, dtype: Any, shape: Any, order: Any) -> _Array:
    made = _Array()
    made.__setstate__((1, shape, dtype, order == "F", bytes(raw)))
    return made


class _Storage:
    """A tensor's numbers while it is unpickled."""

    def __init__(self, raw: bytes, dtype: np.dtype[Any]) -> None:
        self.raw, self.dtype = raw, dtype


def _storage(content: Any) -> _Storage:
    """Return a storage out of what ``torch.save`` wrote in its legacy format: five pickles, a count, the numbers."""
    stream = io.BytesIO(bytes(content))
    for _ in range(3):  # a magic number, the version, the system
        _Plain(stream, encoding="latin1").load()
    dtype = _Plain(stream, encoding="latin1").load()
    _Plain(stream, encoding="latin1").load()  # the storage's key
    count = int.from_bytes(stream.read(8), "little")
    raw = stream.read()
    if not isinstance(dtype, np.dtype) or len(raw) != count * dtype.itemsize:
        raise ValueError("a tensor whose numbers are not all there")
    return _Storage(raw, dtype)


def _tensor(storage: Any, offset: int, size: Any, stride: Any, *_: Any) -> _Array:
    """Return a tensor as an array; only whole ones in C order, as ``numpy()`` and ``cpu()`` of a new one are."""
    expected = [math.prod(size[at + 1 :]) for at in range(len(size))]
    if not all(step == wanted or side == 1 for step, wanted, side in zip(stride, expected, size, strict=True)):
        raise ValueError("a tensor that is a view of another one; save it with .contiguous()")
    start = offset * storage.dtype.itemsize
    raw = storage.raw[start : start + math.prod(size) * storage.dtype.itemsize]
    made = _Array()
    made.__setstate__((1, size, _Dtype(storage.dtype.str), False, raw))
    return made


_NUMPY: dict[str, Any] = {
    "_reconstruct": lambda *_: _Array(),
    "ndarray": None,
    "dtype": _Dtype,
    "scalar": _scalar,
    "_frombuffer": _from_buffer,
}
_STORAGES = {"Float": "<f4", "Double": "<f8", "Half": "<f2", "Long": "<i8", "Int": "<i4", "Byte": "|u1", "Bool": "|b1"}
_KNOWN: dict[tuple[str, str], Any] = {
    **{(module, name): made for module in _MODULES for name, made in _NUMPY.items()},
    **{("torch", f"{name}Storage"): np.dtype(code) for name, code in _STORAGES.items()},
    ("torch._utils", "_rebuild_tensor_v2"): _tensor,
    ("torch.storage", "_load_from_bytes"): _storage,
    ("collections", "OrderedDict"): dict,
    ("_codecs", "encode"): lambda value, *_: str(value).encode("latin1"),
}
"""What a pickle may name -> what stands for it here."""


class _Plain(pickle._Unpickler):
    """Python's own unpickler: that of C makes room for whatever a pickle asks for."""

    def find_class(self, module: str, name: str) -> Any:
        """Return what stands for a name; anything but arrays and tensors is refused."""
        if (module, name) not in _KNOWN:
            raise pickle.UnpicklingError(f"it asks for {module}.{name}; only arrays are taken")
        return _KNOWN[module, name]

    def persistent_load(self, key: Any) -> Any:
        """Return the type of the numbers of a storage that is named."""
        return key[1]
