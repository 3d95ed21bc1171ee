"""A constant background score: a class wins where its map exceeds one threshold (Zhou et al., CVPR 2016)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_wsss.core.background import DEFAULT_THRESHOLD
from napari_wsss.core.evidence import NOTHING, Evidence
from napari_wsss.core.maps import ActivationMaps
from napari_wsss.core.parameters import parameter
from napari_wsss.refine.base import Refiner


class ConstantBackground(Refiner):
    """bg(x) = t everywhere; class scores stay as they are."""

    title = "Constant background"
    gives = frozenset({"background"})
    cheap = True

    @dataclass(frozen=True)
    class Parameters:
        """Constant background."""

        background_threshold: float = parameter(
            DEFAULT_THRESHOLD,
            "Background threshold (t)",
            "Score of the background; larger means less object.",
            bounds=(0.0, 1.0),
        )

    settings: Parameters

    def refine(self, image: NDArray[np.uint8], maps: ActivationMaps, evidence: Evidence = NOTHING) -> ActivationMaps:
        """Return the maps with the background set to the threshold."""
        self.check_input(image, maps)
        background = np.full(maps.size, self.settings.background_threshold, np.float32)
        return maps.with_scores(maps.scores, background)
