"""The pseudo mask at any background threshold, fast enough to follow a slider.

The strongest class of each pixel does not depend on the threshold, so it is computed once per image; a slider move
is then one comparison and one product. A power background (SEAM, PSA: ``(1 - max)^alpha``) wins exactly where the
strongest score is at or below one number, so both background steps share the slider.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from napari_wsss.core.maps import ActivationMaps
from napari_wsss.core.plan import Step

LOWEST, HIGHEST = 0.001, 0.999


class LiveMask:
    """Pseudo masks of one image's maps at changing thresholds.

    Parameters
    ----------
    maps : ActivationMaps
        (K, H, W); K may be 0, which gives background everywhere.
    """

    def __init__(self, maps: ActivationMaps) -> None:
        self._strength, self._value = maps.strongest()
        self._above = np.empty(maps.size, bool)

    def at(self, threshold: float) -> NDArray[np.uint8]:
        """Return a new (H, W) uint8 mask: the strongest class where it scores above `threshold`, else background.

        Equal to ``maps.to_mask(threshold)`` in every pixel.
        """
        np.greater(self._strength, np.float32(threshold), out=self._above)
        return np.multiply(self._value, self._above.view(np.uint8))


def threshold_of_power(power: float) -> float:
    """Return the constant threshold t in (0, 1) equivalent to the background ``(1 - max)^power``: t = (1 - t)^power."""
    low, high = 0.0, 1.0
    for _ in range(60):  # halves the interval each time: beyond double precision
        middle = (low + high) / 2
        low, high = (middle, high) if middle < (1 - middle) ** power else (low, middle)
    return (low + high) / 2


def power_of_threshold(threshold: float) -> float:
    """Return the background power whose equivalent threshold is `threshold` in (0, 1): log t / log(1 - t)."""
    t = min(max(threshold, LOWEST), HIGHEST)
    return math.log(t) / math.log1p(-t)


# The background steps a slider can drive: method -> (parameter, its default).
BACKGROUND_STEPS: dict[str, tuple[str, float]] = {
    "constant_background": ("background_threshold", 0.3),
    "power_background": ("background_power", 4.0),
}


def background_step(steps: Sequence[Step]) -> Step | None:
    """Return the last background step of a chain (the one whose background counts), or None."""
    return next((step for step in reversed(steps) if step.method in BACKGROUND_STEPS), None)


def threshold_of(step: Step) -> float:
    """Return the constant threshold equivalent to a background step."""
    name, default = BACKGROUND_STEPS[step.method]
    value = float(step.parameters.get(name, default))
    return threshold_of_power(value) if step.method == "power_background" else value


def parameters_at(method: str, threshold: float) -> dict[str, float]:
    """Return the parameters that give background step `method` this threshold."""
    name, _ = BACKGROUND_STEPS[method]
    value = power_of_threshold(threshold) if method == "power_background" else threshold
    return {name: round(float(value), 6)}


def follows_slider(steps: Sequence[Step]) -> bool:
    """Return True when a chain is nothing but a background step, so that moving the slider is the whole work."""
    return all(step.method in BACKGROUND_STEPS for step in steps) and background_step(steps) is not None
