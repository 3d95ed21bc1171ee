"""COCO JSON with run lengths: exact, whatever the shape (Lin et al., ECCV 2014; format of pycocotools)."""

import json
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from napari_wsss.core.classes import IGNORE
from napari_wsss.exchange.writers.base import Item, Writer, regions
from napari_wsss.pixels.run_lengths import coco_counts

ANNOTATION_FOLDER = "annotations"
IMAGE_FOLDER = "images"
ANNOTATIONS_PER_IMAGE = 256
"""One for each mask value: annotation ids are image number times this plus the value, and stay so."""


class Coco(Writer):
    """``annotations/instances_<split>.json``: one annotation for each class in an image, with its run lengths.

    Category ids are mask values, image ids the numbers in the project. Ignored pixels are a crowd of the category
    ``ignore``, which evaluation and training leave out.
    """

    title = "COCO (run lengths)"
    judge: ClassVar[str] = "pycocotools; Datumaro"
    takes_images: ClassVar[bool] = True

    def begin(self) -> None:
        """Begin the file of each split."""
        self._images: dict[str, list[dict[str, Any]]] = {}
        self._annotations: dict[str, list[dict[str, Any]]] = {}

    def add(self, item: Item) -> None:
        """Note the image and an annotation for each class in it."""
        self.put_image(f"{IMAGE_FOLDER}/{item.id}", item)
        height, width = item.size
        image = {"id": item.number, "file_name": item.id, "height": height, "width": width}
        self._images.setdefault(item.subset, []).append(image)
        found = [self._annotation(item, value, where) for value, where in regions(item)]
        self._annotations.setdefault(item.subset, []).extend(found)

    def _annotation(self, item: Item, value: int, where: NDArray[np.bool_]) -> dict[str, Any]:
        rows, columns = np.flatnonzero(where.any(1)), np.flatnonzero(where.any(0))
        left, top = int(columns[0]), int(rows[0])
        return {
            "id": item.number * ANNOTATIONS_PER_IMAGE + value,
            "image_id": item.number,
            "category_id": value,
            "iscrowd": int(value == IGNORE),
            "area": int(where.sum()),
            "bbox": [left, top, int(columns[-1]) - left + 1, int(rows[-1]) - top + 1],
            "segmentation": run_lengths_of(where) if value == IGNORE else self._segmentation(where),
        }

    def _segmentation(self, where: NDArray[np.bool_]) -> Any:
        return run_lengths_of(where)

    def finish(self) -> None:
        """Write a file for each split, with all categories."""
        categories = [
            {"id": value, "name": self.name_of(value), "supercategory": "", "color": list(self.colour(value))}
            for value in self.values
        ]
        for split, images in self._images.items():
            record = {
                "info": {"description": "napari-wsss"},
                "licenses": [],
                "categories": categories,
                "images": images,
                "annotations": self._annotations[split],
            }
            self.put(f"{ANNOTATION_FOLDER}/instances_{split}.json", json.dumps(record))


def run_lengths_of(where: NDArray[np.bool_]) -> dict[str, Any]:
    """Return (H, W) bool as COCO's segmentation in compressed run lengths."""
    return {"size": list(where.shape), "counts": coco_counts(where)}
