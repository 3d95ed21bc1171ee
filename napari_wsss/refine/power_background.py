"""The power background of PSA and SEAM (Ahn and Kwak, CVPR 2018; Wang et al., CVPR 2020).

bg(x) = (1 - max_c M_c(x)) ^ alpha, with the maximum over the image's classes. A low alpha is a strong background
(what survives is surely object), a high alpha a weak one. Each alpha is equivalent to one constant threshold,
see `core.background.equivalent_threshold`: 4 means 0.276, 8 means 0.188, 16 means 0.123.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_wsss.core.background import DEFAULT_ALPHA, equivalent_threshold
from napari_wsss.core.evidence import NOTHING, Evidence
from napari_wsss.core.maps import ActivationMaps
from napari_wsss.core.parameters import parameter
from napari_wsss.refine.base import Refiner


class PowerBackground(Refiner):
    """bg = (1 - strongest class) ^ alpha; class scores stay as they are."""

    title = "Power background"
    gives = frozenset({"background"})
    cheap = True

    @dataclass(frozen=True)
    class Parameters:
        """Power background."""

        background_power: float = parameter(
            DEFAULT_ALPHA,
            "Background power (alpha)",
            "Larger means more object: 2 equals threshold 0.38, 4 equals 0.28.",
            bounds=(0.01, 1000.0),
        )

    settings: Parameters

    @property
    def threshold(self) -> float:
        """The constant threshold in (0, 1) that draws the same mask."""
        return equivalent_threshold(self.settings.background_power)

    def refine(self, image: NDArray[np.uint8], maps: ActivationMaps, evidence: Evidence = NOTHING) -> ActivationMaps:
        """Return the maps with the background set to (1 - max)^alpha; it is 1 where the image has no class."""
        self.check_input(image, maps)
        strongest, _ = maps.strongest()
        background = np.clip(1 - strongest, 0, 1) ** np.float32(self.settings.background_power)
        return maps.with_scores(maps.scores, background)
