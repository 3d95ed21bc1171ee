"""CVAT's *Segmentation mask 1.1*: the VOC layout in one zip file, to upload into a task of the same images."""

import zipfile
from typing import ClassVar

from napari_wsss.core.masks import encode_mask
from napari_wsss.exchange.export_folder import scratch
from napari_wsss.exchange.lists.class_lists import LABEL_MAP
from napari_wsss.exchange.writers.base import NO_SPLIT, Item, Writer
from napari_wsss.exchange.writers.voc import LIST_FOLDER, MASK_FOLDER, label_map, lines

NAME = "cvat-masks.zip"
EARLIEST = (1980, 1, 1, 0, 0, 0)
"""Time of every entry, so that the same masks give the same file."""


class CvatMasks(Writer):
    """``cvat-masks.zip`` with palette PNGs, ``labelmap.txt`` and one list."""

    title = "CVAT segmentation masks 1.1"
    judge: ClassVar[str] = "Datumaro, Pillow"

    def begin(self) -> None:
        """Begin the zip file."""
        self._file = scratch()
        self._zip = zipfile.ZipFile(self._file, "w", zipfile.ZIP_STORED)  # PNGs are packed already
        self._names: list[str] = []

    def add(self, item: Item) -> None:
        """Add the palette PNG."""
        self._enter(f"{MASK_FOLDER}/{item.name}.png", encode_mask(item.values, self.classes))
        self._names.append(item.name)

    def _enter(self, path: str, content: bytes) -> None:
        self._zip.writestr(zipfile.ZipInfo(path, EARLIEST), content)

    def finish(self) -> None:
        """Add the list and what the colours mean, and write the file."""
        self._enter(f"{LIST_FOLDER}/{NO_SPLIT}.txt", lines(self._names).encode())
        self._enter(LABEL_MAP, label_map(self).encode())
        self._zip.close()
        self.put(NAME, self._file)
