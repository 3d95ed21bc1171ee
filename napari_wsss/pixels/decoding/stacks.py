"""Files of several pages: planes (time points, focus planes, pages) with their channels, as images of a series.

A plane's path is that of its file with the plane's name behind it, ``stack.tif/page-0003.png``, as if the file were a
folder of pictures; so ids, masks and results of planes need nothing of their own. What an OME-TIFF, an ImageJ stack
or tifffile itself says of its axes decides which pages are channels of one plane; of other files each page is a plane.
A focus series (Z) gives its planes one by one: volumes are not segmented as such. OME-Zarr folders (`ome_zarr`) are
taken like such files.
"""

import math
import re
from collections.abc import Iterator
from contextlib import suppress
from functools import lru_cache
from itertools import product
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import tifffile
from numpy.typing import NDArray
from PIL import Image

from napari_wsss.core.errors import ProjectError
from napari_wsss.core.masks import DAMAGED_PICTURE
from napari_wsss.pixels.decoding import ome_zarr
from napari_wsss.pixels.decoding.stack import CHANNEL, Stack, plain, size_text
from napari_wsss.pixels.decoding.tiff_bands import Bands, bands

TiffFileError = tifffile.TiffFileError
TIFF_SUFFIXES = (".tif", ".tiff")
_NAME = re.compile(r"page-(\d{4,9})\.png")
_SAMPLES = "S"
_PLAIN_AXES = "IQ"
_WHITE_IS_0 = 0
_ORIENTATION = 274

SIDEWAYS = (5, 6, 7, 8)
_LONGEST_XML = 2**24


def page_name(number: int) -> str:
    """Return the name of a plane (from 1) behind its file's."""
    return f"page-{number:04d}.png"


def file_and_page(path: Path) -> tuple[Path, int | None]:
    """Return the file that a path of an image stands for, and which of its planes (from 1); None for the file itself.

    Nothing is looked at on disk but whether the part before a plane's name is a file (a folder, of OME-Zarr).
    """
    found = _NAME.fullmatch(path.name)
    file = path.parent
    if found and (ome_zarr.is_store(file) or (file.suffix.lower() in TIFF_SUFFIXES and not file.is_dir())):
        return file, int(found[1])
    return path, None


def is_there(path: Path) -> bool:
    """Tell whether what an image's path stands for, a file or an OME-Zarr folder, lies there."""
    file, _ = file_and_page(path)
    return file.is_file() or ome_zarr.is_store(file)


def has_picture(path: Path) -> bool:
    """Tell whether an image is a file that can be copied, or a plane, of which a picture can be made."""
    file, page = file_and_page(path)
    return file.is_file() or (page is not None and ome_zarr.is_store(file))


def look(path: Path) -> Stack | None:
    """Return what a TIFF file or an OME-Zarr folder holds; None for others, and for those that cannot be read."""
    if ome_zarr.is_store(path):
        return ome_zarr.look(path)
    if path.suffix.lower() not in TIFF_SUFFIXES:
        return None
    try:
        facts = path.stat()
    except OSError:
        return None
    return _look(path, facts.st_mtime_ns, facts.st_size)


@lru_cache(maxsize=256)
def _look(path: Path, _time: int, _size: int) -> Stack | None:
    with suppress(tifffile.TiffFileError, *DAMAGED_PICTURE), _opened(path) as file:
        return _stack_of(file)
    return None


def page_ids(image_id: str, root: Path) -> tuple[str, ...]:
    """Return the ids of a file's planes, the file's own where it has one plane only or is no TIFF."""
    stack = look(root / image_id)
    if stack is None or stack.planes == 1:
        return (image_id,)
    return tuple(f"{image_id}/{page_name(number)}" for number in range(1, stack.planes + 1))


def series_of(image_id: str) -> str:
    """Return the id of the file that a plane's id stands for, the id itself of other images."""
    file, _, name = image_id.rpartition("/")
    return file if file and _NAME.fullmatch(name) else image_id


def neighbours(image_id: str) -> Iterator[str]:
    """Yield the ids of the planes before and after a plane, the one before first; nothing for other images."""
    file, _, name = image_id.rpartition("/")
    found = _NAME.fullmatch(name)
    if found and file:
        number = int(found[1])
        if number > 1:
            yield f"{file}/{page_name(number - 1)}"
        yield f"{file}/{page_name(number + 1)}"


def read_plane(path: Path, plane: int) -> tuple[NDArray[Any], Bands, int]:
    """Return all channels of one plane as stored, what they are, and its EXIF orientation.

    Parameters
    ----------
    path : Path
        A TIFF file or an OME-Zarr folder.
    plane : int
        From 1.

    Returns
    -------
    samples : (H, W, C) of numbers
    bands : Bands
        Which of them are colour, and which is alpha.
    orientation : int
        1 to 8, not applied yet.

    Raises
    ------
    ProjectError
        When there is no such plane, or it is larger than any picture that is read.
    TiffFileError, OSError, ValueError ...
        When the file is damaged, or packed in a way that tifffile cannot read (the caller names it).
    """
    if ome_zarr.is_store(path):
        return ome_zarr.read_plane(path, plane)
    with _opened(path) as file:
        stack = _stack_of(file)
        _check_plane(plane, stack)
        page: Any = file.pages[0]
        if math.prod(page.shape[:2]) > 2 * (Image.MAX_IMAGE_PIXELS or math.inf):
            raise ProjectError(f"it is of {page.shape[0]} x {page.shape[1]} pixels, more than is read.")
        if _is_described(file):
            samples = _of_series(file.series[0], plane)
        else:
            page = file.pages[plane - 1].aspage()
            samples = _last_channels(page.asarray(), page.axes)
        return _black_is_0(samples, page), _bands(page, samples.shape[2]), _orientation(page)


def plane_header(path: Path, plane: int) -> tuple[tuple[int, int], Bands]:
    """Return size (height, width) of one plane, upright, and what its samples are, without reading them.

    Errors are those of `read_plane`.
    """
    if ome_zarr.is_store(path):
        return ome_zarr.plane_header(path, plane)
    with _opened(path) as file:
        stack = _stack_of(file)
        _check_plane(plane, stack)
        described = _is_described(file)
        page: Any = file.series[0].keyframe if described else file.pages[plane - 1].aspage()
        height, width = int(page.imagelength), int(page.imagewidth)
        size = (width, height) if _orientation(page) in SIDEWAYS else (height, width)
        return size, _bands(page, stack.channels if described else int(page.samplesperpixel))


def _check_plane(plane: int, stack: Stack) -> None:
    if not 1 <= plane <= stack.planes:
        raise ProjectError(
            f"it holds {stack.planes} page(s), not page {plane}: was the file replaced? Put back the one that the "
            "project was made of, or exclude the image."
        )


def _opened(path: Path) -> tifffile.TiffFile:
    """Return an open file by itself: an OME-TIFF may name other files, which are a stranger's paths."""
    return tifffile.TiffFile(path, _multifile=False)


def _stack_of(file: tifffile.TiffFile) -> Stack:
    if _is_described(file):
        series = file.series[0]
        planes, lengths, page_axes = _leading(series)
        kept = [(axis, length) for axis, length in zip(planes, lengths, strict=True) if axis != CHANNEL]
        channels = math.prod(length for axis, length in zip(planes, lengths, strict=True) if axis == CHANNEL)
        samples = series.shape[len(planes) + page_axes.index(_SAMPLES)] if _SAMPLES in page_axes else 1
        named = [(a, n) for a, n in kept if a not in _PLAIN_AXES]
        count = math.prod(n for _, n in kept)
        axes, sizes = ("".join(a for a, _ in kept), tuple(n for _, n in kept)) if named else ("", ())
        names, size = _said_by(file)
        return Stack(count, channels * samples, axes if count > 1 else "", sizes, names, size, len(file.series))
    page: Any = file.pages[0]
    return Stack(len(file.pages), int(page.samplesperpixel))


def _is_described(file: tifffile.TiffFile) -> bool:
    """Tell whether the file says which of its pages belong together, in a way that can be followed."""
    if not (file.is_ome or file.is_imagej or file.is_shaped) or not file.series:
        return False
    series = file.series[0]
    return set("YX") <= set(series.axes) and series.axes.index("Y") + 1 == series.axes.index("X")


def _leading(series: Any) -> tuple[str, tuple[int, ...], str]:
    """Return axes and lengths of what a plane is chosen by, and the axes of one page (its channels called S)."""
    count, held = len(series.axes), 1
    while count > 0 and (held < series.keyframe.size or not set("YX") <= set(series.axes[count:])):
        count -= 1
        held *= series.shape[count]
    return series.axes[:count], tuple(series.shape[:count]), series.axes[count:].replace(CHANNEL, _SAMPLES)


def _of_series(series: Any, plane: int) -> NDArray[Any]:
    """Return the channels (H, W, C) of one plane of a described file, reading no other."""
    axes, lengths, page_axes = _leading(series)
    others = [(axis, length) for axis, length in zip(axes, lengths, strict=True) if axis != CHANNEL]
    place = iter(int(at) for at in np.unravel_index(plane - 1, [n for _, n in others])) if others else iter(())
    wanted = [range(length) if axis == CHANNEL else (next(place),) for axis, length in zip(axes, lengths, strict=True)]
    pages = [_page_of_series(series, index, lengths) for index in product(*wanted)]
    return np.concatenate([_last_channels(page, page_axes) for page in pages], axis=2)


def _page_of_series(series: Any, index: tuple[int, ...], lengths: tuple[int, ...]) -> NDArray[Any]:
    number = int(np.ravel_multi_index(index, lengths)) if lengths else 0
    if series.dataoffset is not None:  # all pages in one block, of which this is a part
        shape = series.shape[len(lengths) :]
        handle, dtype = series.parent.filehandle, np.dtype(series.parent.byteorder + series.dtype.char)
        offset = series.dataoffset + number * math.prod(shape) * dtype.itemsize
        handle.seek(offset)
        plain = np.frombuffer(handle.read(math.prod(shape) * dtype.itemsize), dtype)
        return plain.reshape(shape).astype(dtype.newbyteorder("="))
    page: Any = series.pages[number]
    if page is None:
        raise ValueError(f"page {number + 1} is missing in the file")
    values: NDArray[Any] = page.asarray().reshape(series.shape[len(lengths) :])
    return values


def _last_channels(values: NDArray[Any], axes: str) -> NDArray[Any]:
    """Return a page (H, W, S), whatever order its axes have.

    Raises
    ------
    ValueError
        For a page that is a volume by itself.
    """
    if axes == "YX":
        return values[..., None]
    if axes == "YXS":
        return values
    if axes == "SYX":
        return np.moveaxis(values, 0, -1)
    raise ValueError(f"a page with the axes {axes}: volumes are not read, save their planes as pages")


def _black_is_0(samples: NDArray[Any], page: Any) -> NDArray[Any]:
    if int(page.photometric) == _WHITE_IS_0 and samples.dtype.kind == "u":
        return np.iinfo(samples.dtype).max - samples
    return samples


def _bands(page: Any, count: int) -> Bands:
    """Return what the samples are: those of one page as it says, channels in pages of their own the first alone."""
    own = int(page.samplesperpixel)
    if count != own:
        return Bands(1, None, f"first of {count} channels")
    extra = tuple(int(kind) for kind in getattr(page, "extrasamples", ()))
    return bands(own, extra, int(page.photometric))


def _orientation(page: Any) -> int:
    tag = page.tags.get(_ORIENTATION)
    value = int(tag.value) if tag is not None and isinstance(tag.value, int) else 1
    return value if 1 <= value <= 8 else 1


def _said_by(file: tifffile.TiffFile) -> tuple[tuple[str, ...], str]:
    """Return names of channels and the size of a pixel, as the file's own description has them; nothing is trusted."""
    if not file.is_ome or not file.ome_metadata or len(file.ome_metadata) > _LONGEST_XML:
        return (), ""
    if "<!DOCTYPE" in file.ome_metadata or "<!ENTITY" in file.ome_metadata:
        return (), ""
    try:
        document = ElementTree.fromstring(file.ome_metadata)
    except ElementTree.ParseError:
        return (), ""
    pixels = next((one for one in document.iter() if one.tag.endswith("}Pixels")), None)
    if pixels is None:
        return (), ""
    channels = [one for one in pixels if one.tag.endswith("}Channel")]
    names = tuple(plain(one.get("Name") or one.get("Fluor") or "") for one in channels)
    across, down = pixels.get("PhysicalSizeX", ""), pixels.get("PhysicalSizeY", "")
    return names if any(names) else (), size_text(across, down, pixels.get("PhysicalSizeXUnit", "µm"))
