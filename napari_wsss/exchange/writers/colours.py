"""Pictures in the colours of the classes: palette PNGs look dark or black in many viewers."""

import io
from typing import ClassVar

from PIL import Image

from napari_wsss.exchange.writers.base import Item, Writer

COLOUR_FOLDER = "colours"


class Colours(Writer):
    """``colours``: RGB PNGs to look at."""

    title = "Colour pictures"
    judge: ClassVar[str] = "Pillow"
    beside: ClassVar[bool] = True

    def add(self, item: Item) -> None:
        """Write the mask in colours."""
        file = io.BytesIO()
        Image.fromarray(self.classes.palette[item.values]).save(file, format="PNG")
        self.put(f"{COLOUR_FOLDER}/{item.name}.png", file.getvalue())
