"""Each class's map times a factor of its own, before the strongest class is looked for.

A class that the classifier knows better than its neighbours outshines them where both respond; a gain below 1 takes it
back, one above 1 brings a faint class out. Put it before the background step: the background then sees the new maximum.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_wsss.core.evidence import NOTHING, Evidence
from napari_wsss.core.gains import HIGHEST, LOWEST, gained, gains_of
from napari_wsss.core.maps import ActivationMaps
from napari_wsss.core.parameters import parameter
from napari_wsss.refine.base import Refiner


class ClassGain(Refiner):
    """M'_c = min(1, g_c M_c); the background stays as it is."""

    title = "Class gain"
    cheap = True

    @dataclass(frozen=True)
    class Parameters:
        """Class gain."""

        gains: dict[str, float] = parameter(  # noqa: RUF009 - a field of its own for each instance
            {},
            "Gains",
            "Factor by the mask value of a class: 1=1.5, 3=0.8; a class that is not named counts once.",
            bounds=(LOWEST, HIGHEST),
        )

    settings: Parameters

    def applied_to(self, classes: tuple[int, ...]) -> ClassGain | None:
        """Return the step with the gains of these classes alone; None when they are all 1."""
        found = gains_of(classes, self.settings.gains)
        return ClassGain(self.Parameters({str(k + 1): gain for k, gain in found.items()})) if found else None

    def refine(self, image: NDArray[np.uint8], maps: ActivationMaps, evidence: Evidence = NOTHING) -> ActivationMaps:
        """Return the maps, each times its class's gain."""
        self.check_input(image, maps)
        gains = gains_of(maps.classes, self.settings.gains)
        if not gains:
            return maps
        scores = [gained(one, gains.get(k, 1.0)) for k, one in zip(maps.classes, maps.scores, strict=True)]
        return maps.with_scores(np.stack(scores), maps.background)
