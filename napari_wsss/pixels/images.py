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
from dataclasses import replace
from functools import lru_cache
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from napari_wsss.core.classes import natural_order
from napari_wsss.core.errors import ProjectError
from napari_wsss.core.files import check_regular
from napari_wsss.core.masks import DAMAGED_PICTURE
from napari_wsss.pixels import by_window
from napari_wsss.pixels.decoding import deep_images, ome_zarr, stacks
from napari_wsss.pixels.decoding.channels import Channels
from napari_wsss.pixels.decoding.loaded import (
    KINDS,
    UPRIGHT,
    WHITE,
    LoadedImage,
    from_samples,
    over_white,
    turned,
    unreadable,
)
from napari_wsss.pixels.decoding.planes import Header, header_of_plane, read_plane, with_channels
from napari_wsss.pixels.decoding.stack import Stack
from napari_wsss.pixels.decoding.tiff_bands import Bands, bands_of
from napari_wsss.pixels.large_zarr import zarr_size

IMAGE_SUFFIXES = frozenset({".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".tif", ".tiff", ".bmp", ".gif", ".webp"})
UNREAD_SUFFIXES = frozenset(
    {".arw", ".avif", ".cr2", ".czi", ".dcm", ".dng", ".heic", ".heif", ".jp2", ".jxl", ".nd2", ".nef", ".psd", ".svs"}
)
"""Endings of pictures that are not read: a person who has such ones is told."""
SYSTEM_FOLDERS = frozenset(
    {"@eadir", "_gsdata_", "@tmp", "@recycle", "@recently-snapshot", "@snapshot", "@sharebin"}
    | {"@sharesnap", "@__thumb", "#recycle", "#snapshot", "~snapshot", "$recycle.bin", "__macosx"}
    | {"lost+found", "system volume information", "network trash folder", "temporary items"}
)
"""What file servers and systems keep among a person's folders (thumbnails, deleted files), in lower case."""
_OURS = ({"project.sqlite"}, {"data-card.json", "data-card.md"})
"""What a project's folder holds, and what an export's: their pictures are masks and copies, no new photographs."""
_OLD_BINS = frozenset({"RECYCLER", "RECYCLED"})  # of Windows; in small letters they may be a person's words
_RESCUED = re.compile(r"found\.\d{3}")  # fragments that Windows' disk check put aside
_ORIENTATION = 0x0112
_GREY = ("1", "L", "LA", "La")
"""Modes of Pillow in which red, green and blue are one."""
_PNG_EXIF = frozenset({"exif", "xmp", "Raw profile type exif", "XML:com.adobe.xmp"})


BY_WINDOW = "it is larger than the memory and not shown: maps and masks of it are made by the window"
"""What is left out of a picture that Pillow does not read."""


def read_image(
    path: Path,
    percentiles: deep_images.Percentiles = deep_images.USUAL,
    channels: Channels = (),
    *,
    at_least: int = 0,
) -> LoadedImage:
    """Return the picture at `path`, which may be one plane of a stack (see `stacks`), as upright RGB.

    Transparency is laid over white; deep pixels (16-bit, 32-bit, float) are stretched to 0..255 between two
    percentiles of them; of several pages or frames the first is taken, of more than three channels the first three
    (what a TIFF does not declare as alpha is none). Each of these is said in the result.

    Parameters
    ----------
    path : Path
    percentiles : (float, float)
    channels : tuple of int
        Which channels make the picture (see `channels.Channels`); as the file is made by default.
    at_least : int
        Longest side in pixels that is wanted at least: a JPEG may come at a half, a quarter or an eighth of its size,
        as its decoder makes it without all its pixels. 0 for the exact pixels.

    Raises
    ------
    ProjectError
        When the file is missing, damaged, not a picture, or has no such plane or channel; names it and the reason.
    """
    file, page = stacks.file_and_page(path)
    is_stack = file.suffix.lower() in stacks.TIFF_SUFFIXES
    if page is not None or ome_zarr.is_store(file) or (channels and is_stack):
        return read_plane(file, page, percentiles, channels)
    loaded = _read_whole(path, percentiles, at_least)
    return with_channels(loaded, path, channels) if channels else loaded


def _read_whole(path: Path, percentiles: deep_images.Percentiles, at_least: int) -> LoadedImage:
    """Return the (first) picture of a file; a JPEG of `at_least` so many pixels, smaller than it is."""
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
            loaded = _load(image, path, percentiles)
    except DAMAGED_PICTURE as reason:
        raise unreadable(path, reason) from reason
    stack = stacks.look(path)
    return loaded if stack is None else replace(loaded, told=stack.named)


def image_size(path: Path) -> tuple[int, int]:
    """Return (height, width) in pixels with the orientation applied, from the header alone; errors as `read_header`."""
    return read_header(path, size_only=True).size


def read_header(path: Path, size_only: bool = False) -> Header:
    """Return what the header of a picture says, with `size_only` not what is left out.

    Raises
    ------
    ProjectError
        When the file is missing or not a picture.
    """
    if path.name.lower().endswith(ome_zarr.SUFFIX) and ome_zarr.is_store(path):
        size = zarr_size(path)
        if size and by_window.is_large(path, by_window.WHOLE_PIXELS):
            return Header(size, (BY_WINDOW,))
        header, stack = header_of_plane(path, 1), stacks.look(path)
        left_out = (stack.left_out,) if stack is not None and stack.left_out else ()
        return header._replace(left_out=(*left_out, *header.left_out))
    try:
        check_regular(path)
        with Image.open(path) as image:
            width, height = image.size
            # Pillow reports TIFF sizes upright already, the other formats as stored.
            sideways = image.format != "TIFF" and _orientation(image) in stacks.SIDEWAYS
            size = (width, height) if sideways else (height, width)
            if size_only:
                return Header(size)
            stack = stacks.look(path)
            return Header(size, _left_out(image, bands_of(image), stack), stack.named if stack else "")
    except DAMAGED_PICTURE as reason:
        file, page = stacks.file_and_page(path)  # no file of this name lies there
        if page is not None:
            return header_of_plane(file, page)
        if by_window.is_large(path, by_window.WHOLE_PIXELS):
            with by_window.open_large(path) as picture:  # says why, where it is none that is read so
                return Header(picture.size, (BY_WINDOW,))
        loaded = _read_unknown_tiff(path, reason, deep_images.USUAL)
        height, width, _ = loaded.pixels.shape
        return Header((height, width), loaded.notes)


def is_turned(path: Path) -> bool:
    """Tell whether a picture is stored otherwise than upright, as its EXIF orientation says; False without any."""
    try:
        check_regular(path)
        with Image.open(path) as image:
            return _orientation(image) != UPRIGHT
    except DAMAGED_PICTURE:  # a plane of a stack, or nothing that Pillow knows
        return False


def check_image(path: Path) -> None:
    """Raise `ProjectError` unless the pixels of an image can be read; of a JPEG at an eighth of its size, as is quick.

    A file that ends early, or has pixels that cannot be unpacked, is noticed; one whose header alone is whole, too.
    """
    if stacks.file_and_page(path)[1] is not None or ome_zarr.is_store(path):
        read_image(path)
        return
    try:
        check_regular(path)
        with Image.open(path) as image:
            image.draft("RGB", (1, 1))
            image.load()
    except DAMAGED_PICTURE:
        read_image(path)  # knows more kinds of files, and says what is wrong


def content_hash(path: Path) -> str:
    """Return the SHA-256 of the file's bytes as 64 hexadecimal digits, read in chunks; of a plane with its name behind.

    Raises
    ------
    ProjectError
        When the file cannot be read.
    """
    try:
        if path.name.lower().endswith(ome_zarr.SUFFIX) and ome_zarr.is_store(path):
            return ome_zarr.content_hash(path)
        check_regular(path)
        with path.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as reason:
        file, page = stacks.file_and_page(path)  # no file of this name lies there
        if page is None:
            raise unreadable(path, reason) from reason
    try:
        facts = file.stat()
    except OSError as reason:
        raise unreadable(file, reason) from reason
    return hashlib.sha256(f"{_kept_hash(file, facts.st_mtime_ns, facts.st_size)} {page}".encode()).hexdigest()


@lru_cache(maxsize=64)
def _kept_hash(file: Path, _time: int, _size: int) -> str:
    """Return the hash of a stack, which each of its planes asks for, reading it once."""
    return content_hash(file)


def find_images(root: Path, system: list[Path] | None = None, unread: list[Path] | None = None) -> Iterator[Path]:
    """Yield the pictures under `root`, sub-folders included, in natural order; hidden files and folders are skipped.

    A folder that is an OME-Zarr picture (``x.ome.zarr``) is yielded, and not looked into.

    Links to folders are followed once, so that a link to a parent cannot run in circles. Folders that a file server
    or an operating system keeps (``@eaDir``, ``$RECYCLE.BIN``, `SYSTEM_FOLDERS`), and folders below `root` that hold a
    project or an export of ours, are skipped and put into `system`;
    pictures of kinds that are not read (`UNREAD_SUFFIXES`) are put into `unread`.

    Raises
    ------
    ProjectError
        When `root` is not a folder.
    """
    if not root.is_dir():
        raise ProjectError(f"{root} is not a folder; choose the folder that holds the photographs.")
    yield from _walk(root, {os.path.realpath(root)}, [] if system is None else system, [] if unread is None else unread)


def unread_words(unread: Sequence[Path]) -> str:
    """Return a sentence without a full stop on pictures of kinds that are not read; "" where there is none."""
    kinds = ", ".join(f"{count} {ending}" for ending, count in Counter(one.suffix.lower() for one in unread).items())
    return f"pictures of kinds that are not read: {kinds}; save them as one of {KINDS}" if kinds else ""


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
    ending = os.path.splitext(name)[1].lower()
    return not name.startswith(".") and (ending in IMAGE_SUFFIXES or name.lower().endswith(ome_zarr.SUFFIX))


def is_system_folder(name: str) -> bool:
    """Return True for the name of a folder that a file server or an operating system keeps for itself."""
    plain = name.casefold()
    return plain in SYSTEM_FOLDERS or name in _OLD_BINS or _RESCUED.fullmatch(plain) is not None


def _walk(folder: Path, seen: set[str], system: list[Path], unread: list[Path]) -> Iterator[Path]:
    try:
        with os.scandir(folder) as entries:
            kinds = {entry.name: _is_folder(entry) for entry in entries if not entry.name.startswith(".")}
    except OSError as reason:
        raise ProjectError(f"The folder {folder} cannot be listed ({reason}); check its permissions.") from reason
    if len(seen) > 1 and any(ours <= kinds.keys() for ours in _OURS):
        system.append(folder)
        return
    for name in natural_order(sorted(kinds)):
        if not kinds[name]:
            if is_image_name(name):
                yield folder / name
            elif os.path.splitext(name)[1].lower() in UNREAD_SUFFIXES:
                unread.append(folder / name)
            continue
        if is_image_name(name) and ome_zarr.is_store(folder / name):
            yield folder / name
            continue
        if is_system_folder(name):
            system.append(folder / name)
            continue
        real = os.path.realpath(folder / name)
        if real not in seen:
            seen.add(real)
            yield from _walk(folder / name, seen, system, unread)


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link to itself: reading it says so
        return False


def _load(image: Image.Image, path: Path, percentiles: deep_images.Percentiles) -> LoadedImage:
    orientation, declared = _orientation(image), bands_of(image)
    notes = _left_out(image, declared, stacks.look(path))
    if deep_images.is_deep(image):
        samples, upright = deep_images.read_deep(image, path)
        opened = from_samples(_rgb_from_cmyk(samples, image), declared, percentiles)
        return replace(
            opened,
            pixels=turned(opened.pixels, UPRIGHT if upright else orientation),
            orientation=orientation,
            notes=notes,
        )
    image.load()
    remaining = UPRIGHT if image.format == "TIFF" else orientation  # TIFF turned itself while loading
    may_have_alpha = declared is None or declared.alpha is not None
    if may_have_alpha and (image.mode in ("LA", "La", "PA", "RGBA", "RGBa") or "transparency" in image.info):
        rgba = np.asarray(image.convert("RGBA"))
        pixels, alpha = over_white(rgba[..., :3], rgba[..., 3])
    else:
        pixels, alpha = np.array(image.convert("RGB")), ""
    return LoadedImage(turned(pixels, remaining), "", alpha, orientation, notes, grey=image.mode in _GREY)


def _read_unknown_tiff(path: Path, reason: BaseException, percentiles: deep_images.Percentiles) -> LoadedImage:
    """Return a TIFF that Pillow does not know (float64, many channels), read by tifffile."""
    is_tiff = path.suffix.lower() in (".tif", ".tiff") and path.is_file()
    if is_tiff and by_window.is_large(path, by_window.WHOLE_PIXELS):
        raise ProjectError(f"The picture {path} is not opened: {BY_WINDOW} (napari-wsss refine, predict).")
    samples, pages = deep_images.read_with_tifffile(path) if is_tiff else (None, 0)
    if samples is None or samples.dtype.kind not in "uifb":
        raise unreadable(path, reason) from reason
    samples = samples.astype(np.uint8) * WHITE if samples.dtype.kind == "b" else samples
    loaded = from_samples(samples, deep_images.bands_of_file(path), percentiles)
    return replace(loaded, notes=(*_page_note(pages), *loaded.notes))


def _rgb_from_cmyk(samples: NDArray[Any], image: Image.Image) -> NDArray[Any]:
    if image.mode != "CMYK":
        return samples
    full = np.iinfo(samples.dtype).max
    ink = 1 - samples.astype(np.float64) / full
    return np.rint(ink[..., :3] * ink[..., 3:] * full).astype(samples.dtype)


def _orientation(image: Image.Image) -> int:
    """Return the EXIF orientation (1 to 8); of a PNG only what stands before its pixels, so as not to decode it."""
    if image.format == "PNG" and not _PNG_EXIF.intersection(image.info):
        return UPRIGHT
    value = image.getexif().get(_ORIENTATION, UPRIGHT)
    return value if isinstance(value, int) and 1 <= value <= 8 else UPRIGHT


def _left_out(image: Image.Image, declared: Bands | None, stack: Stack | None) -> tuple[str, ...]:
    """Return which pages and channels of an opened picture, whose samples are `declared`, are left out.

    Where the file says which of its pages are channels of one plane, `stack` is told instead of pages.
    """
    if stack is not None and declared is not None and stack.planes * stack.channels > 1 and not declared.left_out:
        own = declared.colour + (declared.alpha is not None)
        channels_of_pages = f"first of {stack.channels} channels" if stack.channels > own else ""
        return tuple(filter(None, (stack.left_out, channels_of_pages)))
    channels = (declared.left_out,) if declared and declared.left_out else ()
    return (*_page_note(int(getattr(image, "n_frames", 1))), *channels)


def _page_note(count: int) -> tuple[str, ...]:
    return () if count <= 1 else (f"first of {count} pages",)
