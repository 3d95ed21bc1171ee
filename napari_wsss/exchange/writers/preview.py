"""Previews: the photograph with the mask laid over it, as a small JPEG for an eye or a report."""

import io
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from napari_wsss.core.classes import BACKGROUND
from napari_wsss.exchange.writers.base import Item, Writer

PREVIEW_FOLDER = "preview"
OPACITY = 0.5
QUALITY = 88


class Preview(Writer):
    """``preview``: JPEGs of the images with the classes laid over; of the mask alone where the image is gone."""

    title = "Previews"
    judge: ClassVar[str] = "Pillow"
    beside: ClassVar[bool] = True

    def add(self, item: Item) -> None:
        """Write the overlay in the colours of the screen: classes half transparent, their borders in full colour."""
        colours = self.classes.screen[item.values]
        picture = colours if item.image is None else laid_over(item.pixels(), colours, item.values)
        file = io.BytesIO()
        Image.fromarray(picture).save(file, format="JPEG", quality=QUALITY)
        self.put(f"{PREVIEW_FOLDER}/{item.name}.jpg", file.getvalue())


def laid_over(pixels: NDArray[np.uint8], colours: NDArray[np.uint8], values: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return an image (H, W, 3) uint8 with a mask in colours (H, W, 3) over it, its own pixels where it is background.

    An image of another size (it was replaced) is left out.
    """
    if pixels.shape != colours.shape:
        return colours
    opacity = np.where(values == BACKGROUND, 0.0, OPACITY)[..., None]
    opacity[_borders(values)] = 1.0
    mixed: NDArray[np.uint8] = (pixels * (1 - opacity) + colours * opacity).astype(np.uint8)
    return mixed


def _borders(values: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Return (H, W) bool, True at the pixels of a class whose right or lower neighbour is another."""
    found = np.zeros(values.shape, bool)
    found[:-1] |= values[:-1] != values[1:]
    found[:, :-1] |= values[:, :-1] != values[:, 1:]
    found &= values != BACKGROUND
    return found
