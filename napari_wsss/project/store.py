"""Reads and writes machine results by (provenance, image); every file is disposable and verified on reading.

A result counts only while its image's content is the one it was computed from: a replaced image, a damaged file or
a half-written one reads as absent. Two processes may write the same result at once; readers see one of them whole.
"""

import errno
import hashlib
import io
import math
import os
import secrets
import shutil
import struct
import tokenize
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from operator import attrgetter
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from napari_wsss.core.errors import ProjectError, StepError
from napari_wsss.core.files import MOST_RECORD_BYTES, PARSER, publish, publish_bytes, publish_json, read_regular
from napari_wsss.core.inside import below, is_link, not_through_links
from napari_wsss.core.maps import ActivationMaps
from napari_wsss.core.masks import decode_mask, encode_mask
from napari_wsss.core.provenance import Provenance
from napari_wsss.core.spread import is_spread, spread
from napari_wsss.pixels.images import is_image_name
from napari_wsss.pixels.surest_regions import Guarded
from napari_wsss.pixels.tap_features import TapFeatures

IMAGE_TEXT = "wsss-image"
DOUBTFUL_TEXT = "wsss-doubtful"
_STEPS = 4096
SCORE_ERROR = 0.5 / _STEPS
"""Of scores in [0, 1], which are kept as whole numbers of steps: they pack better than half precision, and quicker."""
_ROUNDING = 1e-6
_QUICK = 1
"""Level of compression: 6 takes twice as long and saves 3 to 7 %."""
_OF_TAPS = ("planes", "lows", "steps")
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


class ResultStore:
    """Results in ``<folder>/<step>-<key>/<place>.npz`` (maps, features) and ``.png`` (masks).

    The place of an image is `core.spread.spread`'s; results that lie as the image does, as those of earlier versions
    do, are read too (`spread_out` moves them).

    Parameters
    ----------
    folder : Path
        The project's ``results`` folder; made when something is written.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def path(self, provenance: Provenance, image_id: str, suffix: str = ".npz") -> Path:
        """Return where a result lies, or would be written."""
        name = f"{provenance.step}-{provenance.key}"
        path = below(self.folder, f"{name}/{spread(image_id)}{suffix}")
        if not os.path.exists(path):
            before = below(self.folder, f"{name}/{image_id}{suffix}")
            return before if os.path.exists(before) else path
        return path

    def _target(self, provenance: Provenance, image_id: str, suffix: str) -> Path:
        """Return where a result is written; `ProjectError` for an image whose id leads out of the folder."""
        below(self.folder, image_id)
        return below(self.folder, f"{provenance.step}-{provenance.key}/{spread(image_id)}{suffix}")

    def has(self, provenance: Provenance, image_id: str, image_hash: str) -> bool:
        """Tell whether maps for this content of the image are stored; damage shows only when they are read."""
        try:
            return str(read_arrays(self.path(provenance, image_id), only="image")["image"]) == image_hash
        except DAMAGE:
            return False

    def write_maps(self, provenance: Provenance, image_id: str, image_hash: str, maps: ActivationMaps) -> None:
        """Store maps; scores in [0, 1] are kept to within `SCORE_ERROR`, others in full, `cells` in place of scores.

        Raises
        ------
        StepError
            When they hold values that are no numbers: nothing made of them would mean anything.
        """
        self.check_maps(provenance, image_id, maps)
        arrays: dict[str, NDArray[np.generic]] = {"classes": np.asarray(maps.classes, np.int64)}
        if maps.cells is not None:
            arrays |= {"cells": _stepped(maps.cells), "size": np.asarray(maps.size, np.int64)}
        else:
            arrays["scores"] = _stepped(maps.scores)
        if maps.cells is None and maps.background is not None:
            arrays["background"] = _stepped(maps.background)
        if maps.undecided is not None:
            arrays["undecided"] = maps.undecided
        content = _packed(image_hash, arrays, zipfile.ZIP_DEFLATED)
        self._publish(provenance, self._target(provenance, image_id, ".npz"), content)

    def check_maps(self, provenance: Provenance, image_id: str, maps: ActivationMaps) -> None:
        """Raise `StepError` for maps that `write_maps` does not keep."""
        if not _is_sound(maps):
            raise StepError(
                f"The maps of {image_id} from {provenance.step} hold values that are no numbers (NaN), and are not "
                "kept. Choose another model, or train again."
            )

    def read_maps(self, provenance: Provenance, image_id: str, image_hash: str) -> ActivationMaps | None:
        """Return the stored maps, None when absent, damaged, no numbers, or made from another content of the image."""
        try:
            arrays = _unpacked(self.path(provenance, image_id), image_hash)
            if arrays is None:
                return None
            classes, undecided = tuple(arrays["classes"]), arrays.get("undecided")
            if "cells" in arrays:
                maps = _enlarged(_scores(arrays["cells"]), classes, arrays["size"], undecided)
            else:
                background = _scores(arrays["background"]) if "background" in arrays else None
                maps = ActivationMaps(_scores(arrays["scores"]), classes, background, undecided)
            return maps if _is_sound(maps) else None
        except DAMAGE:
            return None

    def write_features(self, provenance: Provenance, image_id: str, image_hash: str, features: TapFeatures) -> None:
        """Store features of several taps, uncompressed: they hardly shrink, and are read at every proposal."""
        arrays: dict[str, NDArray[np.generic]] = {"size": np.asarray(features.size, np.int64)}
        for name in _OF_TAPS:
            arrays |= {f"{name}{at}": array for at, array in enumerate(getattr(features, name))}
        self._publish(provenance, self._target(provenance, image_id, ".npz"), _packed(image_hash, arrays))

    def read_features(self, provenance: Provenance, image_id: str, image_hash: str) -> TapFeatures | None:
        """Return the stored features, None when absent, damaged, or made from another content of the image."""
        try:
            arrays = _unpacked(self.path(provenance, image_id), image_hash)
            if arrays is None:
                return None
            height, width = (int(side) for side in arrays.pop("size"))
            count = len(arrays) // len(_OF_TAPS)
            parts = (tuple(arrays[f"{name}{at}"] for at in range(count)) for name in _OF_TAPS)
            return TapFeatures((height, width), *parts)
        except DAMAGE:
            return None

    def write_mask(
        self,
        provenance: Provenance,
        image_id: str,
        image_hash: str,
        values: NDArray[np.uint8],
        doubtful: tuple[int, ...] = (),
    ) -> None:
        """Store a machine's mask (H, W) uint8, and the 0-based classes it is in doubt of."""
        text = {IMAGE_TEXT: image_hash, DOUBTFUL_TEXT: " ".join(map(str, doubtful))}
        self._publish(provenance, self._target(provenance, image_id, ".png"), encode_mask(values, text=text))

    def read_mask(self, provenance: Provenance, image_id: str, image_hash: str) -> NDArray[np.uint8] | None:
        """Return the stored mask, None when absent, damaged, or made from another content of the image."""
        found = self._read_mask(provenance, image_id, image_hash)
        return found[0] if found else None

    def read_guarded(self, provenance: Provenance, image_id: str, image_hash: str) -> Guarded | None:
        """Return the stored mask and the classes it is in doubt of, None also where nobody noted these."""
        found = self._read_mask(provenance, image_id, image_hash)
        if found is None or DOUBTFUL_TEXT not in found[1]:
            return None
        return Guarded(found[0], tuple(map(int, found[1][DOUBTFUL_TEXT].split())))

    def _read_mask(
        self, provenance: Provenance, image_id: str, image_hash: str
    ) -> tuple[NDArray[np.uint8], dict[str, str]] | None:
        try:
            values, text = decode_mask(read_regular(self.path(provenance, image_id, ".png")))
        except DAMAGE:
            return None
        return (values, text) if text.get(IMAGE_TEXT) == image_hash else None

    @contextmanager
    def large_file(self, provenance: Provenance, image_id: str) -> Iterator[IO[bytes]]:
        """Give a file for a mask that is larger than the memory, a ``.tif``; it is there once it is whole."""
        path = self._target(provenance, image_id, ".tif")
        self._tell(provenance, path)
        with publish(path, lasting=False) as file:
            yield file

    def _publish(self, provenance: Provenance, path: Path, content: bytes) -> None:
        self._tell(provenance, path)
        publish_bytes(path, content, lasting=False)

    def _tell(self, provenance: Provenance, path: Path) -> None:
        """Have a folder of results say what decided them."""
        record = below(self.folder, f"{provenance.step}-{provenance.key}/provenance.json")
        not_through_links(self.folder.parent, path.parent)
        if not record.exists():
            publish_json(record, provenance.to_dict(), indent=1, sort_keys=True)

    def size_bytes(self, stage: str | None = None) -> int:
        """Return how many bytes the results (of one stage) take on disk."""
        total = 0
        for folder in self._folders(stage):
            for path in folder.rglob("*"):
                try:
                    total += path.stat().st_size if path.is_file() else 0
                except FileNotFoundError:  # removed meanwhile by another process
                    continue
        return total

    def clear(self, stage: str | None = None, but: Provenance | None = None) -> None:
        """Delete all results, or those of a stage: a shelf (``localize``) or a step (``localize.cam``).

        Those of the provenance `but` stay, and so does whatever a link leads to.
        """
        kept = f"{but.step}-{but.key}" if but else ""
        _delete(folder for folder in self._folders(stage) if folder.name != kept)

    def spread_out(self) -> int:
        """Move results of earlier versions, which lay as their images do, to their places; return how many.

        Each is moved at once or stays, and is read wherever it lies: this may be broken off.
        """
        moved = 0
        for folder in self._folders(None):
            if not (folder / "provenance.json").is_file():
                continue
            for path in list(_files(folder)):
                place = path.relative_to(folder).with_suffix("").as_posix()
                if path.suffix not in (".npz", ".png") or not is_image_name(path.stem) or is_spread(place):
                    continue
                target = folder / f"{spread(place)}{path.suffix}"
                target.parent.mkdir(exist_ok=True)
                path.unlink() if target.exists() else path.rename(target)
                moved += 1
            for inner in sorted((path for path in folder.rglob("*") if path.is_dir()), reverse=True):
                with suppress(OSError):  # what is not empty stays
                    inner.rmdir()
        return moved

    def forget(self, weights: str) -> None:
        """Delete what a model computed, and all that was made of it.

        Parameters
        ----------
        weights : str
            The content hash of its file.
        """
        _delete(folder for folder in self._folders(None) if _is_made_by(folder, weights))

    def _folders(self, stage: str | None) -> Iterator[Path]:
        if not self.folder.is_dir() or is_link(self.folder):
            return
        for folder in sorted(self.folder.iterdir()):
            step = folder.name.lstrip(".").rpartition("-")[0]
            if is_link(folder) or not folder.is_dir():
                continue
            if stage is None or step == stage or step.startswith(f"{stage}."):
                yield folder


def _files(folder: Path) -> Iterator[Path]:
    """Yield the files below a folder, without following links."""
    for inside, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not is_link(Path(inside, name))]
        yield from (Path(inside, name) for name in names)


def _delete(folders: Iterable[Path]) -> None:
    """Delete folders of results; each is renamed first, so that no reader ever sees a half-deleted one."""
    for folder in list(folders):
        doomed = folder.with_name(f".{folder.name}.{secrets.token_hex(4)}.deleted")
        try:
            folder.rename(doomed)
        except FileNotFoundError:
            continue
        shutil.rmtree(doomed, ignore_errors=True)


def _is_made_by(folder: Path, weights: str) -> bool:
    """Return True when the record in a folder of results names these weights; one that cannot be read names none."""
    try:
        record = read_regular(folder / "provenance.json", MOST_RECORD_BYTES).decode()
    except (OSError, UnicodeDecodeError):
        return False
    return f'"{weights}"' in record


def as_stored(maps: ActivationMaps) -> ActivationMaps:
    """Return maps as they are read back after `ResultStore.write_maps`."""
    if maps.cells is not None:
        cells = _scores(_stepped(maps.cells))
        if np.array_equal(cells, maps.cells):
            return maps
        return ActivationMaps.of_cells(cells, maps.classes, maps.size, maps.undecided)
    background = None if maps.background is None else _scores(_stepped(maps.background))
    return replace(maps, scores=_scores(_stepped(maps.scores)), background=background)


def _is_sound(maps: ActivationMaps) -> bool:
    """Return True when all scores are finite numbers."""
    if maps.cells is not None:
        return bool(np.isfinite(maps.cells).all())
    return bool(np.isfinite(maps.scores).all() and (maps.background is None or np.isfinite(maps.background).all()))


def _enlarged(
    cells: NDArray[np.float32], classes: tuple[int, ...], size: NDArray[np.int64], undecided: NDArray[np.bool_] | None
) -> ActivationMaps:
    """Return maps of the cells that were kept, after a look at how large they become."""
    height, width = (int(side) for side in size)
    if not (0 < cells.shape[1] <= height and 0 < cells.shape[2] <= width):
        raise ValueError(f"cells of {cells.shape[1:]} do not cover an image of {height} x {width} pixels")
    if len(cells) * height * width * cells.itemsize > MOST_ARRAY_BYTES:
        raise ValueError(
            f"{len(cells)} maps of {height} x {width} pixels are more than the {MOST_ARRAY_BYTES} expected"
        )
    return ActivationMaps.of_cells(cells, classes, (height, width), undecided)


def _stepped(scores: NDArray[np.float32]) -> NDArray[np.generic]:
    """Return scores in [0, 1] as whole numbers (uint16) of steps, others as they are."""
    if not (scores.min(initial=0) >= -_ROUNDING and scores.max(initial=0) <= 1 + _ROUNDING):
        return scores.astype(np.float32, copy=False)
    return (scores * np.float32(_STEPS) + np.float32(0.5)).astype(np.uint16)


def _scores(kept: NDArray[np.generic]) -> NDArray[np.float32]:
    """Return the scores (float32) that were kept by `_stepped`, or in half precision as before."""
    scores = kept.astype(np.float32)
    return scores / np.float32(_STEPS) if kept.dtype == np.uint16 else scores


def _packed(image_hash: str, arrays: dict[str, NDArray[np.generic]], method: int = zipfile.ZIP_STORED) -> bytes:
    """Return arrays as an ``.npz`` file that tells its image and whether it is whole."""
    buffer = io.BytesIO()
    told = {"image": np.asarray(image_hash), "digest": np.asarray(_digest(image_hash, arrays))}
    with zipfile.ZipFile(buffer, "w", method, compresslevel=_QUICK) as archive:
        for name, array in (told | arrays).items():
            with archive.open(f"{name}.npy", "w", force_zip64=True) as entry:
                np.lib.format.write_array(entry, array, allow_pickle=False)
    return buffer.getvalue()


def _unpacked(path: Path, image_hash: str) -> dict[str, NDArray[Any]] | None:
    """Return the arrays of a file, None when it is not whole or of another image; raises one of `DAMAGE`."""
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


def _digest(image_hash: str, arrays: dict[str, NDArray[np.generic]]) -> str:
    digest = hashlib.sha256(image_hash.encode())
    for name in sorted(arrays):
        array = np.ascontiguousarray(arrays[name])
        digest.update(f"{name} {array.dtype.str} {array.shape}".encode())
        digest.update(array.tobytes())
    return digest.hexdigest()
