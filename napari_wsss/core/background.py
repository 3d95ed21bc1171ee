"""The power background and its equivalent constant threshold.

The score ``(1 - max_c M_c)^alpha`` (PSA, SEAM) exceeds the strongest class exactly where that class scores below
the t that solves ``(1 - t)^alpha = t``, so each alpha means one threshold and the other way round.
"""

import math

LOWEST, HIGHEST = 0.001, 0.999
DEFAULT_THRESHOLD = 0.3
DEFAULT_ALPHA = 2.0
"""Best of 1, 2, 4 and 8 on photographs (docs/benchmarks.md), before and after a CRF; the papers' seeds take 4."""


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
