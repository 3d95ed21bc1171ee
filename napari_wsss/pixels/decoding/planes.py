"""Pictures of single planes of a stack, and of the channels that a project asks for."""

from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from napari_wsss.core.errors import ProjectError
from napari_wsss.core.files import check_regular
from napari_wsss.core.masks import DAMAGED_PICTURE
from napari_wsss.pixels.decoding import deep_images, ome_zarr, stacks
from napari_wsss.pixels.decoding.channels import Channels, check_count, in_words, make_picture
from napari_wsss.pixels.decoding.loaded import UPRIGHT, LoadedImage, from_samples, turned, unreadable
from napari_wsss.pixels.decoding.stack import Stack
from napari_wsss.pixels.decoding.tiff_bands import Bands, bands_of


class Header(NamedTuple):
    """Size (height, width) in pixels, upright; which pages and channels are left out; what the file tells of itself."""

    size: tuple[int, int]
    left_out: tuple[str, ...] = ()
    told: str = ""


def with_channels(loaded: LoadedImage, path: Path, channels: Channels) -> LoadedImage:
    """Return a picture of some of the red, green and blue of another."""
    try:
        pixels, _ = make_picture(loaded.pixels[..., :1] if loaded.grey else loaded.pixels, channels)
    except ProjectError as reason:
        raise _not_so(path, reason) from reason
    said = in_words(channels, tuple(map(str, channels)))
    return replace(loaded, pixels=pixels, notes=(*loaded.notes, said), grey=len(channels) == 1)


def read_plane(file: Path, page: int | None, percentiles: deep_images.Percentiles, channels: Channels) -> LoadedImage:
    """Return one plane of a stack, or the first of one that is a single image, in the channels that are asked for."""
    try:
        _check_kind(file)
        stack = stacks.look(file)
        samples, declared, orientation = _samples_of(file, page or 1, stack)
        if channels:
            pixels, scaling = make_picture(samples, channels, percentiles)
            opened = LoadedImage(pixels, scaling, grey=len(channels) == 1)
        else:
            opened = from_samples(samples[..., 0] if declared.colour == 1 else samples, declared, percentiles)
    except ProjectError as reason:
        raise _not_so(file, reason) from reason
    except (stacks.TiffFileError, *DAMAGED_PICTURE) as reason:
        raise unreadable(file, reason) from reason
    known = stack or Stack(1, samples.shape[2])
    shown: tuple[str, ...]
    if channels:
        shown = (in_words(channels, tuple(map(known.called, channels))),)
    else:
        shown = (declared.left_out,) if declared.left_out else ()
    place = known.place_of(page) if page is not None else ""
    notes = (*(() if page is not None or not known.left_out else (known.left_out,)), *shown)
    return replace(
        opened,
        pixels=turned(opened.pixels, orientation),
        orientation=orientation,
        notes=notes,
        told="; ".join(filter(None, (place, known.named))),
    )


def _samples_of(file: Path, page: int, stack: Stack | None) -> tuple[NDArray[Any], Bands, int]:
    """Return the samples (H, W, C) of a plane, by tifffile or, for what that cannot unpack, 8-bit pages by Pillow."""
    try:
        return stacks.read_plane(file, page)
    except (stacks.TiffFileError, *DAMAGED_PICTURE):
        if ome_zarr.is_store(file) or (stack is not None and stack.axes):
            raise
    with Image.open(file) as image:
        image.seek(page - 1)
        if deep_images.is_deep(image):
            raise ValueError("its packing needs the Python package imagecodecs")
        declared = bands_of(image) or Bands(1)
        plain = image if image.mode in ("L", "RGB", "RGBA", "LA") else image.convert("RGB")
        samples = np.asarray(plain)
        samples = samples[..., None] if samples.ndim == 2 else samples
        fitting = declared if plain is image else Bands(3)
        return samples, fitting, UPRIGHT  # turned by Pillow while loading


def check_has(path: Path, channels: Channels) -> None:
    """Raise `ProjectError` where a TIFF is known to lack one of `channels`; nothing of other files is read."""
    stack = stacks.look(stacks.file_and_page(path)[0]) if channels else None
    if stack is not None:
        try:
            check_count(stack.channels, channels)
        except ProjectError as reason:
            raise _not_so(path, reason) from reason


def header_of_plane(file: Path, page: int) -> Header:
    """Return what is known of one plane without reading its pixels."""
    try:
        _check_kind(file)
        size, declared = stacks.plane_header(file, page)
    except ProjectError as reason:
        raise _not_so(file, reason) from reason
    except (stacks.TiffFileError, *DAMAGED_PICTURE) as reason:
        raise unreadable(file, reason) from reason
    stack = stacks.look(file)
    return Header(size, (declared.left_out,) if declared.left_out else (), stack.named if stack else "")


def _check_kind(file: Path) -> None:
    if not ome_zarr.is_store(file):
        check_regular(file)


def _not_so(file: Path, reason: ProjectError) -> ProjectError:
    return ProjectError(f"The image {file} cannot be shown: {reason}")
