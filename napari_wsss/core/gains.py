"""How much each class's activation map counts beside those of other classes: one factor per class."""

from collections.abc import Mapping

import numpy as np

from napari_wsss.core.maps import Scores

LOWEST, HIGHEST = 0.25, 4.0
NEUTRAL = 1.0


def gained(scores: Scores, gain: float, out: Scores | None = None) -> Scores:
    """Return the map of a class times its gain, kept to at most 1.

    Parameters
    ----------
    scores : (H, W) float32 in [0, 1]
    gain : float
        Above 0; 1 returns the very same array.
    out : (H, W) float32, optional
        Takes the result, where it is not the very same array.
    """
    if gain == NEUTRAL:
        return scores
    found = np.multiply(scores, np.float32(gain), out=out)
    return np.minimum(found, np.float32(1), out=found)


def gains_of(classes: tuple[int, ...], by_value: Mapping[str, float]) -> dict[int, float]:
    """Return the gains other than 1 of `classes` (0-based indices), of gains by mask value ("1" is the first class)."""
    found = {k: float(by_value.get(str(k + 1), NEUTRAL)) for k in classes}
    return {k: gain for k, gain in found.items() if gain != NEUTRAL}
