"""EDAM's fusion of class maps with saliency (Wu et al., CVPR 2021, algorithm 1).

With scores v_k(x), saliency s(x) in grey values 0 to 255 and S(x) = [s(x) > 100 theta]::

    v_k < alpha                      -> the class is not here, however salient the place is
    v_k > beta                       -> the class is here, even where nothing is salient
    otherwise                        -> v_k where S, background where not S

Several classes above beta: the first one. The published theta counts in hundredths but saliency in 255ths: 0.2 means
grey value 20, a saliency of 0.078. Published are alpha 0.25 and beta 0.95 on maps, 1e-6 and 0.99999 after a dense
CRF, whose scores are nearly binary. A background score that the maps bring along is replaced.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_wsss.core.evidence import NOTHING, Evidence
from napari_wsss.core.maps import ActivationMaps
from napari_wsss.core.parameters import parameter
from napari_wsss.refine.base import Refiner, saliency_for


class SaliencyFusion(Refiner):
    """Classes win where it is salient, or where they are sure."""

    title = "Saliency fusion"
    needs = frozenset({"saliency"})
    gives = frozenset({"background"})
    cheap = True

    @dataclass(frozen=True)
    class Parameters:
        """Saliency fusion."""

        saliency_threshold: float = parameter(
            0.2,
            "Saliency threshold (theta)",
            "In hundredths of a grey value's 255: 0.2 is grey value 20; larger means less object.",
            bounds=(0.0, 2.55),
        )
        lowest_score: float = parameter(
            0.25,
            "Lowest score (alpha)",
            "Below it a class is never drawn; after a dense CRF use 0.000001.",
            bounds=(0.0, 1.0),
            decimals=6,
        )
        sure_score: float = parameter(
            0.95,
            "Sure score (beta)",
            "Above it a class is drawn even where nothing is salient; after a dense CRF use 0.99999.",
            bounds=(0.0, 1.0),
            decimals=6,
        )

    settings: Parameters

    def refine(self, image: NDArray[np.uint8], maps: ActivationMaps, evidence: Evidence = NOTHING) -> ActivationMaps:
        """Return maps whose mask is the fused label: a class below alpha scores 0, above beta 1.

        The background scores 0 where it is salient and beta elsewhere, so that only sure classes exceed it there.
        """
        self.check_input(image, maps)
        saliency = saliency_for(maps, evidence)
        lowest, sure = np.float32(self.settings.lowest_score), np.float32(self.settings.sure_score)
        # In grey values, as saliency is stored, and in double precision: as the published code compares them.
        salient = np.rint(saliency * np.float32(255)) > np.float64(100 * self.settings.saliency_threshold)
        scores = np.where(maps.scores > sure, np.float32(1), maps.scores)
        scores = np.where(maps.scores < lowest, np.float32(0), scores)
        return maps.with_scores(scores, np.where(salient, np.float32(0), sure))
