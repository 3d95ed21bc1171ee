"""From displacements to instances, after IRNet (Ahn et al., CVPR 2019, section 5.1).

A displacement field (2, h, w) holds dy and dx, in cells: every cell of an instance points to one place, its centre.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from skimage.measure import label

Floats = NDArray[np.float32]

STEPS, STILL = 300, 2.5
"""How often a cell follows the displacements, and below how many cells one counts as none; both as published."""


@dataclass(frozen=True)
class Instances:
    """Instances of an image, strongest first.

    Parameters
    ----------
    masks : (N, H, W) bool
        Where they are; no two overlap.
    classes : (N,) int
        0-based class of each.
    scores : (N,) float32 in [0, 1]
        The largest score of the class inside.
    """

    masks: NDArray[np.bool_]
    classes: NDArray[np.intp]
    scores: Floats

    def numbered(self) -> NDArray[np.uint8] | NDArray[np.uint16]:
        """Return one picture (H,W), uint8 up to 255 instances, else uint16: 0 nothing, n the n-th instance."""
        values = np.zeros(self.masks.shape[1:], np.uint8 if len(self.masks) <= 255 else np.uint16)
        for number, mask in enumerate(self.masks, start=1):
            values[mask] = number
        return values


def follow(displacement: Floats, steps: int = STEPS) -> Floats:
    """Return where every cell arrives (2,h,w): (y, x) in cells, inside the grid.

    Parameters
    ----------
    displacement : (2, h, w)
        (dy, dx); bilinear between cells.
    steps : int
        How often a cell is moved by the displacement at the place it has reached.
    """
    last = np.array(displacement.shape[1:], np.float32)[:, None, None] - 1
    places = np.indices(displacement.shape[1:]).astype(np.float32)
    for _ in range(steps):
        moved = places + _between(displacement, places)
        if np.array_equal(moved, places):
            break
        places = np.clip(moved, 0, last)
    return places


def cluster(displacement: Floats, *, steps: int = STEPS, still: float = STILL) -> NDArray[np.intp]:
    """Return one number per instance for every cell, (h,w) from 0.

    Centres are the 4-connected regions where displacements are shorter than `still` cells; a cell belongs to the
    region it arrives in. Cells that arrive in none share one number.
    """
    centres = _regions(np.hypot(displacement[0], displacement[1]) < still)
    rows, columns = np.rint(follow(displacement, steps)).astype(np.intp)
    found: NDArray[np.intp] = np.unique(centres[rows, columns], return_inverse=True)[1]
    return found.reshape(centres.shape)


def split(maps: Floats, clusters: NDArray[np.intp]) -> tuple[Floats, NDArray[np.intp]]:
    """Return maps (N,h,w) of one class in one cluster each, and which class (N,) that is; empty ones are left out.

    Parameters
    ----------
    maps : (K, h, w)
        One per class.
    clusters : (h, w)
        As `cluster` returns them.
    """
    inside = clusters == np.unique(clusters)[:, None, None]  # (M, h, w)
    parts = (maps[:, None] * inside).reshape(-1, *clusters.shape)
    classes = np.repeat(np.arange(len(maps)), len(inside))
    there = parts.any((1, 2))
    return parts[there], classes[there]


def masks_of(
    scores: Floats, classes: NDArray[np.intp], *, threshold: float = 0.25, smallest: float = 0.01
) -> Instances:
    """Return the instances whose score is the highest, and above the background's, in some pixels.

    Parameters
    ----------
    scores : (N, H, W) in [0, 1]
        One per instance.
    classes : (N,)
    threshold : float
        Score of the background.
    smallest : float
        Connected parts with less than this share of the image's pixels belong to nothing; an instance is the rest.
    """
    background = np.full((1, *scores.shape[1:]), threshold, np.float32)
    strongest = np.concatenate([background, scores]).argmax(0)
    kept, masks, heights = [], [], []
    for number, values in enumerate(scores):
        mask = _without_fragments(strongest == number + 1, smallest)
        if mask.any():
            kept.append(number)
            masks.append(mask)
            heights.append(values[mask].max())
    order = np.argsort(heights)[::-1]
    found = np.array(masks, bool).reshape(-1, *scores.shape[1:])[order]
    return Instances(found, classes[kept][order], np.array(heights, np.float32)[order])


def _between(values: Floats, places: Floats) -> Floats:
    """Return values (D,h,w) at (y, x) inside the grid, (2,...), bilinear: (D,...)."""
    height, width = values.shape[1:]
    top, left = (np.minimum(np.floor(at).astype(np.intp), n - 1) for at, n in zip(places, (height, width), strict=True))
    bottom, right = np.minimum(top + 1, height - 1), np.minimum(left + 1, width - 1)
    down, across = places[0] - top, places[1] - left
    above = values[:, top, left] * (1 - across) + values[:, top, right] * across
    below = values[:, bottom, left] * (1 - across) + values[:, bottom, right] * across
    found: Floats = (above * (1 - down) + below * down).astype(np.float32)
    return found


def _without_fragments(mask: NDArray[np.bool_], smallest: float) -> NDArray[np.bool_]:
    parts = _regions(mask)
    large: NDArray[np.bool_] = np.bincount(parts.ravel()) >= smallest * mask.size
    large[0] = False
    kept: NDArray[np.bool_] = large[parts]
    return kept


def _regions(mask: NDArray[np.bool_]) -> NDArray[np.intp]:
    found: NDArray[np.intp] = label(mask, connectivity=1)
    return found
