"""Pseudo masks and accepted masks: (H, W) uint8 class values, and their palette-indexed PNG files."""

import hashlib
import io
import os
import struct
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from napari_wsss.core.classes import BACKGROUND, IGNORE, ClassList
from napari_wsss.core.errors import ProjectError
from napari_wsss.core.files import publish_bytes, read_regular

DAMAGED_PICTURE = (
    AssertionError,
    OSError,
    SyntaxError,
    ValueError,
    TypeError,
    LookupError,
    AttributeError,
    ArithmeticError,
    EOFError,
    MemoryError,
    RuntimeError,
    struct.error,
    zlib.error,
    Image.DecompressionBombError,
)
"""What Pillow and tifffile raise for files that are no pictures, damaged, or made to fill the memory."""
Mask = NDArray[np.uint8]
"""(H, W): 0 background, k + 1 class k, 255 ignore."""


@dataclass(frozen=True)
class PseudoMask:
    """Mask values (H, W) uint8: 0 background, k + 1 class k, 255 ignore.

    Parameters
    ----------
    values : (H, W) uint8
    person : (H, W) bool, optional
        True where a person made or confirmed the pixel; without it the whole mask is a machine's.
    """

    values: NDArray[np.uint8]
    person: NDArray[np.bool_] | None = None

    def __post_init__(self) -> None:
        if self.values.ndim != 2 or self.values.dtype != np.uint8:
            raise ProjectError(f"A mask is (H, W) uint8; found {self.values.shape} {self.values.dtype}.")

    def weights(self, machine_weight: float) -> NDArray[np.float32]:
        """Return (H, W) float32 training weights: 1 for a person's pixels, `machine_weight` else, 0 for ignore."""
        person = np.zeros(self.values.shape, bool) if self.person is None else self.person
        weights = np.where(person, np.float32(1), np.float32(machine_weight))
        weights[self.values == IGNORE] = 0
        return weights

    def class_values(self) -> tuple[int, ...]:
        """Return the class values that occur, without background and ignore."""
        counts = histogram(self.values)
        counts[BACKGROUND] = counts[IGNORE] = 0
        return tuple(np.flatnonzero(counts).tolist())


def histogram(values: Mask) -> NDArray[np.int64]:
    """Return how many pixels of a mask (H, W) uint8 have each value: (256,) int64.

    Pillow counts bytes as they are; `numpy.bincount` would make eight bytes of each first. An empty mask, which most
    images of a project have, is seen forty times quicker than it is counted.
    """
    pixels = np.ascontiguousarray(values)
    if not pixels.any():
        counts = np.zeros(256, np.int64)
        counts[BACKGROUND] = pixels.size
        return counts
    return np.array(Image.frombuffer("L", pixels.shape[::-1], pixels, "raw", "L", 0, 1).histogram(), np.int64)


def changed_fraction(before: NDArray[np.uint8], after: NDArray[np.uint8]) -> float:
    """Return the share of pixels in [0, 1] that differ between two masks of one size."""
    return float(np.count_nonzero(before != after)) / max(1, before.size)


def overlap(first: NDArray[np.uint8], second: NDArray[np.uint8]) -> float:
    """Return the mean intersection over union of the classes either mask holds (background included), in [0, 1].

    Pixels that are 255 in either mask are left out; two empty masks overlap fully.
    """
    pairs = np.bincount((first.astype(np.uint16) * 256 + second).ravel(), minlength=65536).reshape(256, 256)
    pairs = pairs[:IGNORE, :IGNORE]
    both, either = np.diagonal(pairs), pairs.sum(axis=0) + pairs.sum(axis=1) - np.diagonal(pairs)
    held = either > 0
    return float(np.mean(both[held] / either[held])) if held.any() else 1.0


DIGEST_TEXT = "wsss-digest"


def encode_mask(
    values: NDArray[np.uint8], classes: ClassList | None = None, text: Mapping[str, str] | None = None
) -> bytes:
    """Return a mask (H, W) uint8 as the bytes of a palette-indexed PNG.

    The palette is always the full one of 256 colours: Pillow 13 stores a mode-P image without palette in 1 bit.

    Parameters
    ----------
    values : (H, W) uint8
    classes : ClassList, optional
        Whose palette to use; without it the one all class lists share.
    text : mapping of str to str, optional
        Stored beside the pixels (and returned by `decode_mask`), together with a digest of the pixels.
    """
    pixels = np.ascontiguousarray(values, dtype=np.uint8)
    if pixels.ndim != 2:
        raise ProjectError(f"A mask is (H, W) uint8; found an array of shape {pixels.shape}.")
    image = Image.frombytes("P", (pixels.shape[1], pixels.shape[0]), pixels.tobytes())
    image.putpalette((ClassList(("class",)) if classes is None else classes).palette.tobytes())
    info = PngInfo()
    for key, value in {**(text or {}), DIGEST_TEXT: _digest(pixels)}.items():
        info.add_text(key, value)
    buffer = io.BytesIO()
    image.save(buffer, format="PNG", bits=8, pnginfo=info)
    return buffer.getvalue()


def write_mask(path: Path, values: NDArray[np.uint8], classes: ClassList) -> None:
    """Write a mask as palette-indexed PNG, published atomically and forced to disk before this returns."""
    content = encode_mask(values, classes)
    publish_bytes(path, content)


def read_mask(path: Path) -> NDArray[np.uint8]:
    """Return the values (H, W) uint8 of a palette-indexed or 8-bit grey PNG.

    Raises
    ------
    ProjectError
        When the file is missing, damaged, or holds colours instead of class values.
    """
    try:
        content = read_regular(path)
    except OSError as reason:
        known = "There is no mask file" if isinstance(reason, FileNotFoundError) else "Cannot read the mask file"
        raise ProjectError(f"{known} {path} ({reason.strerror}).") from reason
    return decode_mask(content, os.fspath(path))[0]


def decode_mask(content: bytes, name: str = "mask") -> tuple[NDArray[np.uint8], dict[str, str]]:
    """Return the values (H, W) uint8 of a PNG's bytes and the text stored with them; errors as `read_mask`.

    The digest is verified where the file has one (files of other programs have none).
    """
    try:
        with Image.open(io.BytesIO(content)) as image:
            if image.mode not in ("P", "L"):
                raise ProjectError(
                    f"{name} is a {image.mode} picture; a mask holds one class value per pixel (palette or grey "
                    "PNG). Convert colours to class values first."
                )
            values = np.array(image, dtype=np.uint8)
            text = {str(key): str(value) for key, value in getattr(image, "text", {}).items()}
    except DAMAGED_PICTURE as reason:
        raise ProjectError(f"The mask {name} cannot be read ({reason}); restore it from a backup.") from reason
    verify(values, text, name)
    return values, text


def verify(values: NDArray[np.uint8], text: Mapping[str, str], name: str) -> None:
    """Raise `ProjectError` where the text stored with a mask holds a digest that its values do not fit."""
    if text.get(DIGEST_TEXT, _digest(values)) != _digest(values):
        raise ProjectError(f"The mask {name} is damaged: its pixels do not fit its digest. Restore it from a backup.")


def _digest(values: NDArray[np.uint8]) -> str:
    return hashlib.sha256(repr(values.shape).encode() + values.tobytes()).hexdigest()[:32]
