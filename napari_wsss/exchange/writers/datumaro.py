"""Datumaro's own JSON: one file for each split, masks as run lengths (dm_format_version 1.0)."""

import json
from typing import Any, ClassVar

from napari_wsss.core.classes import BACKGROUND, IGNORE
from napari_wsss.exchange.writers.base import Item, Writer, regions
from napari_wsss.exchange.writers.coco import run_lengths_of

ANNOTATION_FOLDER = "annotations"
IMAGES = 2
"""Datumaro's number of the medium *image*."""


class Datumaro(Writer):
    """``annotations/<split>.json`` with a mask for each class; label ids are mask values, background is label 0."""

    title = "Datumaro"
    judge: ClassVar[str] = "Datumaro"
    takes_images: ClassVar[bool] = True

    def begin(self) -> None:
        """Begin the items of each split."""
        self._items: dict[str, list[dict[str, Any]]] = {}

    def add(self, item: Item) -> None:
        """Note an item with a mask for each class."""
        self.put_image(f"images/{item.subset}/{item.name}{item.suffix}", item)
        masks = [
            {
                "id": item.number * 256 + value,
                "type": "mask",
                "attributes": {},
                "group": 0,
                "label_id": self._label(value),
                "rle": run_lengths_of(where),
                "z_order": 0,
            }
            for value, where in regions(item)
        ]
        image = {"path": item.name + item.suffix, "size": list(item.size)}
        record = {"id": item.name, "annotations": masks, "attr": {"frame": item.number - 1}, "image": image}
        self._items.setdefault(item.subset, []).append(record)

    def _label(self, value: int) -> int:
        return len(self.classes) + 1 if value == IGNORE else value

    def finish(self) -> None:
        """Write a file for each split."""
        values = [BACKGROUND, *self.values]
        names = [{"name": self.name_of(value), "parent": "", "attributes": []} for value in values]
        colours = [
            {"label_id": self._label(value), **dict(zip("rgb", self.colour(value), strict=True))} for value in values
        ]
        categories = {
            "label": {"labels": names, "label_groups": [], "attributes": []},
            "mask": {"colormap": colours},
        }
        head = {"dm_format_version": "1.0", "media_type": IMAGES, "infos": {}, "categories": categories}
        for split, items in self._items.items():
            self.put(f"{ANNOTATION_FOLDER}/{split}.json", json.dumps(head | {"items": items}, ensure_ascii=False))
