"""Large sparse symmetric systems, several right-hand sides at once, by conjugate gradients."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Rows = NDArray[np.float32]

_TINY = np.float32(1e-20)


def conjugate_gradients(
    times: Callable[[Rows], Rows], pull: Rows, start: Rows, diagonal: Rows, *, rounds: int, enough: float
) -> Rows:
    """Return x (P, n) float32 with ``times(x) == pull`` nearly; every row is a system of its own.

    Parameters
    ----------
    times : callable
        Multiplies each row of (P, n) by the same symmetric positive definite matrix; may return the same array each
        time.
    pull, start : (P, n) float32
        Right-hand sides and a first guess.
    diagonal : (n,) float32
        Of the matrix; what is left to do is divided by it (Jacobi).
    rounds : int
        At most so many products.
    enough : float
        Ends when no unknown would be moved by more than this.
    """
    x = start.copy()
    rest = pull - times(x)
    step = rest / diagonal
    way = step.copy()
    scratch = np.empty_like(x)  # allocating anew costs as much as computing, for large systems
    energy = np.einsum("pn,pn->p", rest, step)
    for _ in range(rounds):
        if not step.size or max(float(step.max()), -float(step.min())) < enough:
            break
        ahead = times(way)
        length = (energy / np.maximum(np.einsum("pn,pn->p", way, ahead), _TINY))[:, None]
        x += np.multiply(length, way, out=scratch)
        rest -= np.multiply(length, ahead, out=scratch)
        np.divide(rest, diagonal, out=step)
        before, energy = energy, np.einsum("pn,pn->p", rest, step)
        way *= (energy / np.maximum(before, _TINY))[:, None]
        way += step
    return x
