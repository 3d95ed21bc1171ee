"""YOLO segmentation: a text file of polygons for each image, and ``data.yaml`` (the layout of Ultralytics)."""

import json
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from napari_wsss.core.classes import IGNORE
from napari_wsss.exchange.writers.base import NO_SPLIT, Item, Writer, has_ignore, regions
from napari_wsss.pixels.outlines import outlines

DECIMALS = 7


class Yolo(Writer):
    """``labels/<split>/x.txt`` with one line for each region: class from 0, then x y in [0, 1] of its outermost pixels.

    Points lie in the middle of pixels, so that drawing them fills exactly the region.
    """

    title = "YOLO segmentation"
    judge: ClassVar[str] = "Pillow, drawing as Ultralytics does; Ultralytics"
    takes_images: ClassVar[bool] = True

    def begin(self) -> None:
        """Begin the splits."""
        self._splits: set[str] = set()

    def add(self, item: Item) -> None:
        """Write the polygons of each class; an image without any gets an empty file."""
        if has_ignore(item):
            self.say("YOLO has no word for ignored pixels: they are left out, as background is")
        found = [
            " ".join([str(value - 1), *_points(outline.pixels, item.size)])
            for value, where in regions(item)
            if value != IGNORE
            for outline in outlines(where)
        ]
        self.put(f"labels/{item.subset}/{item.name}.txt", "".join(f"{line}\n" for line in found))
        self.put_image(f"images/{item.subset}/{item.name}{item.suffix}", item)
        self._splits.add(item.subset)
        if item.split == "" and "train" in self._splits:
            self.say(f"images without a split are in images/{NO_SPLIT}, which data.yaml does not name")

    def finish(self) -> None:
        """Write the class names and where the splits lie; without a split everything is both."""
        train = "train" if "train" in self._splits else NO_SPLIT
        val = "val" if "val" in self._splits else train
        names = [f"  {k}: {json.dumps(name, ensure_ascii=False)}" for k, name in enumerate(self.classes.names)]
        places = [f"{split}: images/{place}" for split, place in (("train", train), ("val", val))]
        self.put("data.yaml", "\n".join([*places, "names:", *names, ""]))


def _points(pixels: NDArray[np.int64], size: tuple[int, int]) -> list[str]:
    height, width = size
    return [f"{coordinate:.{DECIMALS}f}" for coordinate in ((pixels + 0.5) / (width, height)).ravel().tolist()]
