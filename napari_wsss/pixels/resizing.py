"""Bringing images to another size the way the published systems do."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image

SHORTEST = 32
"""No side is scaled below this many pixels: networks of stride 32 need one whole cell."""


def scaled_size(height: int, width: int, scale: float) -> tuple[int, int]:
    """Return (height, width) times `scale`, rounded half to even, no side shorter than 32 pixels."""
    return max(SHORTEST, round(height * scale)), max(SHORTEST, round(width * scale))


def resize(image: NDArray[np.uint8], height: int, width: int) -> NDArray[np.uint8]:
    """Return an image (H,W,3) uint8 at (height, width): bicubic with a = -0.5, anti-aliased when it shrinks."""
    if image.shape[:2] == (height, width):
        return image
    return np.asarray(Image.fromarray(image).resize((width, height), Image.Resampling.BICUBIC))
