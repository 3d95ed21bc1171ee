"""How strong the background must be beside activation maps: estimated without any mask, and from what a person gave.

Two things tell it for maps of a model on some images, neither of which needs a mask:

- how broad the maps are, by the mean b of the strongest score over all pixels: maps that are high everywhere need a
  high threshold;
- where colours part. In each image the threshold is looked for at which what scores above differs most from the rest,
  ``|mean above - mean below|^2 (a (1 - a))^EVENNESS`` with a the share above it, in Lab and fine texture. Of these, p
  is the mean over the middle half of the images.

The estimate is ``BREADTH b + PARTING p - OFFSET``, three numbers that were fitted (docs/benchmarks.md). It is one
threshold for all images, not one for each: a single image's colours say little, and a person compares images. Pixels
that a person has decided count besides, the more images have some.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from napari_wsss.core.cells import Cells
from napari_wsss.core.classes import IGNORE
from napari_wsss.core.maps import ActivationMaps, Scores
from napari_wsss.pixels.resizing import resize

BREADTH, PARTING, OFFSET = 1.5, 0.15, 0.1
EVENNESS = 0.4
THRESHOLDS = np.round(np.arange(0.05, 0.951, 0.025), 3)
LOWEST, HIGHEST = 0.05, 0.95
SIDE = 160
"""Pixels of the long side that images are looked at with."""
TRUST = 20
"""Images with decided pixels that count as much as the estimate without."""
SPARSE = 0.25
"""How much of an image counts of which only some pixels are decided."""
_LEAST_SHARE = 0.005
_WHOLE = 0.9


class Cues(NamedTuple):
    """What the maps of one image say: the mean of the strongest score, and the threshold at which colours part."""

    breadth: float
    parting: float


class Decided(NamedTuple):
    """How well each of `THRESHOLDS` draws what a person decided of an image, in [0, 1], and how much that counts."""

    agreement: NDArray[np.float64]
    weight: float


def cues_of(image: NDArray[np.uint8], maps: ActivationMaps) -> Cues:
    """Return what an image (H, W, 3) uint8 and its maps, of one class at least, say."""
    height, width = maps.size
    scale = min(1.0, SIDE / max(height, width))
    size = max(1, round(height * scale)), max(1, round(width * scale))
    strongest = Cells(maps.size, size).averaged(maps.scores).max(0)
    return Cues(float(strongest.mean()), _parting(strongest, resize(image, *size)))


def decided_of(known: NDArray[np.uint8], maps: ActivationMaps) -> Decided | None:
    """Return how well thresholds draw the decided pixels of `known` (H, W) uint8, 255 elsewhere; None without any.

    The agreement is the mean IoU of object and background over these pixels.
    """
    counted = known != IGNORE
    if not maps.classes or not counted.any():
        return None
    bins = np.searchsorted(THRESHOLDS, maps.scores.max(0)[counted], side="left")
    objects = _above(bins, (known[counted] > 0).astype(np.float64))
    grounds = _above(bins, (known[counted] == 0).astype(np.float64))
    all_objects, all_grounds = np.count_nonzero(known[counted]), np.count_nonzero(known == 0)
    missed, kept = all_objects - objects, all_grounds - grounds
    overlap = objects / np.maximum(all_objects + grounds, 1) + kept / np.maximum(all_grounds + missed, 1)
    return Decided(overlap / 2, 1.0 if counted.mean() > _WHOLE else SPARSE)


def estimated_threshold(cues: Sequence[Cues], decided: Sequence[Decided] = ()) -> float:
    """Return the background threshold in [`LOWEST`, `HIGHEST`] for maps that say `cues` (at least one)."""
    breadth, quarter = float(np.mean([one.breadth for one in cues])), len(cues) // 4
    parting = np.sort([one.parting for one in cues])[quarter : len(cues) - quarter].mean()
    found = BREADTH * breadth + PARTING * float(parting) - OFFSET
    weight = sum(one.weight for one in decided)
    if weight:
        agreement = np.sum([one.weight * one.agreement for one in decided], 0)
        best = _best(agreement)
        found += weight / (weight + TRUST) * (best - found)
    return round(min(max(found, LOWEST), HIGHEST), 3)


def colours_part(image: NDArray[np.uint8], objects: NDArray[np.bool_]) -> float:
    """Return how clearly objects (H, W) bool differ from the rest of an image (H, W, 3) uint8, 0 or more.

    It is what is largest at the threshold where colours part (see the module); 0 where one side is next to nothing.
    """
    height, width = objects.shape
    scale = min(1.0, SIDE / max(height, width))
    size = max(1, round(height * scale)), max(1, round(width * scale))
    above = Cells((height, width), size).averaged(objects[None].astype(np.float32))[0].ravel() > 0.5
    share, seen = float(above.mean()), _looks(resize(image, *size))
    if not _LEAST_SHARE <= share <= 1 - _LEAST_SHARE:
        return 0.0
    apart = ((seen[above].mean(0) - seen[~above].mean(0)) ** 2).sum()
    return float(apart * (share * (1 - share)) ** EVENNESS)


def _looks(image: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Return Lab and fine texture (H*W, 4) of an image."""
    from scipy.ndimage import gaussian_filter
    from skimage.color import rgb2lab

    lab = rgb2lab(image)
    texture = gaussian_filter(lab[..., 0], 1) - gaussian_filter(lab[..., 0], 3)
    return np.asarray(np.dstack([lab, texture]).reshape(-1, 4), np.float64)


def _parting(strongest: Scores, image: NDArray[np.uint8]) -> float:
    """Return the threshold at which what is above differs most in colour from what is below."""
    seen = _looks(image)
    bins = np.searchsorted(THRESHOLDS, strongest.ravel(), side="left")
    count = _above(bins, np.ones(len(bins)))  # (T,)
    sums = np.stack([_above(bins, channel) for channel in seen.T], 1)  # (T, 4)
    share = count / len(bins)
    above = sums / np.maximum(count, 1)[:, None]
    below = (seen.sum(0) - sums) / np.maximum(len(bins) - count, 1)[:, None]
    apart = ((above - below) ** 2).sum(1) * (share * (1 - share)) ** EVENNESS
    apart[(share < _LEAST_SHARE) | (share > 1 - _LEAST_SHARE)] = -1
    return _best(apart)


def _best(figures: NDArray[np.float64]) -> float:
    """Return the threshold of the largest figure, the middle of several."""
    return float(THRESHOLDS[figures >= figures.max() - 1e-9].mean())


def _above(bins: NDArray[np.intp], values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the sums (T,) of the values of pixels above each threshold; `bins` counts the thresholds below a pixel."""
    sums = np.bincount(bins, values, len(THRESHOLDS) + 1)
    found: NDArray[np.float64] = sums[::-1].cumsum()[::-1][1:]
    return found
