"""Pixels of more than 8 bits: decoded without losing any, and scaled to 8 bits with a sentence that says how.

Pillow opens 16-bit colour pictures as 8-bit ones by dropping the low byte without a word. Here the low byte is
fetched by decoding a second time with the byte order swapped; TIFF goes through tifffile where that can read it.
"""

import math
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from numpy.typing import NDArray
from PIL import Image

from napari_wsss.core.masks import DAMAGED_PICTURE

_SWAPPED = {"B": "L", "L": "B"}
_BITS_PER_SAMPLE = 258
_PHOTOMETRIC = 262
_PLANAR = 284
_SAMPLES_LIMIT = 4


def is_deep(image: Image.Image) -> bool:
    """Return True when an opened, not yet loaded picture holds more than 8 bits per sample."""
    if image.mode == "F" or image.mode.startswith("I"):
        return True
    return max(_sample_bits(image), default=8) > 8 or any(";16" in _rawmode(tile) for tile in _tiles(image))


def read_deep(image: Image.Image, path: Path) -> tuple[NDArray[Any], bool]:
    """Return the samples (H, W) or (H, W, S) of a deep picture as stored, and whether its orientation is applied.

    Raises
    ------
    OSError, SyntaxError, ValueError
        When the file is damaged (the caller names it).
    """
    if image.format == "TIFF":
        samples, _ = read_with_tifffile(path)
        if samples is not None:
            return _as_declared(samples, image), False
        _refuse_planes(image)
    if image.mode in ("RGB", "RGBA", "CMYK"):
        return _both_bytes(image, path), image.format == "TIFF"
    return np.asarray(image), image.format == "TIFF"


def read_with_tifffile(path: Path) -> tuple[NDArray[Any] | None, int]:
    """Return the first page of a TIFF, (H, W) or (H, W, S), and the number of pages; None where tifffile cannot.

    The orientation is not applied.
    """
    try:
        with tifffile.TiffFile(path) as file:
            page, count = file.pages[0], len(file.pages)
            if math.prod(page.shape[:2]) > 2 * (Image.MAX_IMAGE_PIXELS or math.inf):  # where Pillow too refuses
                return None, 0
            samples, axes = page.asarray(), str(page.axes)
    except (tifffile.TiffFileError, *DAMAGED_PICTURE):
        return None, 0
    if axes not in ("YX", "YXS", "SYX"):
        return None, 0
    return (np.moveaxis(samples, 0, -1) if axes == "SYX" else np.asarray(samples)), count


def scale_to_uint8(samples: NDArray[Any]) -> tuple[NDArray[np.uint8], str]:
    """Return `samples` stretched from (min, max) to (0, 255), and what was done, in words.

    One range for all channels, so colours keep their balance. Values that are not finite become 0.
    """
    kind = f"{samples.dtype.itemsize * 8}-bit" + (" float" if samples.dtype.kind == "f" else "")
    finite = np.isfinite(samples) if samples.dtype.kind == "f" else np.ones(samples.shape, bool)
    if not finite.any():
        return np.zeros(samples.shape, np.uint8), f"{kind} without a finite value -> 0"
    low, high = samples[finite].min(), samples[finite].max()
    lost = "" if finite.all() else f", {np.count_nonzero(~finite)} not finite -> 0"
    if low == high:
        return np.zeros(samples.shape, np.uint8), f"{kind} constant {low:g} -> 0{lost}"
    span = np.float64(high) - np.float64(low)
    stretched = (np.where(finite, samples, low).astype(np.float64) - np.float64(low)) * (255.0 / span)
    return np.rint(stretched).astype(np.uint8), f"{kind} {low:g}..{high:g} -> 0..255 (min..max){lost}"


def split_alpha(samples: NDArray[Any]) -> tuple[NDArray[Any], NDArray[np.uint8] | None, str]:
    """Return colour (H, W) or (H, W, 3), 8-bit alpha (H, W) if there is one, and a note on left out channels."""
    if samples.ndim == 2 or samples.shape[2] == 3:
        return samples, None, ""
    count = samples.shape[2]
    if count > _SAMPLES_LIMIT:
        return samples[..., :3], None, f"first 3 of {count} channels"
    colour = samples[..., :-1] if count == _SAMPLES_LIMIT else samples[..., 0]
    if count == 1:
        return colour, None, ""
    full = np.iinfo(samples.dtype).max if samples.dtype.kind in "ui" else 1.0
    alpha = np.clip(samples[..., -1].astype(np.float64) * (255.0 / full), 0, 255)
    return colour, np.rint(alpha).astype(np.uint8), ""


def _as_declared(samples: NDArray[Any], image: Any) -> NDArray[Any]:
    """Return TIFF samples without padding channels, and with 0 as black where the file says that 0 is white."""
    if image.mode == "RGB" and samples.ndim == 3:
        return samples[..., :3]
    if image.tag_v2.get(_PHOTOMETRIC) == 0 and samples.dtype.kind == "u":
        return np.iinfo(samples.dtype).max - samples
    return samples


def _refuse_planes(image: Any) -> None:
    """Raise ValueError where Pillow would take 16-bit planes for 8-bit ones and show noise."""
    if image.tag_v2.get(_PLANAR) == 2 and len(_sample_bits(image)) > 1:
        raise ValueError("16-bit channels in separate planes need a compression that tifffile knows")


def _both_bytes(image: Image.Image, path: Path) -> NDArray[np.uint16]:
    """Return 16-bit samples (H, W, S) from two decodings, the second with the bytes of a sample swapped."""
    if any(_rawmode(tile) == "LA;16B" for tile in _tiles(image)):
        _set_rawmode(image, {"LA;16B": "RGBA"})  # four plain bytes: grey high, low, alpha high, low
        plain = np.asarray(image).astype(np.uint16)
        return plain[..., 0::2] * np.uint16(256) + plain[..., 1::2]
    with Image.open(path) as second:
        _set_rawmode(second, {_rawmode(tile): _swap(_rawmode(tile)) for tile in _tiles(second)})
        low = np.asarray(second).astype(np.uint16)
    return np.asarray(image).astype(np.uint16) * np.uint16(256) + low


def _swap(rawmode: str) -> str:
    native = "L" if np.little_endian else "B"
    order = native if rawmode.endswith("N") else rawmode[-1]
    return rawmode[:-1] + _SWAPPED[order]


def _tiles(image: Image.Image) -> list[Any]:
    return list(getattr(image, "tile", []))


def _rawmode(tile: Any) -> str:
    arguments = tile[3]
    first = arguments[0] if isinstance(arguments, tuple) and arguments else arguments
    return first if isinstance(first, str) else ""


def _set_rawmode(image: Any, replacement: dict[str, str]) -> None:
    def changed(tile: Any) -> Any:
        raw = replacement.get(_rawmode(tile), _rawmode(tile))
        return tile._replace(args=(raw, *tile[3][1:]) if isinstance(tile[3], tuple) else raw)

    image.tile = [changed(tile) for tile in image.tile]


def _sample_bits(image: Any) -> tuple[int, ...]:
    """Return BitsPerSample of a TIFF; nothing for other formats."""
    tags = getattr(image, "tag_v2", None)
    return tuple(tags.get(_BITS_PER_SAMPLE, ())) if tags is not None else ()
