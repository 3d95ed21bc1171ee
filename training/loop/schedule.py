"""Learning-rate schedules as plain functions of the step, so that a resumed run needs no schedule state."""

import math

WARM_UP_START = 0.1


def learning_rate_factor(step: int, total: int, *, power: float = 0.9, warm_up: int = 0) -> float:
    """Return the factor on the initial learning rate at `step` (from 0) of `total`.

    Poly schedule ``(1 - t / T) ** power`` (Chen et al. 2018, DeepLab), after a linear warm-up from 0.1 to 1.

    Parameters
    ----------
    step, total : int
        Step about to be taken and number of steps of the whole run.
    power : float
        0 keeps the rate constant, 1 is linear.
    warm_up : int
        Steps of the linear rise; the poly part runs over the remaining steps.
    """
    if step < warm_up:
        return WARM_UP_START + (1 - WARM_UP_START) * step / warm_up
    remaining = max(1, total - warm_up)
    done = min(remaining, step - warm_up)
    # The last step would have factor 0 only at `step == total`, which is never taken.
    return math.pow(max(0.0, 1 - done / remaining), power)
