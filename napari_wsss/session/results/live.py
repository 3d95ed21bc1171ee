"""The pseudo mask at any background threshold and any gain of a class, fast enough to follow a slider.

The strongest class of each pixel does not depend on the threshold, so it is computed once per image; a slider move
is then one comparison and one product. A power background (SEAM, PSA: ``(1 - max)^alpha``) wins exactly where the
strongest score is at or below one number, so both background steps share the slider. While the gain of one class
changes, the strongest of all the others stays: it is kept, and a move compares one map with it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from napari_wsss.core.background import BACKGROUND_STEPS, equivalent_threshold
from napari_wsss.core.gains import NEUTRAL, gained, gains_of
from napari_wsss.core.maps import ActivationMaps, Scores
from napari_wsss.core.masks import Mask
from napari_wsss.core.plan import Step
from napari_wsss.pipeline.chain import CLASS_GAIN
from napari_wsss.pixels.surest_regions import SurestRegions

SLIDER = (0.01, 0.95)
"""Range of the threshold slider; the powers it stands for are 458 to 0.017."""


@dataclass(frozen=True)
class _Rivals:
    """All classes but one: what that one must exceed to win (H,W), their strongest score and its class (H,W).

    `turned` is that class XOR the value of the one, so that a product and an XOR choose between both; `own`, `best` and
    `chosen` are room for a move, because new arrays of this size cost more than what is computed in them.
    """

    k: int
    bar: Scores
    strength: Scores
    value: Mask
    turned: Mask
    own: Scores
    best: Scores
    chosen: Mask


class LiveMask:
    """Pseudo masks of one image's maps at changing thresholds and gains.

    Parameters
    ----------
    maps : ActivationMaps
        (K, H, W); K may be 0, which gives background everywhere.
    gains : mapping of int to float
        Gain by class index (0-based); classes that are not named have 1.
    every_pixel : bool
        Every pixel belongs to a class, whatever the threshold.
    """

    def __init__(
        self, maps: ActivationMaps, gains: Mapping[int, float] | None = None, every_pixel: bool = False
    ) -> None:
        self._maps, self.every_pixel = maps, every_pixel
        self._gains = dict(gains or {})
        self._rivals: _Rivals | None = None
        self._regions = SurestRegions(maps, may_cover=every_pixel or maps.background is None)
        if self._gains:
            self._strength, self._value = self._strongest(maps.classes)
        else:
            self._strength, self._value = maps.strongest()
        self._above = np.empty(maps.size, bool)

    def at(self, threshold: float) -> Mask:
        """Return a new (H, W) uint8 mask: the strongest class where it scores above `threshold`, else background.

        Equal to ``maps.to_mask(threshold)`` in every pixel, of maps on which the step `class_gain` has run, but for
        classes that would be missing (see `pixels.surest_regions`).
        """
        np.greater(self._strength, np.float32(-1 if self.every_pixel else threshold), out=self._above)
        return self._regions.kept_in(np.multiply(self._value, self._above.view(np.uint8))).mask

    def set_gains(self, gains: Mapping[int, float]) -> None:
        """Take the gains of all classes by class index; quick where one class differs from before."""
        wanted = {k: gain for k, gain in gains.items() if k in self._maps.classes and gain != NEUTRAL}
        moved = [k for k in self._maps.classes if wanted.get(k, NEUTRAL) != self._gains.get(k, NEUTRAL)]
        self._gains = wanted
        if len(moved) == 1:
            self._move(moved[0])
        elif moved:
            self._rivals = None
            self._strength, self._value = self._strongest(self._maps.classes)

    def prepare(self, k: int) -> None:
        """Get ready for the gain of class `k` to change."""
        if self._rivals is None or self._rivals.k != k:
            strength, value = self._strongest([other for other in self._maps.classes if other != k])
            # Of equal scores the lower class counts, as in `ActivationMaps.strongest`.
            bar = np.where(value > k + 1, np.nextafter(strength, np.float32(-1)), strength)
            room = np.empty_like(strength), np.empty_like(strength), np.empty_like(value)
            self._rivals = _Rivals(k, bar, strength, value, value ^ np.uint8(k + 1), *room)

    def _move(self, k: int) -> None:
        self.prepare(k)
        rivals = self._rivals
        assert rivals is not None
        own = self._gained(k, rivals.own)
        self._strength = np.maximum(own, rivals.strength, out=rivals.best)
        np.greater(own, rivals.bar, out=self._above)
        np.multiply(rivals.turned, self._above.view(np.uint8), out=rivals.chosen)
        self._value = np.bitwise_xor(rivals.value, rivals.chosen, out=rivals.chosen)

    def _gained(self, k: int, out: Scores | None = None) -> Scores:
        return gained(self._maps.scores[self._maps.classes.index(k)], self._gains.get(k, NEUTRAL), out)

    def _strongest(self, classes: Sequence[int]) -> tuple[Scores, Mask]:
        """Return the per-pixel maximum (H, W) of some classes at their gains, and the mask value that has it."""
        strength, value = np.full(self._maps.size, -1, np.float32), np.zeros(self._maps.size, np.uint8)
        for k in classes:
            own = self._gained(k)
            np.copyto(value, np.uint8(k + 1), where=own > strength)
            strength = np.maximum(strength, own)
        return np.maximum(strength, 0), value


def background_step(steps: Sequence[Step]) -> Step | None:
    """Return the last background step of a chain (the one whose background counts), or None."""
    for step in reversed(steps):
        if step.method in BACKGROUND_STEPS:
            return step
    return None


def threshold_of(step: Step) -> float:
    """Return the constant threshold equivalent to a background step."""
    name, default = BACKGROUND_STEPS[step.method]
    value = float(step.parameters.get(name, default))
    return equivalent_threshold(value) if step.method == "power_background" else value


def gains_in(steps: Sequence[Step], classes: tuple[int, ...]) -> dict[int, float]:
    """Return the gains other than 1 that a chain gives to `classes` (0-based indices)."""
    step = next((step for step in steps if step.method == CLASS_GAIN), None)
    return {} if step is None else gains_of(classes, step.parameters.get("gains", {}))


def slider_threshold(steps: Sequence[Step]) -> float | None:
    """Return the threshold of a chain that sliders alone draw: gains first, background steps after them; else None."""
    rest = steps[1:] if steps and steps[0].method == CLASS_GAIN else steps
    if not rest or not {step.method for step in rest} <= BACKGROUND_STEPS.keys():
        return None
    return threshold_of(rest[-1])


def threshold_in(steps: Sequence[Step]) -> float:
    """Return the equivalent threshold of a chain's background step, 0.0 without one."""
    step = background_step(steps)
    return threshold_of(step) if step else 0.0
