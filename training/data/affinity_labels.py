"""Confident labels of AffinityNet (PSA, Ahn and Kwak, CVPR 2018, section 3.2): what two background powers agree about.

The background (1 - max)^alpha is made strong once (low alpha) and weak once (high alpha), each pulled to the image's
borders by the CRF. What is a class despite the strong background is that class, what is background even with the weak
one is background, the rest is undecided.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from napari_wsss.core.classes import BACKGROUND, IGNORE
from napari_wsss.core.maps import ActivationMaps
from napari_wsss.refine.dense_crf import DenseCrf
from napari_wsss.refine.power_background import PowerBackground

_NOTHING = 1e-5


def confident_labels(
    image: NDArray[np.uint8], maps: ActivationMaps, *, strong: float, weak: float, crf: DenseCrf | None
) -> NDArray[np.uint8]:
    """Return the labels (H,W) uint8 of one image: 0 background, k + 1 class k, 255 undecided.

    Parameters
    ----------
    image : (H, W, 3) uint8
    maps : ActivationMaps
        Without classes everything is background.
    strong, weak : float
        Powers of both backgrounds, `strong` the smaller one.
    crf : DenseCrf, optional
        None leaves the scores as they are.
    """
    if not maps.classes:
        return np.zeros(maps.size, np.uint8)
    scores = (_scores(image, maps, power, crf) for power in (strong, weak))
    return named(agreed(*scores), maps.classes)


def agreed(strong: NDArray[np.floating], weak: NDArray[np.floating]) -> NDArray[np.uint8]:
    """Return labels (h,w) uint8: 0 background, n the n-th class of the scores, 255 undecided.

    Parameters
    ----------
    strong, weak : (1 + K, h, w)
        Scores with the strong and with the weak background, which is the first row. Where all are below 1e-5 (outside
        of the image) the label is undecided.
    """
    found: NDArray[np.uint8] = strong.argmax(0).astype(np.uint8)
    found[found == BACKGROUND] = IGNORE
    found[weak.argmax(0) == BACKGROUND] = BACKGROUND
    found[(np.maximum(strong, weak) < _NOTHING).all(0)] = IGNORE
    return found


def named(labels: NDArray[np.uint8], classes: Sequence[int]) -> NDArray[np.uint8]:
    """Return labels of `agreed` with the mask values of the image's 0-based classes."""
    values = np.full(256, IGNORE, np.uint8)
    values[: len(classes) + 1] = [BACKGROUND, *(k + 1 for k in classes)]
    return values[labels]


def _scores(image: NDArray[np.uint8], maps: ActivationMaps, power: float, crf: DenseCrf | None) -> NDArray[np.float32]:
    found = PowerBackground(PowerBackground.Parameters(power)).refine(image, maps)
    if crf is not None:
        found = crf.refine(image, found)
    assert found.background is not None
    return np.concatenate([found.background[None], found.scores])
