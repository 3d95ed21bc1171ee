"""An image and all that is known of it at half its size: a quarter of the work, for a first look at a moved slider."""

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from napari_wsss.core.affinities import Affinities
from napari_wsss.core.cells import Cells, Planes
from napari_wsss.core.evidence import Evidence
from napari_wsss.core.maps import ActivationMaps, SaliencyMap
from napari_wsss.pixels.resizing import resize

FACTOR = 0.5


def half_size(height: int, width: int) -> tuple[int, int]:
    """Return half of both sides, rounded up."""
    return math.ceil(height / 2), math.ceil(width / 2)


def halved_image(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return an image (H,W,3) uint8 at half its size."""
    return resize(image, *half_size(*image.shape[:2]))


def halved_maps(maps: ActivationMaps) -> ActivationMaps:
    """Return maps at half their size: means of 2 x 2 pixels; undecided is what is so in the first of them."""
    undecided = None if maps.undecided is None else np.ascontiguousarray(maps.undecided[::2, ::2])
    background = None if maps.background is None else _halved(maps.background[None])[0]
    return replace(maps, scores=_halved(maps.scores), background=background, undecided=undecided)


def _halved(planes: Planes) -> Planes:
    height, width = planes.shape[1:]
    if not len(planes):
        return np.zeros((0, *half_size(height, width)), np.float32)
    return Cells((height, width), half_size(height, width)).averaged(planes)


def doubled_mask(mask: NDArray[np.uint8], size: tuple[int, int]) -> NDArray[np.uint8]:
    """Return a mask (h,w) at twice its size, cut to `size`: every pixel becomes 2 x 2."""
    height, width = size
    return np.ascontiguousarray(mask.repeat(2, 0).repeat(2, 1)[:height, :width])


@dataclass(frozen=True)
class HalvedEvidence(Evidence):
    """What is known of an image, for the image at half its size; features and affinities lie on grids of their own."""

    whole: Evidence

    def features(self) -> NDArray[np.float32]:
        """Return the features of the whole image."""
        return self.whole.features()

    def saliency(self) -> SaliencyMap:
        """Return the saliency at half its size."""
        return SaliencyMap(_halved(self.whole.saliency().values[None])[0])

    def affinity(self) -> Affinities:
        """Return the affinities of the whole image."""
        return self.whole.affinity()
