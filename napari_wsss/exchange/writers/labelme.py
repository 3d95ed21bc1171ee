"""LabelMe JSON: one file beside each image, with a polygon for each region."""

import json
import posixpath
from typing import Any, ClassVar

from napari_wsss.exchange.writers.base import Item, Writer, regions
from napari_wsss.pixels.outlines import outlines

VERSION = "5.5.0"


class LabelMe(Writer):
    """``x.json`` for each image, polygons through the middle of the outermost pixels (as LabelMe fills them)."""

    title = "LabelMe"
    judge: ClassVar[str] = "Pillow, drawing as LabelMe does"
    takes_images: ClassVar[bool] = True

    def add(self, item: Item) -> None:
        """Write the shapes of one image; regions of a class are a group."""
        self.put_image(item.name + item.suffix, item)
        height, width = item.size
        record: dict[str, Any] = {
            "version": VERSION,
            "flags": {},
            "shapes": [shape for value, where in regions(item) for shape in self._shapes(value, where)],
            "imagePath": posixpath.basename(item.name) + item.suffix,
            "imageData": None,
            "imageHeight": height,
            "imageWidth": width,
        }
        self.put(f"{item.name}.json", json.dumps(record, ensure_ascii=False, indent=1))

    def _shapes(self, value: int, where: Any) -> list[dict[str, Any]]:
        return [
            {
                "label": self.name_of(value),
                "points": (outline.pixels + 0.5).tolist(),
                "group_id": value,
                "description": "",
                "shape_type": "polygon",
                "flags": {},
                "mask": None,
            }
            for outline in outlines(where)
        ]
