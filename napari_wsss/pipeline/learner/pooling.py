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
    total = np.maximum(maps.scores.sum(0) + maps.background, np.finfo(np.float32).tiny)
    background = np.maximum(maps.background / total, LEAST)
    says_something = (maps.scores > 0).max((1, 2), keepdims=True)
    scores = np.where(says_something, np.maximum(maps.scores / total, LEAST), background)
    own = np.float32(min(1.0, (1 - share) / share))
    others = np.float32(min(1.0, share / (1 - share)) if share < 1 else 1.0)
    scores, rest = found.scores**own * scores**others, found.background**own * background**others
    total = np.maximum(scores.sum(0) + rest, np.finfo(np.float32).tiny)
    return found.with_scores(scores / total, rest / total)


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
