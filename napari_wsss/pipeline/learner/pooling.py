"""How a learner's probabilities and what activation maps propose become one answer.

Where maps are known to help, both are multiplied, the maps' share w in [0, 1] deciding by which powers (a logarithmic
opinion pool: Genest and Zidek, "Combining Probability Distributions", Statistical Science 1986). With p the learner's
probabilities and q what the maps propose, background included, brought to a sum of 1 and at least `LEAST`::

    p'_k = p_k^a q_k^b / sum over l of p_l^a q_l^b      a = min(1, (1 - w) / w)      b = min(1, w / (1 - w))

so that neither is sharpened: 0 leaves the learner alone, a half counts both fully, 1 leaves the maps.

Classes that nobody has shown a learner yet keep what the maps propose. With p over background and the classes it was
shown, the classes U it was not shown take what their maps claim, and the rest is shared as it says::

    r_k = q_k  for k in U          r_l = (1 - sum over U of q_k) p_l  for background and all other classes
"""

from collections.abc import Collection

import numpy as np
from numpy.typing import NDArray

from napari_wsss.core.maps import ActivationMaps

LEAST = 0.02
"""What maps say nothing of stays possible."""


def pooled(found: ActivationMaps, maps: ActivationMaps, share: float) -> ActivationMaps:
    """Return a learner's probabilities multiplied with what activation maps propose.

    Parameters
    ----------
    found : ActivationMaps
        The learner's, with background.
    maps : ActivationMaps
        Of the same classes and size, with background. A class whose map is 0 everywhere, such as one the localizer
        never learned, is told nothing: it is pooled with what the background is.
    share : float in [0, 1]
        Of the maps.
    """
    assert found.background is not None
    assert maps.background is not None
    if share <= 0:
        return found
    said = np.concatenate([maps.background[None], maps.scores])
    silent = 1 + np.flatnonzero(maps.scores.max((1, 2)) <= 0)
    said /= np.maximum(said.sum(0), np.finfo(np.float32).tiny)
    np.maximum(said, LEAST, out=said)
    said[silent] = said[0]
    own, others = min(1.0, (1 - share) / share), min(1.0, share / (1 - share)) if share < 1 else 1.0
    mixed = np.concatenate([found.background[None], found.scores])
    _raise_to(said, others)
    _raise_to(mixed, own)
    mixed *= said
    mixed /= np.maximum(mixed.sum(0), np.finfo(np.float32).tiny)
    return found.with_scores(mixed[1:], mixed[0])


def _raise_to(planes: NDArray[np.float32], power: float) -> None:
    """Raise planes to a power in [0, 1], in place: square roots, which the usual shares need, are quicker by far."""
    while 0 < power <= 0.5:
        np.sqrt(planes, out=planes)
        power *= 2
    if power != 1:
        np.power(planes, np.float32(power), out=planes)


def with_maps_of(found: ActivationMaps, maps: ActivationMaps, unshown: Collection[int]) -> ActivationMaps:
    """Return probabilities in which some classes are what their maps say.

    Parameters
    ----------
    found : ActivationMaps
        The learner's, with background; classes it was not shown are 0.
    maps : ActivationMaps
        Of the same classes and size, with background.
    unshown : collection of int
        0-based classes that keep their maps.
    """
    assert found.background is not None
    assert maps.background is not None
    total = np.maximum(maps.scores.sum(0) + maps.background, np.finfo(np.float32).tiny)
    kept = np.asarray([k in set(unshown) for k in found.classes])[:, None, None]
    claimed = np.where(kept, maps.scores / total, 0)
    rest = 1 - claimed.sum(0)
    return found.with_scores(np.where(kept, claimed, rest * found.scores), rest * found.background)
