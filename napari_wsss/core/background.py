"""The power background and its equivalent constant threshold.

The score ``(1 - max_c M_c)^alpha`` (PSA, SEAM) exceeds the strongest class exactly where that class scores below
the t that solves ``(1 - t)^alpha = t``, so each alpha means one threshold and the other way round.
"""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import lru_cache
from typing import Any

LOWEST, HIGHEST = 0.001, 0.999
DEFAULT_THRESHOLD = 0.3
DEFAULT_ALPHA = 2.0
"""Best of 1, 2, 4 and 8 on photographs (docs/benchmarks.md), before and after a CRF; the papers' seeds take 4."""


@lru_cache(maxsize=64)
def equivalent_threshold(alpha: float) -> float:
    """Return the constant background score t in (0, 1) that draws the same mask as the power `alpha` > 0.

    Raises
    ------
    ValueError
        When `alpha` is not above 0.
    """
    if not alpha > 0:
        raise ValueError(f"The background power is {alpha}; expected a number above 0.")
    low, high = 0.0, 1.0
    for _ in range(60):  # halving the interval this often goes beyond double precision
        middle = (low + high) / 2
        low, high = (middle, high) if middle < (1 - middle) ** alpha else (low, middle)
    return (low + high) / 2


def equivalent_alpha(threshold: float) -> float:
    """Return the power whose background draws the same mask as the constant `threshold`, kept to 0.001 .. 0.999."""
    t = min(max(threshold, LOWEST), HIGHEST)
    return math.log(t) / math.log1p(-t)


BACKGROUND_STEPS: dict[str, tuple[str, float]] = {
    "constant_background": ("background_threshold", DEFAULT_THRESHOLD),
    "power_background": ("background_power", DEFAULT_ALPHA),
}
"""Background steps that one threshold decides: method -> its parameter, and that one's default."""


def parameters_at(method: str, threshold: float) -> dict[str, float]:
    """Return the parameters that give background step `method` this threshold."""
    name, _ = BACKGROUND_STEPS[method]
    value = equivalent_alpha(threshold) if method == "power_background" else threshold
    return {name: round(float(value), 6)}


@dataclass(frozen=True)
class AutomaticBackground:
    """The background strength of images for which nobody has chosen one.

    Parameters
    ----------
    threshold : float
        Constant threshold in (0, 1); steps with another parameter take the equivalent value.
    model : str
        Key of the base maps it was estimated from; "" for what the method declares.
    images, decided : int
        How many images it was estimated from, and how many a person had decided pixels of.
    """

    threshold: float
    model: str = ""
    images: int = 0
    decided: int = 0

    def parameters(self, method: str) -> Mapping[str, float]:
        """Return the parameters of a refiner that it decides, none for refiners that are no background step."""
        return parameters_at(method, self.threshold) if method in BACKGROUND_STEPS else {}

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON types."""
        return asdict(self)

    @classmethod
    def from_dict(cls, record: Mapping[str, Any]) -> "AutomaticBackground":
        """Return what `to_dict` wrote."""
        return cls(float(record["threshold"]), str(record["model"]), int(record["images"]), int(record["decided"]))
