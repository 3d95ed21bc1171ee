"""Photographs on disk: finding them, naming them, and reading any of them as (H, W, 3) uint8 RGB.

Whatever had to be changed on the way (scaling of deep pixels, transparency, orientation, pages left out) is
written beside the pixels, so that nothing about a picture is altered silently.
"""

import hashlib
import math
import os
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from napari_wsss.core.classes import natural_order
from napari_wsss.core.errors import ProjectError
from napari_wsss.core.files import check_regular
from napari_wsss.core.masks import DAMAGED_PICTURE
from napari_wsss.pixels import deep_images
from napari_wsss.pixels.tiff_bands import Bands, bands_of

IMAGE_SUFFIXES = frozenset({".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".tif", ".tiff", ".bmp", ".webp"})
SYSTEM_FOLDERS = frozenset(
    {
        "@eadir",
        "@tmp",
        "@recycle",
        "@recently-snapshot",
        "@snapshot",
        "@sharebin",
        "@sharesnap",
        "@__thumb",
        "#recycle",
        "#snapshot",
        "~snapshot",
        "$recycle.bin",
        "lost+found",
        "__macosx",
        "system volume information",
        "network trash folder",
        "temporary items",
    }
)
"""What file servers and systems keep among a person's folders (thumbnails, deleted files), in lower case."""
_OLD_BINS = frozenset({"RECYCLER", "RECYCLED"})  # of Windows; in small letters they may be a person's words
_RESCUED = re.compile(r"found\.\d{3}")  # fragments that Windows' disk check put aside
_ORIENTATION = 0x0112
_UPRIGHT = 1
_SIDEWAYS = (5, 6, 7, 8)
_WHITE = 255
_PNG_EXIF = frozenset({"exif", "xmp", "Raw profile type exif", "XML:com.adobe.xmp"})


@dataclass(frozen=True)
class LoadedImage:
    """Pixels (H, W, 3) uint8 RGB in [0, 255], upright, and what was done to get them.

    Parameters
    ----------
    pixels : (H, W, 3) uint8
    scaling : str
        Empty for 8-bit pictures, else as ``16-bit 12..4095 -> 0..255 (0.1..99.9 %)``.
    alpha : str
        Empty for opaque pictures, else what became of the transparency.
    orientation : int
        EXIF orientation (1 to 8) that has been applied; 1 is upright as stored.
    notes : tuple of str
        Anything else, as ``first of 12 pages``.
    """

    pixels: NDArray[np.uint8]
    scaling: str = ""
    alpha: str = ""
    orientation: int = _UPRIGHT
    notes: tuple[str, ...] = ()

    @property
    def altered(self) -> str:
        """What of the file's values and parts is shown otherwise, or not at all; turning it upright is not told."""
        return "; ".join(filter(None, (self.scaling, self.alpha, *self.notes)))

    @property
    def note(self) -> str:
        """Everything that was changed, in one line; empty for a plain 8-bit RGB photograph."""
        turned = f"EXIF orientation {self.orientation} applied" if self.orientation != _UPRIGHT else ""
        return "; ".join(filter(None, (self.scaling, self.alpha, turned, *self.notes)))


def read_image(
    path: Path, percentiles: deep_images.Percentiles = deep_images.USUAL, *, at_least: int = 0
) -> LoadedImage:
    """Return the picture at `path` as upright RGB.

    Transparency is laid over white; deep pixels (16-bit, 32-bit, float) are stretched to 0..255 between two
    percentiles of them; of several pages or frames the first is taken, of more than three channels the first three
    (what a TIFF does not declare as alpha is none). Each of these is said in the result.

    Parameters
    ----------
    path : Path
    percentiles : pair of float
    at_least : int
        Longest side in pixels that is wanted at least: a JPEG may come at a half, a quarter or an eighth of its size,
        as its decoder makes it without all its pixels. 0 for the exact pixels.

    Raises
    ------
    ProjectError
        When the file is missing, damaged or not a picture; names the file and the reason.
    """
    try:
        check_regular(path)
        image = Image.open(path)
    except DAMAGED_PICTURE as reason:
        return _read_unknown_tiff(path, reason, percentiles)
    try:
        with image:
            if at_least and image.format == "JPEG":
                scale = min(1.0, at_least / max(image.size))
                image.draft(image.mode, (math.ceil(image.width * scale), math.ceil(image.height * scale)))
            return _load(image, path, percentiles)
    except DAMAGED_PICTURE as reason:
        raise _unreadable(path, reason) from reason


def image_size(path: Path) -> tuple[int, int]:
    """Return (height, width) in pixels with the orientation applied, from the header alone; errors as `read_header`."""
    return read_header(path, size_only=True).size


class Header(NamedTuple):
    """Size (height, width) in pixels, upright, and which pages and channels of a file are left out, in words."""

    size: tuple[int, int]
    left_out: tuple[str, ...] = ()


def read_header(path: Path, size_only: bool = False) -> Header:
    """Return what the header of a picture says, with `size_only` not what is left out.

    Raises
    ------
    ProjectError
        When the file is missing or not a picture.
    """
    try:
        check_regular(path)
        with Image.open(path) as image:
            width, height = image.size
            # Pillow reports TIFF sizes upright already, the other formats as stored.
            sideways = image.format != "TIFF" and _orientation(image) in _SIDEWAYS
            size = (width, height) if sideways else (height, width)
            return Header(size) if size_only else Header(size, _left_out(image, bands_of(image)))
    except DAMAGED_PICTURE as reason:
        loaded = _read_unknown_tiff(path, reason, deep_images.USUAL)
        height, width, _ = loaded.pixels.shape
        return Header((height, width), loaded.notes)


def check_image(path: Path) -> None:
    """Raise `ProjectError` unless the pixels of an image can be read; of a JPEG at an eighth of its size, as is quick.

    A file that ends early, or has pixels that cannot be unpacked, is noticed; one whose header alone is whole, too.
    """
    try:
        check_regular(path)
        with Image.open(path) as image:
            image.draft("RGB", (1, 1))
            image.load()
    except DAMAGED_PICTURE:
        read_image(path)  # knows more kinds of files, and says what is wrong


def content_hash(path: Path) -> str:
    """Return the SHA-256 of the file's bytes as 64 hexadecimal digits, read in chunks.

    Raises
    ------
    ProjectError
        When the file cannot be read.
    """
    try:
        check_regular(path)
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as reason:
        raise _unreadable(path, reason) from reason


def find_images(root: Path, system: list[Path] | None = None) -> Iterator[Path]:
    """Yield the pictures under `root`, sub-folders included, in natural order; hidden files and folders are skipped.

    Links to folders are followed once, so that a link to a parent cannot run in circles. Folders that a file server
    or an operating system keeps (``@eaDir``, ``$RECYCLE.BIN``, `SYSTEM_FOLDERS`) are skipped, and put into `system`.

    Raises
    ------
    ProjectError
        When `root` is not a folder.
    """
    if not root.is_dir():
        raise ProjectError(f"{root} is not a folder; choose the folder that holds the photographs.")
    yield from _walk(root, {os.path.realpath(root)}, [] if system is None else system)


def image_id(path: Path, root: Path) -> str:
    """Return the image's name in a project: its path relative to `root`, with ``/`` and with suffix.

    The suffix stays, so two files with one stem are two images.

    Raises
    ------
    ProjectError
        When `path` does not lie under `root`.
    """
    try:
        return path.relative_to(root).as_posix()
    except ValueError:
        raise ProjectError(
            f"The image {path} does not lie in the image folder {root}; move it there or open its own folder."
        ) from None


def result_names(ids: Sequence[str]) -> list[str]:
    """Return what results of images are called: as these without suffix, or with it where a stem is there twice."""
    stems = [PurePosixPath(id_).with_suffix("").as_posix() for id_ in ids]
    count = Counter(stem.casefold() for stem in stems)
    return [id_ if count[stem.casefold()] > 1 else stem for id_, stem in zip(ids, stems, strict=True)]


def is_image_name(name: str) -> bool:
    """Return True when a file name ends like a picture and is not hidden."""
    return not name.startswith(".") and os.path.splitext(name)[1].lower() in IMAGE_SUFFIXES


def is_system_folder(name: str) -> bool:
    """Return True for the name of a folder that a file server or an operating system keeps for itself."""
    plain = name.casefold()
    return plain in SYSTEM_FOLDERS or name in _OLD_BINS or _RESCUED.fullmatch(plain) is not None


def _walk(folder: Path, seen: set[str], system: list[Path]) -> Iterator[Path]:
    try:
        with os.scandir(folder) as entries:
            kinds = {entry.name: _is_folder(entry) for entry in entries if not entry.name.startswith(".")}
    except OSError as reason:
        raise ProjectError(f"The folder {folder} cannot be listed ({reason}); check its permissions.") from reason
    for name in natural_order(sorted(kinds)):
        if not kinds[name]:
            if is_image_name(name):
                yield folder / name
            continue
        if is_system_folder(name):
            system.append(folder / name)
            continue
        real = os.path.realpath(folder / name)
        if real not in seen:
            seen.add(real)
            yield from _walk(folder / name, seen, system)


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link to itself: reading it says so
        return False


def _load(image: Image.Image, path: Path, percentiles: deep_images.Percentiles) -> LoadedImage:
    orientation, declared = _orientation(image), bands_of(image)
    notes = _left_out(image, declared)
    if deep_images.is_deep(image):
        samples, upright = deep_images.read_deep(image, path)
        opened = _from_samples(_rgb_from_cmyk(samples, image), declared, percentiles)
        return replace(
            opened,
            pixels=_turned(opened.pixels, _UPRIGHT if upright else orientation),
            orientation=orientation,
            notes=notes,
        )
    image.load()
    remaining = _UPRIGHT if image.format == "TIFF" else orientation  # TIFF turned itself while loading
    may_have_alpha = declared is None or declared.alpha is not None
    if may_have_alpha and (image.mode in ("LA", "La", "PA", "RGBA", "RGBa") or "transparency" in image.info):
        rgba = np.asarray(image.convert("RGBA"))
        pixels, alpha = _over_white(rgba[..., :3], rgba[..., 3])
    else:
        pixels, alpha = np.array(image.convert("RGB")), ""
    return LoadedImage(_turned(pixels, remaining), "", alpha, orientation, notes)


def _from_samples(samples: NDArray[Any], declared: Bands | None, percentiles: deep_images.Percentiles) -> LoadedImage:
    """Return the loaded image, as stored, of deep (or unusual) samples (H, W) or (H, W, S)."""
    colour, opacity, left_out = deep_images.split_alpha(samples, declared)
    scaled, scaling = (colour, "") if colour.dtype == np.uint8 else deep_images.scale_to_uint8(colour, percentiles)
    rgb = np.repeat(scaled[..., None], 3, axis=2) if scaled.ndim == 2 else scaled
    pixels, alpha = (rgb, "") if opacity is None else _over_white(rgb, opacity)
    return LoadedImage(pixels, scaling, alpha, notes=(left_out,) if left_out else ())


def _read_unknown_tiff(path: Path, reason: BaseException, percentiles: deep_images.Percentiles) -> LoadedImage:
    """Return a TIFF that Pillow does not know (float64, many channels), read by tifffile."""
    is_tiff = path.suffix.lower() in (".tif", ".tiff") and path.is_file()
    samples, pages = deep_images.read_with_tifffile(path) if is_tiff else (None, 0)
    if samples is None or samples.dtype.kind not in "uifb":
        raise _unreadable(path, reason) from reason
    samples = samples.astype(np.uint8) * _WHITE if samples.dtype.kind == "b" else samples
    loaded = _from_samples(samples, deep_images.bands_of_file(path), percentiles)
    return replace(loaded, notes=(*_page_note(pages), *loaded.notes))


def _over_white(rgb: NDArray[np.uint8], alpha: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], str]:
    """Return `rgb` laid over white by `alpha` (H, W), and a note; opaque pictures pass unchanged."""
    if (alpha == _WHITE).all():
        return np.array(rgb), ""
    share = alpha[..., None].astype(np.float32) / _WHITE
    blended = rgb.astype(np.float32) * share + _WHITE * (1 - share)
    return np.rint(blended).astype(np.uint8), "transparency laid over white"


def _rgb_from_cmyk(samples: NDArray[Any], image: Image.Image) -> NDArray[Any]:
    if image.mode != "CMYK":
        return samples
    full = np.iinfo(samples.dtype).max
    ink = 1 - samples.astype(np.float64) / full
    return np.rint(ink[..., :3] * ink[..., 3:] * full).astype(samples.dtype)


def _turned(pixels: NDArray[np.uint8], orientation: int) -> NDArray[np.uint8]:
    """Return `pixels` upright for an EXIF orientation (EXIF 2.3, tag 0x0112)."""
    if orientation in _SIDEWAYS:
        pixels = pixels.swapaxes(0, 1)
    if orientation in (3, 4, 7, 8):
        pixels = pixels[::-1]
    if orientation in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    return np.ascontiguousarray(pixels)


def _orientation(image: Image.Image) -> int:
    """Return the EXIF orientation (1 to 8); of a PNG only what stands before its pixels, so as not to decode it."""
    if image.format == "PNG" and not _PNG_EXIF.intersection(image.info):
        return _UPRIGHT
    value = image.getexif().get(_ORIENTATION, _UPRIGHT)
    return value if isinstance(value, int) and 1 <= value <= 8 else _UPRIGHT


def _left_out(image: Image.Image, declared: Bands | None) -> tuple[str, ...]:
    """Return which pages and channels of an opened picture, whose samples are `declared`, are left out."""
    channels = (declared.left_out,) if declared and declared.left_out else ()
    return (*_page_note(int(getattr(image, "n_frames", 1))), *channels)


def _page_note(count: int) -> tuple[str, ...]:
    return () if count <= 1 else (f"first of {count} pages",)


def _unreadable(path: Path, reason: BaseException) -> ProjectError:
    kinds = "JPEG, PNG, TIFF, BMP or WebP"
    return ProjectError(
        f"The image {path} cannot be read ({reason}); expected a whole {kinds} file. "
        "Replace the file or leave it out of the folder."
    )
