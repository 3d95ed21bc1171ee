"""Confident labels of IRNet (Ahn et al., CVPR 2019, section 4.2): what two thresholds on the maps agree about.

Each threshold, as the background's score, makes one label per pixel, which the CRF pulls to the image's borders. What
is a class at the high threshold is that class, what is background even at the low one is background, the rest is
undecided.
"""

import numpy as np
from numpy.typing import NDArray

from napari_wsss.core.classes import BACKGROUND, IGNORE
from napari_wsss.core.maps import ActivationMaps
from napari_wsss.refine.dense_crf import DenseCrf


def confident_labels(
    image: NDArray[np.uint8], maps: ActivationMaps, *, high: float, low: float, crf: DenseCrf | None
) -> NDArray[np.uint8]:
    """Return the labels (H,W) uint8 of one image: 0 background, k + 1 class k, 255 undecided.

    Parameters
    ----------
    image : (H, W, 3) uint8
    maps : ActivationMaps
        Without classes everything is background.
    high, low : float
        Thresholds of the sure foreground and of the sure background; 0.30 and 0.05 as published. For other data the
        authors add 0.1 to 0.15 to, and take 0.1 off, the threshold that draws the best masks.
    crf : DenseCrf, optional
        With preset ``irn`` as published; None leaves the labels as they are.
    """
    sure, maybe = (_sharpened(image, maps, threshold, crf) for threshold in (high, low))
    found = np.where(sure == BACKGROUND, np.uint8(IGNORE), sure)
    found[(sure == BACKGROUND) & (maybe == BACKGROUND)] = BACKGROUND
    return found


def _sharpened(
    image: NDArray[np.uint8], maps: ActivationMaps, threshold: float, crf: DenseCrf | None
) -> NDArray[np.uint8]:
    if crf is None:
        return maps.to_mask(threshold)
    background = np.full(maps.size, threshold, np.float32)
    return crf.refine(image, maps.with_scores(maps.scores, background)).to_mask()
