"""The things in a true mask and where a person would click on them."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_wsss.core.classes import BACKGROUND, IGNORE

Mask = NDArray[np.uint8]
Region = NDArray[np.bool_]
LEAST_THING = 0.02
"""Share of the picture from which on a part of a class is a thing of its own."""
LEAST_OF_LARGEST = 0.25
"""Share of the largest part of its class from which on a smaller part is one too: all cells of a picture are small."""
_APART = 0.7
"""Part of a region's depth that its next click keeps away from the last one."""


@dataclass(frozen=True)
class Click:
    """A click at row, column with a mask value, on something whose area is a square of `side` pixels."""

    row: int
    column: int
    value: int
    side: float = 0.0


def things(mask: Mask) -> Iterator[tuple[int, Region]]:
    """Yield mask value and region (H, W) bool of each thing: the connected parts of a class that are not tiny."""
    for value in np.unique(mask[(mask != BACKGROUND) & (mask != IGNORE)]):
        parts, count = ndimage.label(mask == value)
        areas = np.bincount(parts.ravel(), minlength=count + 1)[1:]
        least = min(LEAST_THING * mask.size, LEAST_OF_LARGEST * areas.max())
        for part in np.flatnonzero(areas >= least):
            yield int(value), parts == part + 1


def depth_of(region: Region) -> NDArray[np.float64]:
    """Return how many pixels each point of a region (H, W) lies from its border, the picture's border included."""
    return np.asarray(ndimage.distance_transform_edt(np.pad(region, 1))[1:-1, 1:-1])


def deepest(region: Region) -> tuple[int, int, float]:
    """Return row, column and depth in pixels of the point of a region (H, W) that is farthest from its border."""
    depth = depth_of(region)
    row, column = np.unravel_index(int(depth.argmax()), depth.shape)
    return int(row), int(column), float(depth[row, column])


def clicks_in(region: Region, value: int, count: int) -> list[Click]:
    """Return up to so many clicks in a region: the deepest point, then the deepest apart from those before."""
    rest = region.copy()
    found: list[Click] = []
    rows, columns = np.ogrid[: region.shape[0], : region.shape[1]]
    while len(found) < count and rest.any():
        row, column, depth = deepest(rest)
        found.append(Click(row, column, value, float(np.sqrt(region.sum()))))
        rest &= np.hypot(rows - row, columns - column) > max(3.0, _APART * depth)
    return found


def clicks_of(mask: Mask, count: int = 1) -> list[Click]:
    """Return so many clicks on each thing of a true mask and on its background."""
    regions = [*things(mask), (BACKGROUND, mask == BACKGROUND)]
    return [click for value, region in regions for click in clicks_in(region, value, count)]


def largest_error_region(mask: Mask, proposal: Mask) -> tuple[int, Region] | None:
    """Return the largest connected error (H, W) bool of a proposal and its true value, None when it has none."""
    best: tuple[int, int, Region] | None = None
    for value in np.unique(mask[(mask != proposal) & (mask != IGNORE)]):
        parts, count = ndimage.label((mask == value) & (proposal != value))
        areas = np.bincount(parts.ravel(), minlength=count + 1)[1:]
        if best is None or areas.max() > best[0]:
            best = int(areas.max()), int(value), parts == int(areas.argmax()) + 1
    return best[1:] if best else None


def largest_error(mask: Mask, proposal: Mask) -> Click | None:
    """Return the click at the deepest point of the largest connected error of a proposal, None when it has none.

    That is how the robot user of RITM clicks (Sofiiuk et al., "Reviving Iterative Training with Mask Guidance for
    Interactive Segmentation", 2021).
    """
    found = largest_error_region(mask, proposal)
    return None if found is None else clicks_in(found[1], found[0], 1)[0]


def agreement(mask: Mask, proposal: Mask) -> float:
    """Return the intersection over union of a proposal, in [0, 1]: the mean of the classes in the true mask.

    An image of background only is judged by its background; pixels whose truth is 255 do not count.
    """
    known = mask != IGNORE
    values = np.setdiff1d(mask[known], [BACKGROUND])
    found = []
    for value in values if len(values) else [BACKGROUND]:
        true, said = (mask == value) & known, (proposal == value) & known
        found.append((true & said).sum() / max((true | said).sum(), 1))
    return float(np.mean(found))
