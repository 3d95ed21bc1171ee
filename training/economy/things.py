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
"""Share of the picture below which a part of a class is no thing of its own (the largest part always is)."""
_APART = 0.7
"""Part of a region's depth that its next click keeps away from the last one."""


@dataclass(frozen=True)
class Click:
    """A click at row, column with a mask value."""

    row: int
    column: int
    value: int


def things(mask: Mask) -> Iterator[tuple[int, Region]]:
    """Yield mask value and region (H, W) bool of each thing: the connected parts of a class that are not tiny."""
    for value in np.unique(mask[(mask != BACKGROUND) & (mask != IGNORE)]):
        parts, count = ndimage.label(mask == value)
        areas = np.bincount(parts.ravel(), minlength=count + 1)[1:]
        large = np.flatnonzero(areas >= LEAST_THING * mask.size)
        for part in large if len(large) else [int(areas.argmax())]:
            yield int(value), parts == part + 1


def deepest(region: Region) -> tuple[int, int, float]:
    """Return row, column and depth in pixels of the point of a region (H, W) that is farthest from its border."""
    depth = ndimage.distance_transform_edt(np.pad(region, 1))[1:-1, 1:-1]
    row, column = np.unravel_index(int(depth.argmax()), depth.shape)
    return int(row), int(column), float(depth[row, column])


def clicks_in(region: Region, value: int, count: int) -> list[Click]:
    """Return up to so many clicks in a region: the deepest point, then the deepest apart from those before."""
    rest = region.copy()
    found: list[Click] = []
    rows, columns = np.ogrid[: region.shape[0], : region.shape[1]]
    while len(found) < count and rest.any():
        row, column, depth = deepest(rest)
        found.append(Click(row, column, value))
        rest &= np.hypot(rows - row, columns - column) > max(3.0, _APART * depth)
    return found


def clicks_of(mask: Mask, count: int = 1) -> list[Click]:
    """Return so many clicks on each thing of a true mask and on its background."""
    regions = [*things(mask), (BACKGROUND, mask == BACKGROUND)]
    return [click for value, region in regions for click in clicks_in(region, value, count)]


def largest_error(mask: Mask, proposal: Mask) -> Click | None:
    """Return the click at the deepest point of the largest connected error of a proposal, None when it has none.

    That is how the robot user of RITM clicks (Sofiiuk et al., "Reviving Iterative Training with Mask Guidance for
    Interactive Segmentation", 2021).
    """
    best: tuple[int, Region, int] | None = None
    for value in np.unique(mask[(mask != proposal) & (mask != IGNORE)]):
        parts, count = ndimage.label((mask == value) & (proposal != value))
        areas = np.bincount(parts.ravel(), minlength=count + 1)[1:]
        if best is None or areas.max() > best[0]:
            best = int(areas.max()), parts == int(areas.argmax()) + 1, int(value)
    if best is None:
        return None
    row, column, _ = deepest(best[1])
    return Click(row, column, best[2])
