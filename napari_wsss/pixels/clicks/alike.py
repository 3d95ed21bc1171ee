"""Which regions of a picture look like the ones that are meant: by mean colour, and by what they were taken for."""

import numpy as np
from numpy.typing import NDArray

ALIKE = 12.0
"""Distance of mean colours in CIE Lab below which regions look alike: seen as another shade, not as another thing."""
LOOKED_AT = 1_000_000
"""Pixels that are looked at of a larger picture, evenly spread."""


def alike_regions(
    numbers: NDArray[np.int32], pixels: NDArray[np.uint8], meant: NDArray[np.int32], taken_for: NDArray[np.uint8]
) -> NDArray[np.int32]:
    """Return the numbers of the regions that look like one of those meant, these among them.

    Parameters
    ----------
    numbers : (H, W) int32
        A number for each region, 0 for none; any numbers.
    pixels : (H, W, 3) uint8 RGB
    meant : (M,) int32
        Numbers of the regions that are meant.
    taken_for : (H, W) uint8
        What was drawn or proposed so far: a region is alike only to those meant of which most was taken for the same
        class as most of it.

    Returns
    -------
    (N,) int32
        Ascending, without 0.
    """
    from scipy.spatial import cKDTree
    from skimage.color import rgb2lab

    step = max(1, int(np.ceil(np.sqrt(numbers.size / LOOKED_AT))))
    sparse = np.s_[::step, ::step]
    found, place = np.unique(numbers[sparse], return_inverse=True)
    place, count = place.ravel(), len(found)
    sizes = np.bincount(place, minlength=count)
    means = np.stack([np.bincount(place, channel.ravel(), count) for channel in np.moveaxis(pixels[sparse], -1, 0)], -1)
    colours = rgb2lab(means / sizes[:, None] / 255)
    votes = np.bincount(place * 256 + taken_for[sparse].ravel(), minlength=count * 256).reshape(count, 256)
    classes = votes.argmax(1)
    chosen, is_alike = np.isin(found, meant), np.zeros(count, bool)
    for value in np.unique(classes[chosen]):
        own = classes == value
        away, _ = cKDTree(colours[chosen & own]).query(colours[own])
        is_alike[own] = away <= ALIKE
    return np.union1d(found[is_alike & (found > 0)], meant).astype(np.int32)
