"""What a refinement step may ask for besides image and maps; found or computed only when it asks."""

from functools import cache

import numpy as np
from numpy.typing import NDArray

from napari_wsss.core.affinities import Affinities
from napari_wsss.core.errors import StepError
from napari_wsss.core.maps import SaliencyMap


class Evidence:
    """Everything else that is known about one image: here nothing, so that asking says what is missing."""

    def features(self) -> NDArray[np.float32]:
        """Return dense features (D,h,w) float32 of the image by the applied localizer, on a coarser grid.

        Raises
        ------
        StepError
            When no localizer is applied.
        """
        raise StepError(
            "This step needs the features of a trained localizer. Train and apply one, or remove the step.",
            missing=("features",),
        )

    def saliency(self) -> SaliencyMap:
        """Return the saliency (H,W) of the image.

        Raises
        ------
        StepError
            When there is none.
        """
        raise StepError(
            "This step needs a saliency map of the image. Choose a folder of saliency maps for the project, train and "
            "apply a saliency network, or remove the step.",
            missing=("saliency",),
        )

    def affinity(self) -> Affinities:
        """Return which neighbouring cells of the image belong together, by the applied affinity network.

        Raises
        ------
        StepError
            When none is applied.
        """
        raise StepError(
            "This step needs a trained affinity network. Train and apply one (stage affinity or boundary), or remove "
            "the step.",
            missing=("affinity",),
        )


NOTHING = Evidence()


class Remembered(Evidence):
    """Evidence whose answers are kept, so that a network is asked once however often a slider moves.

    Parameters
    ----------
    source : Evidence
        Asked for what is not known yet.
    """

    def __init__(self, source: Evidence) -> None:
        self._features = cache(source.features)
        self._saliency = cache(source.saliency)
        self._affinity = cache(source.affinity)

    def features(self) -> NDArray[np.float32]:
        """Return the source's features."""
        return self._features()

    def saliency(self) -> SaliencyMap:
        """Return the source's saliency."""
        return self._saliency()

    def affinity(self) -> Affinities:
        """Return the source's affinities."""
        return self._affinity()
