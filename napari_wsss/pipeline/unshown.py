"""Classes that nobody has shown a learner yet keep their activation maps.

With p the learner's probabilities over background and the classes it was shown, and q the maps and their background
brought to a sum of 1, the classes U it was not shown take what their maps claim, and the rest is shared as it says::

    r_k = q_k  for k in U          r_l = (1 - sum over U of q_k) p_l  for background and all other classes
"""

from collections.abc import Collection

import numpy as np

from napari_wsss.core.maps import ActivationMaps


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
