"""One picture per class and image, black outside: ``cat/x.png``, ``x/cat.png``, ``x_cat.png``."""

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from functools import partial
from itertools import islice
from pathlib import Path, PurePosixPath
from typing import ClassVar

import numpy as np

from napari_wsss.core.classes import BACKGROUND_NAMES, IGNORE, MOST_CLASSES
from napari_wsss.core.errors import LabelError, ProjectError
from napari_wsss.core.masks import Mask
from napari_wsss.exchange.annotations.annotated import Annotated, Picture, Reading
from napari_wsss.exchange.lists.class_lists import ValueNames
from napari_wsss.exchange.mask_values import MASK_SUFFIXES
from napari_wsss.exchange.readers.base import Reader
from napari_wsss.exchange.readers.pictures import values_of
from napari_wsss.pixels.images import find_images, image_id

_LOOKED_AT = 50


class OnePerClass(Reader):
    """Pixels that two classes claim are ignored."""

    title = "One picture per class"
    gives: ClassVar[str] = "masks"

    def recognises(self, source: Path, known: Sequence[str] = ()) -> bool:
        """Tell whether the first pictures of a folder all name one of the known classes."""
        return first_names_class(source, known)

    def read(self, source: Path, reading: Reading) -> Iterator[Annotated]:
        """Yield image by image."""
        for image, files in files_by_image(source, reading).items():
            labels = list(files)[:MOST_CLASSES]
            meant = ValueNames("the files' names", dict(enumerate(labels, 1)))
            paths = [files[label] for label in labels]
            yield Annotated(
                (image,), f"{image} ({', '.join(labels)})", picture=Picture(partial(_together, paths), meant)
            )


def first_names_class(source: Path, known: Sequence[str]) -> bool:
    """Tell whether the first pictures of a folder all name one of the known classes."""
    if not source.is_dir() or not known:
        return False
    names = {name.casefold(): name for name in known}
    found = [parted(name, names) for _, name in islice(_files(source), _LOOKED_AT)]
    return bool(found) and all(found)


def files_by_image(source: Path, reading: Reading) -> dict[str, dict[str, Path]]:
    """Return the pictures of each image by class; note those that name none, or name one again.

    Raises
    ------
    LabelError
        When the source is no folder.
    """
    if not source.is_dir():
        raise LabelError(f"{source} is no folder; expected one with a picture per class and image.")
    names = {name.casefold(): name for name in (*reading.known, *BACKGROUND_NAMES)}
    of_image: dict[str, dict[str, Path]] = defaultdict(dict)
    for path, name in _files(source):
        found = parted(name, names)
        if found is None:
            reading.unreadable.append(f"{name} names no class")
            continue
        image, label = found
        if label.casefold() not in BACKGROUND_NAMES and of_image[image].setdefault(label, path) != path:
            reading.unreadable.append(f"{name} is a second picture of {label} for {image}")
    return dict(of_image)


def parted(name: str, names: dict[str, str]) -> tuple[str, str] | None:
    """Return the image and the class that a picture's path names; None where it names no class.

    Parameters
    ----------
    name : str
        Posix path below the folder.
    names : dict of str to str
        Class name in lower case -> class name.
    """
    path = PurePosixPath(name)
    stem, parents = path.stem, path.parts[:-1]
    for at, part in enumerate(parents):
        if part.casefold() in names:
            return "/".join([*parents[:at], *parents[at + 1 :], stem]), names[part.casefold()]
    if parents and stem.casefold() in names:
        return "/".join(parents), names[stem.casefold()]
    for cut in re.finditer(r"[-_. ]", stem):
        label = stem[cut.end() :].casefold()
        if label in names and cut.start():
            return "/".join([*parents, stem[: cut.start()]]), names[label]
    return None


def _together(paths: Sequence[Path]) -> Mask:
    """Return the values (H, W) uint8 of pictures laid together: 1 for the first, 255 where several claim a pixel."""
    mask: Mask | None = None
    for value, path in enumerate(paths, 1):
        raw = values_of(path)
        kinds = np.unique(raw)
        if len(kinds) > 2 or (len(kinds) == 2 and kinds[0] != 0):
            raise ProjectError(f"{path.name} holds the values {kinds[:5].tolist()} ...; expected 0 and one other.")
        if mask is None:
            mask = np.zeros(raw.shape, np.uint8)
        if raw.shape != mask.shape:
            raise ProjectError(f"{path.name} is of another size than the picture of another class of its image.")
        mask = np.where(raw > 0, np.where(mask == 0, np.uint8(value), np.uint8(IGNORE)), mask)
    return np.zeros((0, 0), np.uint8) if mask is None else mask


def _files(source: Path) -> Iterator[tuple[Path, str]]:
    found = ((path, image_id(path, source)) for path in find_images(source))
    yield from (one for one in found if one[0].suffix.lower() in MASK_SUFFIXES)
