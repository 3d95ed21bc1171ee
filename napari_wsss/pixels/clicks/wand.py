"""The magic wand: what hangs together with a place and is coloured like it."""

import numpy as np
from numpy.typing import NDArray

Distances = NDArray[np.float32]
_AROUND = 1
"""Pixels on each side of a place whose mean is its colour: one noisy pixel decides nothing."""


def colour_distances(pixels: NDArray[np.uint8], row: int, column: int) -> Distances:
    """Return how far each pixel's colour is from that of a place (H, W) float32, in steps of one channel (0 to 255).

    Parameters
    ----------
    pixels : (H, W, 3) uint8 RGB
    row, column : int
    """
    near = pixels[max(0, row - _AROUND) : row + _AROUND + 1, max(0, column - _AROUND) : column + _AROUND + 1]
    apart = pixels.astype(np.float32) - near.reshape(-1, 3).mean(0, dtype=np.float32)
    return np.asarray(np.sqrt(np.square(apart).mean(2)), np.float32)


def alike(distances: Distances, row: int, column: int, tolerance: float) -> NDArray[np.bool_]:
    """Return the region (H, W) bool around a place whose colours are within a tolerance; it holds the place always."""
    from scipy import ndimage

    near = distances <= tolerance
    near[row, column] = True
    parts, _ = ndimage.label(near)
    return np.asarray(parts == parts[row, column])
