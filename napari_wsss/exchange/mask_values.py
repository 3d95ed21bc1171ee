"""Masks of other programs as values (H, W) uint8: whole numbers of any depth, grey stored as colours, named colours."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from napari_wsss.core.classes import BACKGROUND, IGNORE, ClassList
from napari_wsss.core.errors import ProjectError
from napari_wsss.core.files import check_regular
from napari_wsss.core.masks import DAMAGED_PICTURE, Mask, verify
from napari_wsss.exchange.lists.class_lists import ValueNames
from napari_wsss.exchange.lists.colour_tables import Colour
from napari_wsss.pixels.decoding import deep_images, stacks
from napari_wsss.pixels.decoding.loaded import turned

MASK_SUFFIXES = frozenset({".png", ".tif", ".tiff", ".bmp"})
_FEW_BITS = {"L;2": 85, "L;4": 17, "L;2I": 85, "L;4I": 17}
"""Raw mode -> what Pillow multiplies the values of grey pictures of 2 and 4 bits with."""
_SHOWN = 5
_BORDER = (224, 224, 192)  # what the VOC colour map shows 255 in


def read_values(path: Path, listed: ValueNames | None = None, most: int = IGNORE) -> NDArray[Any]:
    """Return the values (H, W) of a mask file as it means them, before any class is looked up: uint8 up to 255.

    Taken are palette and grey pictures of 1 to 16 bits (white of a 1-bit one is 1), grey stored as equal colours,
    and, where the list names colours, pictures in these colours.

    Parameters
    ----------
    path : Path
        PNG, TIFF or BMP.
    listed : ValueNames, optional
        The list beside the masks.
    most : int
        The largest value: 255 of a mask of classes, more where values may count objects.

    Raises
    ------
    ProjectError
        When the file is missing, damaged, lossy or partly transparent, or holds colours without a name or values
        beyond `most`.
    """
    if path.suffix.lower() not in MASK_SUFFIXES:
        raise ProjectError(
            f"{path.name} is no PNG, TIFF or BMP; save masks without loss as PNG "
            "(JPEG and WebP blur values, GIF renumbers them)."
        )
    try:
        check_regular(path)
        samples, palette, pages, text = _stored(path)
        if pages > 1:
            raise ProjectError(f"{path.name} has {pages} pages; a mask has one.")
    except DAMAGED_PICTURE as reason:
        raise ProjectError(f"The mask {path} cannot be read ({reason}); replace it or leave it out.") from reason
    colours = listed.colours if listed else {}
    if palette is not None and colours:
        samples = _by_palette(samples, palette, colours)
    values = _values(samples, path.name, colours, most)
    if palette is not None and not colours:
        verify(values, text, str(path))
    return values


def read_plane_values(path: Path, plane: int, listed: ValueNames | None = None, most: int = IGNORE) -> NDArray[Any]:
    """Return the values (H, W) of one plane (from 1) of a TIFF stack of masks; else as `read_values`."""
    name = f"{path.name} page {plane}"
    try:
        check_regular(path)
        samples, _, orientation = stacks.read_plane(path, plane)
    except ProjectError as reason:
        raise ProjectError(f"{name} cannot be read: {reason}") from reason
    except (stacks.TiffFileError, *DAMAGED_PICTURE) as reason:
        raise ProjectError(f"{name} cannot be read ({reason}); replace it or leave it out.") from reason
    plain = samples[..., 0] if samples.shape[2] == 1 else samples
    return _values(turned(plain, orientation), name, listed.colours if listed else {}, most)


def _values(samples: NDArray[Any], name: str, colours: dict[Colour, int], most: int) -> NDArray[Any]:
    return whole_values(_one_channel(samples, name, colours) if samples.ndim == 3 else samples, name, most)


def check_values(values: Mask, classes: ClassList, name: str) -> None:
    """Raise `ProjectError` naming the mask `name` when it is not (H, W) uint8 of values of `classes`."""
    if values.ndim != 2 or values.dtype != np.uint8:
        raise ProjectError(f"{name}: a mask is (H, W) uint8; found {values.shape} {values.dtype}.")
    wrong = [int(value) for value in np.unique(values) if int(value) not in classes.values()]
    if wrong:
        raise ProjectError(f"{name}: holds the values {wrong}; expected 0 to {len(classes)} or {IGNORE}.")


def _stored(path: Path) -> tuple[NDArray[Any], NDArray[np.uint8] | None, int, dict[str, Any]]:
    """Return what `_samples` does of a file, how many pages it has, and the text in it."""
    try:
        with Image.open(path) as image:
            pages = int(getattr(image, "n_frames", 1))
            return *_samples(image, path), pages, dict(getattr(image, "text", {}))
    except UnidentifiedImageError:
        # Pillow knows no TIFFs of 64 bits, which is what labels are in many a script.
        samples, pages = (
            deep_images.read_with_tifffile(path) if path.suffix.lower() in stacks.TIFF_SUFFIXES else (None, 0)
        )
        if samples is None:
            raise
        return samples, None, pages, {}


def _samples(image: Image.Image, path: Path) -> tuple[NDArray[Any], NDArray[np.uint8] | None]:
    """Return the samples (H, W) or (H, W, C) as stored, and the palette (n, 3) of a palette picture."""
    if deep_images.is_deep(image):
        return deep_images.read_deep(image, path)[0], None
    factor = next((_FEW_BITS[raw] for raw in deep_images.raw_modes(image) if raw in _FEW_BITS), 1)
    if image.mode == "P":
        palette = np.array(image.getpalette("RGB"), np.uint8).reshape(-1, 3)
        return np.array(image), palette
    return np.array(image) // np.uint8(factor) if image.mode == "L" else np.array(image), None


def _one_channel(samples: NDArray[Any], name: str, colours: dict[Colour, int]) -> NDArray[Any]:
    """Return (H, W) values of a picture in colours, its alpha checked and left out."""
    count = samples.shape[2]
    if count in (2, 4) and samples[..., -1].min() != _opaque(samples):
        raise ProjectError(f"{name} is partly transparent; save the mask without transparency.")
    plain = samples[..., : 1 if count == 2 else 3]
    if colours:
        return _by_colour(plain, name, colours)
    if not (plain == plain[..., :1]).all():
        raise ProjectError(
            f"{name} holds colours, but no list says what they mean. Put a labelmap.txt (lines name:red,green,blue::) "
            "or label_colors.txt (lines red green blue name) beside the masks, or save values as palette or grey PNG."
        )
    return plain[..., 0]


def _opaque(samples: NDArray[Any]) -> float:
    return float(np.iinfo(samples.dtype).max) if samples.dtype.kind in "ui" else 1.0


def _by_colour(plain: NDArray[Any], name: str, colours: dict[Colour, int]) -> NDArray[np.int64]:
    red, green, blue = (np.broadcast_to(plain, (*plain.shape[:2], 3))[..., one].astype(np.int64) for one in range(3))
    packed = (red << 16) + (green << 8) + blue
    used, inverse = np.unique(packed, return_inverse=True)
    known = {(0, 0, 0): BACKGROUND, _BORDER: IGNORE, **colours}
    found = [known.get((int(one) >> 16, int(one) >> 8 & 255, int(one) & 255)) for one in used]
    strange = [
        f"{one >> 16},{one >> 8 & 255},{one & 255}" for one, value in zip(used, found, strict=True) if value is None
    ]
    if strange:
        more = f" and {len(strange) - _SHOWN} more" if len(strange) > _SHOWN else ""
        raise ProjectError(f"{name} holds the colours {' '.join(strange[:_SHOWN])}{more}, which no list names.")
    return np.array(found, np.int64)[inverse.reshape(packed.shape)]


def _by_palette(samples: NDArray[Any], palette: NDArray[np.uint8], colours: dict[Colour, int]) -> NDArray[Any]:
    """Return the values that the palette's colours stand for; the indices themselves where it has other colours."""
    known = {(0, 0, 0): BACKGROUND, _BORDER: IGNORE, **colours}
    table = np.arange(256)
    for index in map(int, np.unique(samples)):
        colour = tuple(map(int, palette[index])) if index < len(palette) else ()
        if colour not in known:
            return samples
        table[index] = known[colour]
    found: NDArray[Any] = table[samples]
    return found


def whole_values(samples: NDArray[Any], name: str, most: int = IGNORE) -> NDArray[Any]:
    """Return samples of any type as whole numbers: uint8 where none is above 255, else int64.

    Raises
    ------
    ProjectError
        When they are no whole numbers from 0 to `most`.
    """
    if not np.isfinite(samples).all() or (samples != np.floor(samples)).any():
        raise ProjectError(f"{name} holds fractions; a mask holds one whole number per pixel.")
    if samples.size and (samples.min() < 0 or samples.max() > most):
        raise ProjectError(
            f"{name} holds values from {samples.min():g} to {samples.max():g}; expected 0 to {most}, one per "
            f"{'class' if most == IGNORE else 'object'}."
        )
    return samples.astype(np.uint8 if not samples.size or samples.max() <= IGNORE else np.int64)
