"""A labelled class never vanishes from a proposal: where the machine leaves it out, its surest region stays.

The surest region of a class is what its own map scores at least `SURE` of its maximum, connected with that maximum.
It depends on the base maps alone, not on thresholds and refiners: a CRF that has smoothed a class away no longer says
where it was.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from napari_wsss.core.maps import ActivationMaps, Scores
from napari_wsss.core.masks import Mask

SURE = 0.7
"""Share of a map's maximum."""
LEAST = 0.001
"""Share of the picture below which a class counts as left out, and the background as grown over."""
_TOUCHING = np.ones((3, 3), bool)


class Guarded(NamedTuple):
    """A mask (H, W) uint8 and the 0-based classes in doubt, ascending: in it by their surest region, or not at all."""

    mask: Mask
    doubtful: tuple[int, ...]


class SurestRegions:
    """Keeps the labelled classes of one image in the masks drawn from its maps.

    Parameters
    ----------
    maps : ActivationMaps
        (K, H, W) base maps of the labelled classes. A class whose map is 0 everywhere has no region: it is in doubt
        where no mask has it, and stays away.
    may_cover : bool
        Classes may cover the whole picture.
    """

    def __init__(self, maps: ActivationMaps, may_cover: bool = False) -> None:
        self._maps, self._may_cover = maps, may_cover
        self._relative: dict[int, Scores] = {}
        self._least = max(1, round(LEAST * maps.scores[0].size)) if maps.classes else 1

    def kept_in(self, mask: Mask) -> Guarded:
        """Return a mask (H, W) uint8 with every labelled class in it; the very same where none is missing.

        Where classes cover the whole picture and may not, each is taken back to its surest region.
        """
        classes = self._maps.classes
        counts = {k: np.count_nonzero(mask == k + 1) for k in classes}
        covered = not self._may_cover and sum(counts.values()) > mask.size - self._least
        if not covered and min(counts.values(), default=self._least) >= self._least:
            return Guarded(mask, ())
        absent = tuple(k for k in classes if not counts[k] and not self._region(k).any())
        doubtful = tuple(k for k in classes if (covered or counts[k] < self._least) and self._region(k).any())
        if not doubtful:
            return Guarded(mask, absent)
        found = np.zeros_like(mask) if covered else mask.copy()
        best = self._sureness(found)
        for k in doubtful:
            relative = self._region(k)
            won = relative > best
            found[won], best[won] = k + 1, relative[won]
        lost = [k for k in classes if self._region(k).any() and not (found == k + 1).any()]
        for k in lost:  # surer nowhere than another class: its surest pixel at least
            found.flat[self._region(k).argmax()] = k + 1
        return Guarded(found, tuple(sorted({*doubtful, *lost, *absent})))

    def _sureness(self, mask: Mask) -> Scores:
        """Return how sure (H, W) each pixel's class is by its own surest region, 0 for the background."""
        best = np.zeros(mask.shape, np.float32)
        for k in self._maps.classes:
            np.copyto(best, self._region(k), where=mask == k + 1)
        return best

    def _region(self, k: int) -> Scores:
        """Return the map (H, W) float32 of a class divided by its maximum, 0 outside the surest region."""
        if k not in self._relative:
            self._relative[k] = _surest(self._maps.scores[self._maps.classes.index(k)])
        return self._relative[k]


def _surest(scores: Scores) -> Scores:
    from scipy.ndimage import label

    peak = scores.max(initial=0)
    if not peak > 0:
        return np.zeros_like(scores)
    relative: NDArray[np.float32] = scores / peak
    parts, _ = label(relative >= SURE, _TOUCHING)
    return np.where(parts == parts.flat[relative.argmax()], relative, np.float32(0))
