"""Masks as pictures and NumPy arrays: palette, grey of 1 to 16 bits, named colours, TIFF, BMP, ``.npy``."""

from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

from numpy.typing import NDArray

from napari_wsss.core.errors import LabelError, ProjectError
from napari_wsss.exchange.annotations.annotated import Annotated, Picture, Reading
from napari_wsss.exchange.annotations.plain_arrays import pages_in_file, read_array, read_page
from napari_wsss.exchange.lists.class_lists import ValueNames, read_value_names
from napari_wsss.exchange.mask_values import MASK_SUFFIXES, read_plane_values, read_values, whole_values
from napari_wsss.exchange.readers.base import Reader
from napari_wsss.pixels.decoding.stacks import look
from napari_wsss.pixels.images import find_images, image_id

_FOLDERS = ("SegmentationClass", "SegmentationClassGrey", "SegmentationClassRaw", "colours")
_ARRAY = ".npy"
MOST_OBJECTS = 2**32 - 1


class Pictures(Reader):
    """Files named after their images, or the folder of a VOC-style export, whose ``SegmentationClass`` is taken.

    A ``classes.txt``, ``class_names.txt``, ``labelmap.txt`` or a table of colours (`lists.colour_tables`) in it, or one
    folder up, decides by name what a value or colour means; without one values must be those of the project. The pages
    of a TIFF stack, or of an array (pages, height, width), are the masks of the planes of the stack that it is named
    after.
    """

    title = "Mask pictures, .npy"
    gives: ClassVar[str] = "masks"
    fallback: ClassVar[bool] = True

    def recognises(self, source: Path, known: Sequence[str] = ()) -> bool:
        """Tell whether a folder holds pictures or arrays, or a file is one."""
        return any(True for _ in _files(source))

    def read(self, source: Path, reading: Reading) -> Iterator[Annotated]:
        """Yield file by file, in natural order."""
        folder = source if source.is_dir() else source.parent
        names = read_value_names([_room(folder), folder, folder.parent])
        if names:
            reading.notes.append(f"values mean what {names.source} beside the masks names")
            reading.notes.extend(names.shared)
        for path, name in _files(source):
            for page, place in pages_in(path, name):
                read = partial(values_of, path, names, page=page)
                yield Annotated((name.removesuffix(path.suffix),), place, picture=Picture(read, names), page=page)


def pages_in(path: Path, name: str) -> Iterator[tuple[int, str]]:
    """Yield the planes (from 1) of a TIFF stack or an array with what they are called; 0 and `name` for others."""
    stack = look(path)
    yield from called(pages_in_file(path) if path.suffix.lower() == _ARRAY else stack.planes if stack else 0, name)


def called(pages: int, name: str) -> Iterator[tuple[int, str]]:
    """Yield the planes (from 1) of a file of several with what they are called; 0 and `name` of one mask."""
    if pages > 1:
        yield from ((page, f"{name} page {page} of {pages}") for page in range(1, pages + 1))
    else:
        yield 0, name


def values_of(path: Path, names: ValueNames | None = None, most: int = MOST_OBJECTS, page: int = 0) -> NDArray[Any]:
    """Return the values (H, W) of a picture or a ``.npy`` file: uint8 where none is above 255, else int64.

    Parameters
    ----------
    path : Path
    names : ValueNames, optional
        What values and colours mean.
    most : int
        The largest value.
    page : int
        The plane (from 1) of a TIFF stack or an array; 0 for a file of one mask.

    Raises
    ------
    ProjectError
        When it cannot be read, or holds no whole numbers.
    """
    try:
        if path.suffix.lower() != _ARRAY:
            return read_plane_values(path, page, names, most) if page else read_values(path, names, most)
        values = read_page(path, page) if page else flat(read_array(path), path.name)
        return whole_values(values, path.name, most)
    except LabelError as reason:
        raise ProjectError(str(reason)) from reason


def flat(values: NDArray[Any], name: str) -> NDArray[Any]:
    """Return an array (H, W) without axes of length 1 around it; raise `ProjectError` for other ones."""
    squeezed = values.reshape([side for side in values.shape if side != 1]) if values.ndim > 2 else values
    if squeezed.ndim != 2 or squeezed.dtype.kind not in "biuf":
        raise ProjectError(
            f"{name} is an array of {values.dtype} and shape {values.shape}; expected whole numbers (height, width), "
            "or (pages, height, width) for a stack."
        )
    return squeezed


def _room(folder: Path) -> Path:
    """Return the folder of the masks in an export, else the folder itself."""
    return next((folder / name for name in _FOLDERS if (folder / name).is_dir()), folder)


def _files(source: Path) -> Iterator[tuple[Path, str]]:
    if not source.is_dir():
        if source.suffix.lower() in MASK_SUFFIXES | {_ARRAY} and source.is_file():
            yield source, source.name
        return
    inside = _room(source)
    yield from ((path, image_id(path, inside)) for path in find_images(inside))
    for path in sorted(inside.rglob(f"*{_ARRAY}")):
        yield path, path.relative_to(inside).as_posix()
