"""The contract of a format that an export writes: one class per file, one verb per image, one for the whole."""

import io
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from napari_wsss.core.classes import BACKGROUND, IGNORE, ClassList
from napari_wsss.core.errors import ProjectError
from napari_wsss.core.maps import ActivationMaps
from napari_wsss.core.masks import Mask
from napari_wsss.core.sources import Sources
from napari_wsss.exchange.export_folder import ExportFolder, Images
from napari_wsss.pixels.by_window import SIDE
from napari_wsss.pixels.decoding.stacks import file_and_page
from napari_wsss.pixels.images import read_image
from napari_wsss.pixels.large_tiff import LargeMask
from napari_wsss.project.image_clusters import ClusterRow
from napari_wsss.project.records import ImageRecord
from napari_wsss.project.sourced_masks import SourcedMask

Kind = Literal["masks", "maps", "clusters", "labels"]
Content = SourcedMask | LargeMask | ActivationMaps | tuple[ClusterRow, ...] | ImageRecord
NO_SPLIT = "default"
"""What lists and folders of images without a split are called (as CVAT and Datumaro call them)."""


@dataclass(frozen=True, eq=False)
class Item:
    """One image of an export, with what is handed out of it.

    Parameters
    ----------
    id : str
        The image's id: a posix path with suffix.
    number : int
        From 1; it stays the image's in every export of the project.
    name : str
        What files about it are called, without suffix: the id without its suffix, where no other image has that.
    content : SourcedMask, LargeMask, ActivationMaps, tuple of ClusterRow or ImageRecord
        As the writer's `kind` says; a mask that is larger than the memory is read by the window.
    split : str
        "train", "val" or "".
    image : Path, optional
        The image file; None where there is none.
    size : (height, width)
        In pixels; (0, 0) of clusters and labels.
    shown : callable, optional
        Returns the picture (H, W, 3) uint8 as the project shows it; the file's own by default.
    """

    id: str
    number: int
    name: str
    content: Content
    split: str = ""
    image: Path | None = None
    size: tuple[int, int] = (0, 0)
    shown: Callable[[], NDArray[np.uint8]] | None = None

    def pixels(self) -> NDArray[np.uint8]:
        """Return the picture (H, W, 3) uint8 RGB; raise `ProjectError` where there is none, or it cannot be read."""
        if self.shown is not None:
            return self.shown()
        if self.image is None:
            raise ProjectError(f"{self.id} has no image file")
        return read_image(self.image).pixels

    @property
    def values(self) -> Mask:
        """The mask (H, W) uint8."""
        return self._mask.values

    @property
    def sources(self) -> Sources:
        """Who made each pixel of the mask."""
        return self._mask.sources

    @property
    def _mask(self) -> SourcedMask:
        if isinstance(self.content, LargeMask):
            raise ProjectError(f"{self.id} is larger than the memory; export its mask as tiff or ome_zarr.")
        if not isinstance(self.content, SourcedMask):
            raise TypeError(f"{self.id} is exported as {type(self.content).__name__}, not as a mask")
        return self.content

    @property
    def maps(self) -> ActivationMaps:
        """The activation maps (K, H, W)."""
        if not isinstance(self.content, ActivationMaps):
            raise TypeError(f"{self.id} is exported as {type(self.content).__name__}, not as activation maps")
        return self.content

    @property
    def clusters(self) -> tuple[ClusterRow, ...]:
        """The clusters the image is in."""
        if not isinstance(self.content, tuple):
            raise TypeError(f"{self.id} is exported as {type(self.content).__name__}, not as clusters")
        return self.content

    @property
    def record(self) -> ImageRecord:
        """What is known of the image, its labels among it."""
        if not isinstance(self.content, ImageRecord):
            raise TypeError(f"{self.id} is exported as {type(self.content).__name__}, not as labels")
        return self.content

    @property
    def suffix(self) -> str:
        """The image's suffix as it is written, with its dot."""
        return Path(self.id).suffix

    @property
    def subset(self) -> str:
        """Its split, `NO_SPLIT` without one."""
        return self.split or NO_SPLIT


class Writer(ABC):
    """Writes one format; made anew for every export.

    Parameters
    ----------
    folder : ExportFolder
        Where everything goes.
    classes : ClassList
    at : str
        "" or a folder of its own with a slash, where several formats go into one export.

    Attributes
    ----------
    title : str
        For lists and menus.
    kind : 'masks', 'maps' or 'clusters'
        What it writes.
    beside : bool
        It may lie in one folder with another format: it adds files that no other format reads.
    takes_images : bool
        Image files can be linked or copied into it.
    judge : str
        What that is not ours reads it back in the tests, "" for nothing.
    classes : ClassList
        As given.
    notes : list of str
        What the format cannot hold; told in the report.
    """

    title: ClassVar[str]
    kind: ClassVar[Kind] = "masks"
    beside: ClassVar[bool] = False
    takes_images: ClassVar[bool] = False
    judge: ClassVar[str] = ""

    def __init__(self, folder: ExportFolder, classes: ClassList, at: str = "") -> None:
        self.classes, self._folder, self._at = classes, folder, at
        self.notes: list[str] = []
        self._ignores = False
        self.begin()

    def begin(self) -> None:  # noqa: B027 (most formats gather nothing)
        """Set up what the format gathers over all images."""

    def take(self, item: Item) -> None:
        """Add one image; errors as `add`."""
        self.add(item)
        if isinstance(item.content, SourcedMask):
            self._ignores |= has_ignore(item)
        elif isinstance(item.content, LargeMask):
            self._ignores |= any((tile == IGNORE).any() for tile in item.content.tiles(SIDE))

    @abstractmethod
    def add(self, item: Item) -> None:
        """Write what belongs to one image with `put`, and note what the whole needs of it.

        Raises
        ------
        ProjectError, OSError
            When nothing can be written for this image; it is left out and named.
        """

    def finish(self) -> None:  # noqa: B027 (most formats write no whole)
        """Write what the whole needs (lists, one JSON of all); called once, after the last image."""

    # -- what a format writes with -----------------------------------------------------------------------------

    def put(self, path: str, content: bytes | str | IO[bytes]) -> None:
        """Make a file of the export; see `ExportFolder.put`."""
        self._folder.put(self._at + path, content.encode() if isinstance(content, str) else content)

    def put_image(self, path: str, item: Item) -> bool:
        """Link or copy an item's image file as the person chose; return whether it is there.

        A page of a stack has no file of its own: it is written as a PNG of what the project shows.
        """
        if item.image is not None and self.images != "none" and file_and_page(item.image)[1] is not None:
            file = io.BytesIO()
            Image.fromarray(item.pixels()).save(file, format="PNG")
            self.put(path, file.getvalue())
            return True
        return item.image is not None and self._folder.put_image(self._at + path, item.image)

    @property
    def images(self) -> Images:
        """What becomes of the image files."""
        return self._folder.images

    def say(self, note: str) -> None:
        """Have the report tell something, once."""
        if note not in self.notes:
            self.notes.append(note)

    # -- what the values mean ----------------------------------------------------------------------------------

    @property
    def values(self) -> list[int]:
        """The values that can occur, background left out: every class, and 255 where a mask has ignored pixels."""
        return [*range(1, len(self.classes) + 1), *([IGNORE] if self._ignores else [])]

    def name_of(self, value: int) -> str:
        """Return what a mask value is called: a class's name, ``background`` or ``ignore``, never one of them twice."""
        name = self.classes.name_of(value)
        plain = value in (BACKGROUND, IGNORE) and name in self.classes.names
        return f"__{name}__" if plain else name

    def colour(self, value: int) -> tuple[int, int, int]:
        """Return red, green and blue in [0, 255] of a mask value; they never change."""
        red, green, blue = self.classes.palette[value].tolist()
        return red, green, blue

    def web_colour(self, value: int) -> str:
        """Return the colour of a mask value as ``#rrggbb``."""
        return "#{:02x}{:02x}{:02x}".format(*self.colour(value))


def regions(item: Item) -> Iterator[tuple[int, NDArray[np.bool_]]]:
    """Yield each class value of a mask, ignore last, with where it is (H, W) bool; background is left out."""
    for value in np.unique(item.values).tolist():
        if value != BACKGROUND:
            yield value, item.values == value


def has_ignore(item: Item) -> bool:
    """Tell whether pixels of a mask are ignored."""
    return bool((item.values == IGNORE).any())
