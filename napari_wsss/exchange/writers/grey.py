"""Plain grey PNGs, value = class: for programs that drop palettes."""

import io
from typing import ClassVar

from PIL import Image

from napari_wsss.exchange.lists.class_lists import CLASS_LIST
from napari_wsss.exchange.writers.base import Item, Writer
from napari_wsss.exchange.writers.voc import class_list

GREY_FOLDER = "SegmentationClassGrey"


class Grey(Writer):
    """``SegmentationClassGrey``: 0 background, 1 .. K the classes, 255 ignore; ``classes.txt`` names them."""

    title = "Grey PNG"
    judge: ClassVar[str] = "Pillow"
    beside: ClassVar[bool] = True

    def add(self, item: Item) -> None:
        """Write the values as they are."""
        file = io.BytesIO()
        Image.fromarray(item.values).save(file, format="PNG")
        self.put(f"{GREY_FOLDER}/{item.name}.png", file.getvalue())

    def finish(self) -> None:
        """Write what the values mean."""
        self.put(CLASS_LIST, class_list(self))
