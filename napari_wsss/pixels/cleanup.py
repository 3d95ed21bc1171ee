"""Cleaning a mask: small regions, holes, ragged borders, borders beside the edges they belong to.

Every tool takes a mask (H, W) uint8 and returns a new one that holds no value the old one did not hold. Background
regions are never *small*, only *holes*.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_wsss.core.classes import BACKGROUND, IGNORE
from napari_wsss.core.masks import Mask
from napari_wsss.pixels.pixel_walk import band, walked

Flags = NDArray[np.bool_]

_BORDERS = (
    (np.s_[1:], np.s_[:-1]),
    (np.s_[:-1], np.s_[1:]),
    (np.s_[:, 1:], np.s_[:, :-1]),
    (np.s_[:, :-1], np.s_[:, 1:]),
)


@dataclass(frozen=True)
class CleanUp:
    """What is to be cleaned; 0 leaves a step out. The steps run in this order.

    Parameters
    ----------
    snap : int
        Borders move up to so many pixels to where colours change.
    smooth : int
        Bays and spurs narrower than about so many pixels are levelled.
    hole : int
        Background regions of at most so many pixels, enclosed by classes, are filled.
    smallest : int
        Regions of fewer pixels become what surrounds them.
    """

    snap: int = 0
    smooth: int = 0
    hole: int = 0
    smallest: int = 0

    @property
    def does_anything(self) -> bool:
        """False when every step is left out."""
        return any((self.snap, self.smooth, self.hole, self.smallest))


def clean(
    image: NDArray[np.uint8], values: Mask, steps: CleanUp, only: int | None = None, protected: Flags | None = None
) -> Mask:
    """Return a mask after the chosen steps.

    Parameters
    ----------
    image : (H, W, 3) uint8 RGB
    values : (H, W) uint8
    steps : CleanUp
    only : int, optional
        A mask value: only pixels change that have it before or after.
    protected : (H, W) bool, optional
        Pixels that stay as they are.
    """
    found = values
    if steps.snap:
        found = snap(image, found, steps.snap)
    if steps.smooth:
        found = smooth(found, steps.smooth)
    found = _concerning(values, found, only)
    if steps.hole:
        found = fill_holes(found, steps.hole, only)
    if steps.smallest:
        found = drop_small(found, steps.smallest, only)
    found = _concerning(values, found, only)
    return found if protected is None else np.where(protected, values, found)


def _concerning(before: Mask, after: Mask, only: int | None) -> Mask:
    return after if only is None else np.where((before == only) | (after == only), after, before)


def drop_small(values: Mask, smallest: int, only: int | None = None) -> Mask:
    """Return the mask with regions under `smallest` pixels given to the value they touch most.

    Parameters
    ----------
    only : int, optional
        Look at the regions of this value alone.
    """
    parts, of_part = _regions(values)
    small = (np.bincount(parts.ravel()) < smallest) & (of_part != BACKGROUND)
    if only is not None:
        small &= of_part == only
    found = values.copy()
    open_ = small[parts]
    while open_.any():
        winners = _most_touched(parts, found, open_, ~open_)
        if not winners:  # nothing but small regions
            found[open_] = BACKGROUND
            break
        for part, value in winners.items():
            of_part[part] = value
        settled = np.isin(parts, list(winners))
        found[settled] = of_part[parts[settled]]
        open_ &= ~settled
    return found


def fill_holes(values: Mask, largest: int, only: int | None = None) -> Mask:
    """Return the mask with background regions of at most `largest` pixels, off the image's border, filled.

    A hole gets the class it touches most; with `only`, holes that touch another class most stay.
    """
    parts, of_part = _regions(values)
    outside = np.zeros(len(of_part), bool)
    outside[np.concatenate([parts[0], parts[-1], parts[:, 0], parts[:, -1]])] = True
    holes = (np.bincount(parts.ravel()) <= largest) & (of_part == BACKGROUND) & ~outside
    found = values.copy()
    inside = holes[parts]
    winners = _most_touched(parts, values, inside, (values != BACKGROUND) & (values != IGNORE))
    for part, value in winners.items():
        if only is None or value == only:
            of_part[part] = value
    found[inside] = of_part[parts[inside]]
    return found


def smooth(values: Mask, radius: int) -> Mask:
    """Return the mask in which each pixel within `radius` of a border takes the value most of its surroundings have."""
    from skimage.filters import gaussian

    near = band(values, radius)
    best = np.zeros(values.shape, np.float32)
    found = values.copy()
    for value in np.unique(values[near]):
        own = (values == value).astype(np.float32)
        share = gaussian(own, sigma=radius / 2, mode="nearest")
        # On a tie a pixel keeps what it has.
        ahead = near & ((share > best) | ((share == best) & (values == value)))
        found[ahead] = value
        best = np.maximum(best, share)
    return found


def snap(image: NDArray[np.uint8], values: Mask, radius: int) -> Mask:
    """Return the mask with its borders moved, by up to `radius` pixels, to where the colours of the image change."""
    return walked(image, values, band(values, radius))


def changed_regions(before: Mask, after: Mask) -> tuple[int, int]:
    """Return how many pixels differ between two masks, and in how many connected regions."""
    from skimage.measure import label

    differs = before != after
    parts: NDArray[np.intp] = label(differs, connectivity=2)
    return int(np.count_nonzero(differs)), int(parts.max(initial=0))


def _regions(values: Mask) -> tuple[NDArray[np.intp], NDArray[np.uint8]]:
    """Return the number (H, W) of each pixel's region, from 0, and the value of each region."""
    from skimage.measure import label

    parts: NDArray[np.intp] = label(values.astype(np.int16), background=-1, connectivity=1)
    parts -= 1
    of_part = np.zeros(int(parts.max()) + 1, np.uint8)
    of_part[parts.ravel()] = values.ravel()
    return parts, of_part


def _most_touched(parts: NDArray[np.intp], values: Mask, asking: Flags, asked: Flags) -> dict[int, int]:
    """Return the value that each region of `asking` pixels touches most among `asked` pixels; ties go to the lower."""
    codes = []
    for here, there in _BORDERS:
        touching = asking[here] & asked[there]
        codes.append(parts[here][touching] * 256 + values[there][touching])
    found, counts = np.unique(np.concatenate(codes), return_counts=True)
    order = np.lexsort((found % 256, -counts))
    return {int(code) // 256: int(code) % 256 for code in found[order][::-1]}
