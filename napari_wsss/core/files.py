"""Files published so that a reader sees the old content or the whole new one; plain files read, JSON without trust.

What is read may have been written by anybody, or be damaged: neither its size, nor its depth, nor the kind of anything
in it is believed.
"""

import errno
import json
import os
import secrets
import shutil
import stat
import threading
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

MOST_BYTES = 2**31
"""Of a file that is read whole."""
MOST_RECORD_BYTES = 64 * 2**20
"""Of a JSON file; a run's reports of a million steps take half of it."""
MOST_UNZIPPED = 2**30
"""Of what a mask or a stroke keeps compressed: a byte or two for each of some hundred million pixels."""
LARGEST = 2**53
"""Whole number up to which a float is exact."""
PARSER = threading.Lock()
"""Held while Python's parser reads the header of an array (`array_header`)."""


@contextmanager
def publish(path: Path, *, lasting: bool = True) -> Iterator[IO[bytes]]:
    """Yield a binary file that replaces `path` when the block ends without an error.

    Temporary random name in the same folder, fsync, replace, fsync of the folder: after a crash the old file is
    still whole, and when the block has ended the new one is on disk. Missing parent folders are made.

    Parameters
    ----------
    lasting : bool
        False spares both fsyncs: quicker, but a power failure may leave a torn file. For what can be computed again and
        is verified on reading.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{secrets.token_hex(8)}.tmp")  # without its name, which may be as long as can be
    try:
        with temporary.open("wb") as file:
            yield file
            file.flush()
            if lasting:
                os.fsync(file.fileno())
        os.replace(temporary, path)
        if lasting:
            sync_folder(path.parent)
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def publish_folder(path: Path) -> Iterator[Path]:
    """Yield a folder that becomes `path`, where nothing lies, when the block ends without an error.

    Its files are not forced to disk: for what can be computed again. Missing parent folders are made.
    """
    temporary = path.with_name(f".{secrets.token_hex(8)}.tmp")
    temporary.mkdir(parents=True)
    try:
        yield temporary
        temporary.rename(path)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def publish_bytes(path: Path, content: bytes, *, lasting: bool = True) -> None:
    """Publish a file that holds just this; `lasting` as `publish` has it."""
    with publish(path, lasting=lasting) as file:
        file.write(content)


def publish_json(path: Path, record: object, **how: Any) -> None:
    """Publish a record of plain JSON types; `how` is for `json.dumps`."""
    publish_bytes(path, json.dumps(record, **how).encode())


def read_regular(path: Path, most: int = MOST_BYTES) -> bytes:
    """Return the content of a plain file.

    Parameters
    ----------
    most : int
        Bytes it may hold.

    Raises
    ------
    OSError
        When it is missing, cannot be read, is larger, or is no plain file: reading a named pipe waits for ever.
    """
    facts = path.stat()
    if not stat.S_ISREG(facts.st_mode) or facts.st_size > most:
        raise _irregular(path, facts, most)
    return path.read_bytes()


def unzipped(content: bytes, most: int = MOST_UNZIPPED) -> bytes:
    """Return what was compressed; raise `zlib.error` when it is damaged, `ValueError` when larger than `most` bytes."""
    packed = zlib.decompressobj()
    plain = packed.decompress(content, most)
    if packed.unconsumed_tail:
        raise ValueError(f"it would unpack to more than {most} bytes")
    if not packed.eof:
        raise zlib.error("it ends early")
    return plain


def check_regular(path: Path, most: int | None = None) -> None:
    """Raise `OSError` as `read_regular` does, without reading."""
    facts = path.stat()
    if not stat.S_ISREG(facts.st_mode) or (most is not None and facts.st_size > most):
        raise _irregular(path, facts, most)


def _irregular(path: Path, facts: os.stat_result, most: int | None) -> OSError:
    if not stat.S_ISREG(facts.st_mode):
        return OSError(errno.EINVAL, "is a folder, a pipe or a device, not a plain file", str(path))
    return OSError(errno.EFBIG, f"has {facts.st_size} bytes, more than the {most} expected", str(path))


def sync_folder(folder: Path) -> None:
    """Force a folder's entries to disk (a no-op where the system cannot open folders)."""
    if os.name != "posix":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def parsed(content: bytes | str) -> Any:
    """Return what a JSON text holds.

    Raises
    ------
    ValueError
        For anything else: not UTF-8, torn, nested too deeply, a number too long.
    """
    try:
        return json.loads(content)
    except RecursionError as reason:
        raise ValueError("it is nested too deeply") from reason


def parsed_object(content: bytes | str) -> dict[str, Any]:
    """Return the JSON object in a text; raise `ValueError` for anything else."""
    found = parsed(content)
    if not isinstance(found, dict):
        raise ValueError(f"it holds {type(found).__name__}, not a JSON object")
    return found


def read_object(path: Path, most: int = MOST_RECORD_BYTES) -> dict[str, Any]:
    """Return the JSON object in a file.

    Raises
    ------
    OSError
        As `core.files.read_regular`.
    ValueError
        When it holds something else.
    """
    return parsed_object(read_regular(path, most))


def whole(record: Mapping[str, Any], name: str, default: int = 0) -> int:
    """Return a whole number of a record, `default` where it is missing, something else, or beyond `LARGEST`."""
    value = number(record, name, default)
    return int(value) if abs(value) <= LARGEST else default


def number(record: Mapping[str, Any], name: str, default: float = 0.0) -> float:
    """Return a number of a record, `default` where it is missing or something else (an infinite one is kept)."""
    value = record.get(name, default)
    try:
        return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else default
    except OverflowError:
        return default


def text(record: Mapping[str, Any], name: str, default: str = "") -> str:
    """Return a text of a record, `default` where it is missing or something else."""
    value = record.get(name, default)
    return value if isinstance(value, str) else default


def mapping(record: Mapping[str, Any], name: str) -> dict[str, Any]:
    """Return an object of a record, an empty one where it is missing or something else."""
    value = record.get(name)
    return value if isinstance(value, dict) else {}


def texts(record: Mapping[str, Any], name: str) -> tuple[str, ...]:
    """Return the texts in a list of a record; none where it is missing or something else."""
    value = record.get(name)
    return tuple(one for one in value if isinstance(one, str)) if isinstance(value, list) else ()


def numbers(record: Mapping[str, Any], name: str) -> dict[str, float]:
    """Return the numbers in an object of a record, without its other entries."""
    inner = mapping(record, name)
    return {key: number(inner, key) for key, value in inner.items() if isinstance(value, int | float)}


def array_header(content: IO[bytes]) -> "tuple[tuple[int, ...], bool, np.dtype[Any]]":
    """Return shape, whether columns come first, and type of the ``.npy`` array that begins here; raises as numpy does.

    One thread at a time: numpy asks Python's parser, which before Python 3.11.8 may fail where two threads use it.
    """
    import numpy as np

    version = np.lib.format.read_magic(content)
    head = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    with PARSER:
        found: tuple[tuple[int, ...], bool, np.dtype[Any]] = head(content)
    return found
