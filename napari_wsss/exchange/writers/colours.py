"""Pictures in the colours of the classes: palette PNGs look dark or black in many viewers."""

import io
from typing import ClassVar

from PIL import Image

from napari_wsss.exchange.lists.class_lists import LABEL_MAP
from napari_wsss.exchange.writers.base import Item, Writer
from napari_wsss.exchange.writers.voc import label_map

COLOUR_FOLDER = "colours"


class Colours(Writer):
    """``colours``: RGB PNGs to look at, and ``labelmap.txt``, which says what the colours mean."""

    title = "Colour pictures"
    judge: ClassVar[str] = "Pillow"
    beside: ClassVar[bool] = True

    def add(self, item: Item) -> None:
        """Write the mask in colours."""
        file = io.BytesIO()
        Image.fromarray(self.classes.palette[item.values]).save(file, format="PNG")
        self.put(f"{COLOUR_FOLDER}/{item.name}.png", file.getvalue())

    def finish(self) -> None:
        """Say what the colours mean."""
        self.put(f"{COLOUR_FOLDER}/{LABEL_MAP}", label_map(self))
