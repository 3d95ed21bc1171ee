"""OME-Zarr folders (0.4 and 0.5) as pictures: the first level of their pyramid, plane by plane, read by `zarr`.

A folder may be a stranger's: only plain numbers packed by compressors that are known here are unpacked (one of the
packings that zarr offers runs code), and nothing is read outside the folder.
"""

import hashlib
import math
from collections.abc import Iterator, Mapping
from contextlib import suppress
from functools import lru_cache
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from napari_wsss.core.errors import ProjectError
from napari_wsss.core.files import mapping, read_object, text
from napari_wsss.core.inside import below
from napari_wsss.pixels.decoding.stack import CHANNEL, Stack, plain, size_text
from napari_wsss.pixels.decoding.tiff_bands import Bands

SUFFIX = ".ome.zarr"
INSTALL = 'reading OME-Zarr needs the package zarr. Install it with: pip install "napari-wsss[formats]"'
PACKINGS = frozenset(
    {"bitround", "blosc", "bytes", "bz2", "crc32", "crc32c", "delta", "endian", "gzip", "lz4", "lzma", "packbits"}
    | {"sharding_indexed", "shuffle", "transpose", "zlib", "zstd"}
)
"""Compressors and filters of Zarr 2 and 3 that are unpacked; of others (``pickle``) nothing is."""
_PREFIX = "numcodecs."
_UNITS = {"micrometer": "µm", "nanometer": "nm", "millimeter": "mm"}
_MOST_CHUNK_BYTES = 2**31
_MOST_AXES = 5
_OLD_AXES = "TCZYX"
"""Of versions before 0.4, which say none."""


def is_store(path: Path) -> bool:
    """Tell whether a path is that of an OME-Zarr folder."""
    return path.name.lower().endswith(SUFFIX) and path.is_dir()


def look(path: Path) -> Stack | None:
    """Return what a folder holds, None where it says nothing that can be followed."""
    with suppress(ProjectError, OSError, ValueError):
        facts = Facts.of(path)
        facts.check_whole()
        return facts.stack
    return None


def read_plane(path: Path, plane: int) -> tuple[NDArray[Any], Bands, int]:
    """Return all channels (H, W, C) of one plane (from 1) as stored, what they are, and an orientation, always 1.

    Raises
    ------
    ProjectError
        When the folder is none, lacks the plane, is packed in a way that is not unpacked, or zarr is not installed.
    OSError, ValueError ...
        When a part of it is damaged (the caller names it).
    """
    facts = Facts.of(path)
    facts.check(plane)
    facts.check_whole()
    array = facts.array()
    others = [length for axis, length in facts.leading if axis != CHANNEL]
    place = iter(int(at) for at in np.unravel_index(plane - 1, others)) if others else iter(())
    wanted = [range(length) if axis == CHANNEL else (next(place),) for axis, length in facts.leading]
    found = [np.asarray(array[(*index, slice(None), slice(None))]) for index in product(*wanted)]
    return np.stack(found, axis=2), facts.bands, 1


def plane_header(path: Path, plane: int) -> tuple[tuple[int, int], Bands]:
    """Return size (height, width) of a plane and what its channels are, without reading it; errors as `read_plane`."""
    facts = Facts.of(path)
    facts.check(plane)
    return facts.size, facts.bands


def content_hash(path: Path) -> str:
    """Return the SHA-256 of everything in a folder: names and contents, in the order of names.

    Raises
    ------
    OSError
        When something in it cannot be read, or is no plain file.
    """
    whole = hashlib.sha256()
    for file in sorted(path.rglob("*")):
        if file.is_dir() and not file.is_symlink():
            continue
        if file.is_symlink() or not file.is_file():
            raise OSError(f"{file} is a link or no plain file")
        with file.open("rb") as stream:
            digest = hashlib.file_digest(stream, "sha256").hexdigest()
        whole.update(f"{file.relative_to(path).as_posix()}\0{digest}\n".encode(errors="surrogateescape"))
    return whole.hexdigest()


def check_array(folder: Path) -> None:
    """Raise `ProjectError` for an array's folder that is packed by what is not unpacked here, or says nothing."""
    _check_packing(_described(folder, ".zarray", ""))


def _check_packing(stored: Mapping[str, Any]) -> None:
    strange = sorted(set(_packings(stored)) - PACKINGS)
    if strange:
        raise ProjectError(f"it is packed by {', '.join(map(plain, strange))}, which is not unpacked here")


class Facts:
    """What the descriptions in a folder say, each of it checked.

    Attributes
    ----------
    leading : list of (str, int)
        Axes before height and width, with their lengths.
    size : (int, int)
    """

    def __init__(self, path: Path, said: Mapping[str, Any], stored: Mapping[str, Any], level: str) -> None:
        self._path, self._level, self._stored = path, level, stored
        shape = tuple(one for one in stored.get("shape", ()) if isinstance(one, int) and one > 0)
        axes = _axes(said, len(shape))
        if len(axes) != len(shape) or axes[-2:] != "YX" or len(shape) != len(stored.get("shape", ())):
            raise ProjectError(f"its axes {axes or 'are not said'}, its lengths {shape}: expected ... y, x")
        self.size = shape[-2], shape[-1]
        self.leading = list(zip(axes[:-2], shape[:-2], strict=True))
        kept = [(axis, length) for axis, length in self.leading if axis != CHANNEL]
        planes, channels = math.prod(n for _, n in kept), math.prod(n for a, n in self.leading if a == CHANNEL)
        names, self._is_rgb = _channels(said, channels)
        lengths, letters = tuple(n for _, n in kept), "".join(a for a, _ in kept)
        self.stack = Stack(
            planes, channels, letters if planes > 1 else "", lengths if planes > 1 else (), names, _pixel_size(said)
        )

    @classmethod
    def of(cls, path: Path) -> "Facts":
        """Return what the folder says; `ProjectError` where that cannot be followed."""
        try:
            facts = path.stat()
        except OSError as reason:
            raise ProjectError(str(reason)) from reason
        return cls._kept(path, facts.st_mtime_ns)

    @staticmethod
    @lru_cache(maxsize=256)
    def _kept(path: Path, _time: int) -> "Facts":
        said = _described(path, ".zattrs", "attributes")
        said = mapping(said, "ome") or said  # below it since version 0.5
        levels = _records(said, "multiscales")
        if not levels:
            raise ProjectError("it says nothing of a picture (multiscales)")
        level = text(next(iter(_records(levels[0], "datasets")), {}), "path", "0")
        return Facts(path, said, _described(below(path, level), ".zarray", ""), level)

    @property
    def bands(self) -> Bands:
        """Which channels are colour: red, green and blue of 8 bits, else the first alone."""
        count = self.stack.channels
        if count == 1:
            return Bands(1)
        return Bands(3) if self._is_rgb else Bands(1, None, f"first of {count} channels")

    def check_whole(self) -> None:
        """Raise `ProjectError` where a plane is larger than any picture that is read as a whole."""
        if math.prod(self.size) > 2 * (Image.MAX_IMAGE_PIXELS or math.inf):
            raise ProjectError(f"it is of {self.size[0]} x {self.size[1]} pixels, more than is read")

    def check(self, plane: int) -> None:
        """Raise `ProjectError` where there is no such plane."""
        if not 1 <= plane <= self.stack.planes:
            raise ProjectError(
                f"it holds {self.stack.planes} plane(s), not plane {plane}: was it replaced? Put back the one that the "
                "project was made of, or exclude the image"
            )

    def array(self) -> Any:
        """Return the open array of the first level."""
        _check_packing(self._stored)
        try:
            import zarr
        except ModuleNotFoundError as missing:
            raise ProjectError(INSTALL) from missing
        array = zarr.open_array(str(below(self._path, self._level)), mode="r")
        if array.dtype.kind not in "uifb" or array.shape[-2:] != self.size:
            raise ProjectError(f"it holds {array.dtype} values of {array.shape}, expected numbers")
        if math.prod(array.chunks) * array.dtype.itemsize > _MOST_CHUNK_BYTES:
            raise ProjectError(f"its chunks of {array.chunks} values are larger than is read")
        return array


def _described(folder: Path, second: str, below_key: str) -> dict[str, Any]:
    """Return what a group or an array says: of Zarr 3 ``zarr.json`` (or a part of it), else the file of Zarr 2."""
    for name, key in (("zarr.json", below_key), (second, "")):
        if (folder / name).is_file():
            try:
                found = read_object(folder / name)
            except (OSError, ValueError) as reason:
                raise ProjectError(f"{name} cannot be read ({reason})") from reason
            return mapping(found, key) if key else found
    raise ProjectError(f"there is neither zarr.json nor {second}")


def _records(record: Mapping[str, Any], name: str) -> list[dict[str, Any]]:
    found = record.get(name)
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []


def _axes(said: Mapping[str, Any], count: int) -> str:
    """Return the letters of the axes, "" where they are not said so that they can be told apart."""
    axes = _records(said, "multiscales")[0].get("axes")
    if axes is None:
        return _OLD_AXES if count == len(_OLD_AXES) else ""
    if not isinstance(axes, list) or len(axes) > _MOST_AXES:
        return ""
    names = [text(one, "name") if isinstance(one, dict) else one for one in axes]
    letters = [name.upper() for name in names if isinstance(name, str) and len(name) == 1 and name.isalpha()]
    return "".join(letters) if len(set(letters)) == len(axes) else ""


def _channels(said: Mapping[str, Any], count: int) -> tuple[tuple[str, ...], bool]:
    """Return names of channels, and whether they are red, green and blue."""
    channels = _records(mapping(said, "omero"), "channels")
    names = tuple(plain(text(one, "label")) for one in channels)
    colours = [text(one, "color").upper() for one in channels]
    is_rgb = count == 3 and colours == ["FF0000", "00FF00", "0000FF"] and names == ("red", "green", "blue")
    return (names if any(names) and not is_rgb else ()), is_rgb


def _pixel_size(said: Mapping[str, Any]) -> str:
    levels = _records(said, "multiscales")[0]
    axes, datasets = _records(levels, "axes"), _records(levels, "datasets")
    scales = [one.get("scale") for one in _records(datasets[0], "coordinateTransformations")] if datasets else []
    scale = next((one for one in scales if isinstance(one, list) and len(one) == len(axes) >= 2), None)
    unit = text(axes[-1], "unit") if axes else ""
    return size_text(scale[-1], scale[-2], _UNITS.get(unit, unit)) if scale and unit else ""


def _packings(stored: Mapping[str, Any]) -> Iterator[str]:
    """Yield the names of everything that the values of an array go through."""
    compressor = stored.get("compressor")
    filters = stored.get("filters")
    for one in (*([compressor] if compressor else []), *(filters if isinstance(filters, list) else [])):
        yield text(one, "id") if isinstance(one, dict) else ""
    yield from _codecs(stored.get("codecs"))


def _codecs(found: Any) -> Iterator[str]:
    for one in found if isinstance(found, list) else []:
        yield (text(one, "name") if isinstance(one, dict) else "").removeprefix(_PREFIX)
        inner = mapping(one, "configuration") if isinstance(one, dict) else {}
        yield from _codecs(inner.get("codecs"))
        yield from _codecs(inner.get("index_codecs"))
