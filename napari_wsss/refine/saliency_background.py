"""A background score from saliency, as OAA and MCIS take it for their pseudo labels (ICCV 2019, ECCV 2020)::

    bg(x) = strength (1 - s(x)) ^ power

Published are power and strength 1, class maps stretched to [0, 1], and every score below 0.3, that of the background
too, counted as 0: a class then wins where nothing is surely background, and the background where nothing is sure at
all. A background score that the maps bring along is replaced.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_wsss.core.errors import StepError
from napari_wsss.core.evidence import NOTHING, Evidence
from napari_wsss.core.maps import ActivationMaps
from napari_wsss.core.parameters import parameter
from napari_wsss.refine.base import Refiner

Scores = NDArray[np.float32]


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
        return maps.with_scores(_cut(scores, chosen.lowest_score), _cut(background, chosen.lowest_score))


def stretched(scores: Scores) -> Scores:
    """Return maps (K,H,W), each brought to [0, 1] by its smallest and largest score; equal scores become 0."""
    if not scores.size:
        return scores
    low, high = (bound(axis=(1, 2), keepdims=True) for bound in (scores.min, scores.max))
    found: Scores = np.divide(scores - low, high - low, out=np.zeros_like(scores), where=high > low)
    return found


def _cut(scores: Scores, lowest: float) -> Scores:
    return np.where(scores < lowest, np.float32(0), scores).astype(np.float32)
