"""How unsure maps are: at each pixel, for a person who corrects it, and as a whole, for the order of the queue."""

import numpy as np
from numpy.typing import NDArray

from napari_wsss.core.background import equivalent_alpha
from napari_wsss.core.maps import ActivationMaps

MARGIN = 0.1
"""Scores nearer to each other than this could as well be the other way round."""


def uncertainty(maps: ActivationMaps, threshold: float | None = None) -> NDArray[np.float32]:
    """Return ``1 - (s1 - s2)`` per pixel, s1 and s2 being the two largest of all class scores and the background's.

    1 lies on the border between two classes, or between a class and the background; 0 is where one of them scores 1
    and all others 0.

    Parameters
    ----------
    maps : ActivationMaps
        (K, H, W) scores in [0, 1].
    threshold : float in [0, 1], optional
        Draws the background. It stands for the score ``(1 - max)^alpha`` that has the same border (see `background`):
        a constant score would call every pixel far from all objects rather unsure. Without a threshold the maps' own
        background is used.

    Returns
    -------
    (H, W) float32 in [0, 1]; 0 everywhere for maps without classes, and where nothing gives a background score.
    """
    if not maps.classes:
        return np.zeros(maps.size, np.float32)
    first, second = _two_strongest(maps.scores)
    background = maps.background
    if threshold is not None:
        background = np.power(np.clip(1 - first, 0, 1), np.float32(equivalent_alpha(threshold)))
    if background is None:
        return np.zeros(maps.size, np.float32)
    middle = np.minimum(first, np.maximum(second, background))
    found: NDArray[np.float32] = np.clip(1 - (np.maximum(first, background) - middle), 0, 1)
    return found


def share_unsure(maps: ActivationMaps, threshold: float) -> float:
    """Return the share in [0, 1] of pixels where a small change of scores would change the mask.

    A pixel counts when its strongest score lies within `MARGIN` of the background, or when it is foreground and its
    two strongest classes lie within `MARGIN` of each other. An image without labelled classes has 0.

    Parameters
    ----------
    maps : ActivationMaps
        (K, H, W) scores in [0, 1].
    threshold : float in [0, 1]
        The background's score, where the maps bring none.
    """
    if not maps.classes:
        return 0.0
    first, second = _two_strongest(maps.scores)
    background = np.float32(threshold) if maps.background is None else maps.background
    unsure = np.abs(first - background) < MARGIN
    if len(maps.classes) > 1:
        unsure |= (first > background) & (first - second < MARGIN)
    return float(unsure.mean())


def _two_strongest(scores: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return the largest and the second largest score (H, W) over the classes; the second of a single class is 0."""
    first, second = scores[0].copy(), np.zeros_like(scores[0])
    for score in scores[1:]:
        np.maximum(second, np.minimum(first, score), out=second)
        np.maximum(first, score, out=first)
    return first, second
