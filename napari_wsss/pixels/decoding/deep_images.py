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
from napari_wsss.core.plan import DEEP_PERCENTILES
from napari_wsss.pixels.decoding.tiff_bands import Bands, bands

_SWAPPED = {"B": "L", "L": "B"}
_BITS_PER_SAMPLE = 258
_PHOTOMETRIC = 262
_PLANAR = 284

Percentiles = tuple[float, float]
USUAL: Percentiles = DEEP_PERCENTILES
"""Between which deep pictures are scaled where a project says nothing else."""
WHOLE: Percentiles = (0.0, 100.0)
_ENOUGH = 2**20  # pixels


def is_deep(image: Image.Image) -> bool:
    """Return True when an opened, not yet loaded picture holds more than 8 bits per sample."""
    if image.mode == "F" or image.mode.startswith("I"):
        return True
    return max(_sample_bits(image), default=8) > 8 or ";16" in " ".join(raw_modes(image))


def raw_modes(image: Image.Image) -> tuple[str, ...]:
    """Return how an opened, not yet loaded picture stores its samples, in Pillow's words."""
    return tuple(map(_rawmode, _tiles(image)))


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
    if axes not in ("YX", "YXS", "SYX") or samples.ndim != len(axes):  # a damaged page comes back as nothing
        return None, 0
    return (np.moveaxis(samples, 0, -1) if axes == "SYX" else np.asarray(samples)), count


def bands_of_file(path: Path) -> Bands:
    """Return what the samples of a TIFF's first page are, by tifffile, which has read it."""
    with tifffile.TiffFile(path) as file:
        page = file.pages[0]
        extra = tuple(int(kind) for kind in getattr(page, "extrasamples", ()))
        return bands(int(page.samplesperpixel), extra, int(page.photometric))  # type: ignore[union-attr]


def scale_to_uint8(samples: NDArray[Any], percentiles: Percentiles = USUAL) -> tuple[NDArray[np.uint8], str]:
    """Return `samples` stretched to 0..255 between two percentiles, and what was done, in words.

    One range for all channels, so colours keep their balance; what lies beyond becomes 0 or 255. Values that are not
    finite become 0.

    Parameters
    ----------
    samples : (H, W) or (H, W, C) of numbers
    percentiles : (float, float)
        In [0, 100], of the pixels; (0, 100) is from the smallest to the largest value.
    """
    kind = f"{samples.dtype.itemsize * 8}-bit" + (" float" if samples.dtype.kind == "f" else "")
    finite = np.isfinite(samples) if samples.dtype.kind == "f" else np.ones(samples.shape, bool)
    if not finite.any():
        return np.zeros(samples.shape, np.uint8), f"{kind} without a finite value -> 0"
    lost = "" if finite.all() else f", {np.count_nonzero(~finite)} not finite -> 0"
    low, high, how = _range(samples, finite, percentiles)
    if low == high:
        return np.zeros(samples.shape, np.uint8), f"{kind} constant {low:g} -> 0{lost}"
    span = np.float64(high) - np.float64(low)
    stretched = (np.where(finite, samples, low).astype(np.float64) - np.float64(low)) * (255.0 / span)
    return np.rint(np.clip(stretched, 0, 255)).astype(np.uint8), f"{kind} {low:g}..{high:g} -> 0..255 ({how}){lost}"


def _range(samples: NDArray[Any], finite: NDArray[np.bool_], percentiles: Percentiles) -> tuple[Any, Any, str]:
    """Return the lowest and highest value that are told apart, and by which rule.

    Percentiles are values that occur, and never the outermost pixel of a picture of a thousand or less: one pixel
    must not matter. Where they are equal (few bright spots on black), the whole range is taken.
    """
    smallest, largest = samples[finite].min(), samples[finite].max()
    if percentiles == WHOLE:
        return smallest, largest, "min..max"
    count = samples.shape[0] * samples.shape[1]
    some = slice(None, None, max(1, count // _ENOUGH))  # of a large picture every so manieth pixel says the same
    values, sound = (part.reshape(count, -1)[some] for part in (samples, finite))
    known = sound.any(axis=1)
    if not known.any():
        return smallest, largest, "min..max"
    darkest = np.where(sound, values, largest).min(axis=1)[known]
    brightest = np.where(sound, values, smallest).max(axis=1)[known]
    low = np.percentile(darkest, percentiles[0], method="higher")
    high = np.percentile(brightest, percentiles[1], method="lower")
    if low < high:
        return low, high, f"{percentiles[0]:g}..{percentiles[1]:g} %"
    return smallest, largest, "min..max"


def split_alpha(
    samples: NDArray[Any], declared: Bands | None = None
) -> tuple[NDArray[Any], NDArray[np.uint8] | None, str]:
    """Return colour (H, W) or (H, W, 3), 8-bit alpha (H, W) if there is one, and a note on left out channels.

    Parameters
    ----------
    samples : (H, W) or (H, W, C)
    declared : Bands, optional
        What a TIFF says of them; in other formats the second or fourth channel is alpha.
    """
    count = 1 if samples.ndim == 2 else samples.shape[2]
    which = declared or bands(count, (2,) if count in (2, 4) else ())
    if samples.ndim == 2:
        return samples, None, which.left_out
    colour = samples[..., : which.colour] if which.colour > 1 else samples[..., 0]
    if which.alpha is None or which.alpha >= count:
        return colour, None, which.left_out
    full = np.iinfo(samples.dtype).max if samples.dtype.kind in "ui" else 1.0
    alpha = np.clip(samples[..., which.alpha].astype(np.float64) * (255.0 / full), 0, 255)
    return colour, np.rint(alpha).astype(np.uint8), which.left_out


def _as_declared(samples: NDArray[Any], image: Any) -> NDArray[Any]:
    """Return TIFF samples with 0 as black where the file says that 0 is white."""
    if image.tag_v2.get(_PHOTOMETRIC) == 0 and samples.dtype.kind == "u":
        return np.iinfo(samples.dtype).max - samples
    return samples


def _refuse_planes(image: Any) -> None:
    """Raise ValueError where Pillow would take 16-bit planes for 8-bit ones and show noise."""
    if image.tag_v2.get(_PLANAR) == 2 and len(_sample_bits(image)) > 1:
        raise ValueError("16-bit channels in separate planes need a compression that tifffile knows")


def _both_bytes(image: Image.Image, path: Path) -> NDArray[np.uint16]:
    """Return 16-bit samples (H, W, S) from two decodings, the second with the bytes of a sample swapped."""
    if "LA;16B" in raw_modes(image):
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
