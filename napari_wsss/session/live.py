"""The pseudo mask at any background threshold, fast enough to follow a slider.

The strongest class of each pixel does not depend on the threshold, so it is computed once per image; a slider move
is then one comparison and one product. A power background (SEAM, PSA: ``(1 - max)^alpha``) wins exactly where the
strongest score is at or below one number, so both background steps share the slider.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from napari_wsss.core.background import (
    DEFAULT_ALPHA,
    DEFAULT_THRESHOLD,
    equivalent_alpha,
    equivalent_threshold,
)
from napari_wsss.core.maps import ActivationMaps
from napari_wsss.core.plan import Step

SLIDER = (0.01, 0.95)
"""Range of the threshold slider; the powers it stands for are 458 to 0.017."""


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


# The background steps a slider can drive: method -> (parameter, its default).
BACKGROUND_STEPS: dict[str, tuple[str, float]] = {
    "constant_background": ("background_threshold", DEFAULT_THRESHOLD),
    "power_background": ("background_power", DEFAULT_ALPHA),
}


def background_step(steps: Sequence[Step]) -> Step | None:
    """Return the last background step of a chain (the one whose background counts), or None."""
    return next((step for step in reversed(steps) if step.method in BACKGROUND_STEPS), None)


def threshold_of(step: Step) -> float:
    """Return the constant threshold equivalent to a background step."""
    name, default = BACKGROUND_STEPS[step.method]
    value = float(step.parameters.get(name, default))
    return equivalent_threshold(value) if step.method == "power_background" else value


def parameters_at(method: str, threshold: float) -> dict[str, float]:
    """Return the parameters that give background step `method` this threshold."""
    name, _ = BACKGROUND_STEPS[method]
    value = equivalent_alpha(threshold) if method == "power_background" else threshold
    return {name: round(float(value), 6)}


def follows_slider(steps: Sequence[Step]) -> bool:
    """Return True when a chain is nothing but a background step, so that moving the slider is the whole work."""
    return all(step.method in BACKGROUND_STEPS for step in steps) and background_step(steps) is not None
