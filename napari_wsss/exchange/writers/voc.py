"""PASCAL VOC: palette PNGs, lists of the splits, and what values and colours mean (Everingham et al., IJCV 2010)."""

from typing import ClassVar

from napari_wsss.core.classes import BACKGROUND
from napari_wsss.core.inside import writable
from napari_wsss.core.masks import encode_mask
from napari_wsss.exchange.lists.class_lists import CLASS_LIST, LABEL_MAP
from napari_wsss.exchange.writers.base import Item, Writer

MASK_FOLDER = "SegmentationClass"
LIST_FOLDER = "ImageSets/Segmentation"
IMAGE_FOLDER = "JPEGImages"


class Voc(Writer):
    """``SegmentationClass``, ``ImageSets/Segmentation/<split>.txt``, ``classes.txt`` and ``labelmap.txt``.

    Every image is in exactly one list: tools that read all of them meet it once.
    """

    title = "PASCAL VOC"
    judge: ClassVar[str] = "Pillow, as torchvision reads it; Datumaro"
    takes_images: ClassVar[bool] = True

    def begin(self) -> None:
        """Begin the lists of the splits."""
        self._lists: dict[str, list[str]] = {}

    def add(self, item: Item) -> None:
        """Write the palette PNG; values are 0 for background, 1 .. K for the classes and 255."""
        self.put(f"{MASK_FOLDER}/{item.name}.png", encode_mask(item.values, self.classes))
        self.put_image(f"{IMAGE_FOLDER}/{item.name}{item.suffix}", item)
        self._lists.setdefault(item.subset, []).append(item.name)

    def finish(self) -> None:
        """Write the lists, and what values and colours mean."""
        for split, names in self._lists.items():
            self.put(f"{LIST_FOLDER}/{split}.txt", lines(names))
        self.put(CLASS_LIST, class_list(self))
        self.put(LABEL_MAP, label_map(self))


def lines(entries: list[str]) -> str:
    """Return entries one a line."""
    return "".join(f"{entry}\n" for entry in entries)


def class_list(writer: Writer) -> str:
    """Return the names one a line, so that line k (from 0) names value k."""
    return lines([writable(writer.name_of(value)) for value in range(len(writer.classes) + 1)])


def label_map(writer: Writer) -> str:
    """Return one line ``name:r,g,b::`` for background, each class and what is ignored, as CVAT writes it."""
    values = [BACKGROUND, *writer.values]
    for value in values:
        if ":" in writer.name_of(value):
            writer.say(f"CVAT and Datumaro cannot read {LABEL_MAP}: {writer.name_of(value)!r} holds a colon")
    entries = ["# label:color_rgb:parts:actions"]
    entries += [f"{writable(writer.name_of(value))}:{','.join(map(str, writer.colour(value)))}::" for value in values]
    return lines(entries)
