"""What a test knows of an image besides its maps."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_wsss.core.affinities import Affinities
from napari_wsss.core.evidence import Evidence
from napari_wsss.core.maps import SaliencyMap


@dataclass(frozen=True)
class Given(Evidence):
    """Evidence that is at hand.

    Parameters
    ----------
    known_features : (D, h, w) float32, optional
    known_saliency : SaliencyMap, optional
    known_affinity : Affinities, optional
    """

    known_features: NDArray[np.float32] | None = None
    known_saliency: SaliencyMap | None = None
    known_affinity: Affinities | None = None

    def features(self) -> NDArray[np.float32]:
        """Return the given features."""
        return super().features() if self.known_features is None else self.known_features

    def saliency(self) -> SaliencyMap:
        """Return the given saliency map."""
        return super().saliency() if self.known_saliency is None else self.known_saliency

    def affinity(self) -> Affinities:
        """Return the given affinities."""
        return super().affinity() if self.known_affinity is None else self.known_affinity
