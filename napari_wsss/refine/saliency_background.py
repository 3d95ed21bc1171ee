"""A background score from saliency, as OAA and MCIS take it for their pseudo labels (ICCV 2019, ECCV 2020).

With the saliency s::

    bg(x) = strength (1 - s(x)) ^ power

Published are power and strength 1, class maps stretched to [0, 1], and every score below 0.3, that of the background
too, counted as 0: a class then wins where nothing is surely background, and the background where nothing is sure at
all. A background score that the maps bring along is replaced.

With the published rule of doubt some pixels are left undecided (255): where more than one score, the background's
included, exceeds 0.99 (OAA: 0.9); where nothing wins although the saliency is at least grey value 32 or a class exceeds
0.95 (OAA: 0.8); and the whole image when less than 1 % of it is some class.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from napari_wsss.core.errors import StepError
from napari_wsss.core.evidence import NOTHING, Evidence
from napari_wsss.core.maps import ActivationMaps, Scores
from napari_wsss.core.parameters import parameter
from napari_wsss.refine.base import Refiner


class SaliencyBackground(Refiner):
    """bg = strength (1 - saliency) ^ power."""

    title = "Saliency background"
    needs = frozenset({"saliency"})
    gives = frozenset({"background"})
    cheap = True

    @dataclass(frozen=True)
    class Parameters:
        """Saliency background."""

        background_power: float = parameter(
            1.0, "Background power", "Larger means less background where it is a little salient.", bounds=(0.01, 100.0)
        )
        strength: float = parameter(
            1.0,
            "Strength",
            "Background score where nothing is salient; less lets strong classes win.",
            bounds=(0.0, 1.0),
        )
        lowest_score: float = parameter(
            0.0,
            "Lowest score",
            "Every score below it counts as 0, the background's too; published 0.3.",
            bounds=(0.0, 1.0),
        )
        stretched: bool = parameter(
            False, "Stretch maps", "Bring each class map to 0..1 by its smallest and largest score, as published."
        )
        doubtful: bool = parameter(
            False, "Leave doubtful pixels", "Conflicts, and salient pixels without a class, become 255, as published."
        )
        conflict_score: float = parameter(
            0.99, "Conflict score", "Two scores above it are a conflict; OAA 0.9.", bounds=(0.0, 1.0), advanced=True
        )
        sure_score: float = parameter(
            0.95, "Sure score", "A class above it is as salient as can be; OAA 0.8.", bounds=(0.0, 1.0), advanced=True
        )
        doubtful_saliency: int = parameter(
            32, "Doubtful saliency", "Grey value of a salient pixel without a class.", bounds=(0, 256), advanced=True
        )
        least_share: float = parameter(
            0.01, "Least share", "Images with fewer class pixels are left whole.", bounds=(0.0, 1.0), advanced=True
        )

    settings: Parameters

    def refine(self, image: NDArray[np.uint8], maps: ActivationMaps, evidence: Evidence = NOTHING) -> ActivationMaps:
        """Return the maps with the background set from the image's saliency."""
        self.check_input(image, maps)
        saliency = evidence.saliency().values
        if saliency.shape != maps.size:
            raise StepError(
                f"The saliency map has {saliency.shape} pixels (height, width), the maps {maps.size}; expected the "
                "same. Make the saliency map from this image."
            )
        chosen = self.settings
        background = chosen.strength * (1 - saliency) ** np.float32(chosen.background_power)
        scores = stretched(maps.scores) if chosen.stretched else maps.scores
        found = maps.with_scores(_cut(scores, chosen.lowest_score), _cut(background, chosen.lowest_score))
        return replace(found, undecided=self._doubtful(found, scores, saliency)) if chosen.doubtful else found

    def _doubtful(self, found: ActivationMaps, scores: Scores, saliency: Scores) -> NDArray[np.bool_]:
        """Return where the published rule leaves a pixel undecided, (H,W); `scores` are those before the cut."""
        chosen = self.settings
        assert found.background is not None
        label = replace(found, undecided=None).to_mask()
        high = (found.scores > chosen.conflict_score).sum(0) + (found.background > chosen.conflict_score)
        sure = (scores > chosen.sure_score).any(0)
        salient = (np.rint(saliency * np.float32(255)) >= chosen.doubtful_saliency) | sure
        doubtful: NDArray[np.bool_] = (high > 1) | ((label == 0) & salient)
        if np.count_nonzero((label != 0) & ~doubtful) < chosen.least_share * label.size:
            return np.ones(label.shape, bool)
        return doubtful


def stretched(scores: Scores) -> Scores:
    """Return maps (K,H,W), each brought to [0, 1] by its smallest and largest score; equal scores become 0."""
    if not scores.size:
        return scores
    low, high = (bound(axis=(1, 2), keepdims=True) for bound in (scores.min, scores.max))
    found: Scores = np.divide(scores - low, high - low, out=np.zeros_like(scores), where=high > low)
    return found


def _cut(scores: Scores, lowest: float) -> Scores:
    return np.where(scores < lowest, np.float32(0), scores).astype(np.float32)
