"""Weak examples: what the applied localizer's maps are sure of in images that nobody said anything about.

While few images are corrected, they show few of the ways a class can look. Positions at which one class's score is high
and far above the others', and those at which all are next to nothing, count a little then, and less with every image a
person corrects. They make no class known: one nobody has shown keeps its maps.
"""

import numpy as np

from napari_wsss.core.classes import BACKGROUND, IGNORE
from napari_wsss.core.maps import ActivationMaps
from training.pixel_learner.examples import Example

SURE, MARGIN, NOTHING = 0.5, 0.2, 0.08
"""Least score of a sure class, how far it is above the next one, and largest score where there is background."""
FADED = 25
"""Corrected images from which on maps teach nothing more."""
IMAGES, MOST_OF_IMAGE = 100, 400
"""At most so many images, and cells of each."""


def faded(weight: float, corrected: int) -> float:
    """Return the weight of weak examples beside so many corrected images: in full beside none, 0 from `FADED` on."""
    return weight * max(0.0, 1 - corrected / FADED)


def weak_example(image_id: str, labels: tuple[int, ...], maps: ActivationMaps) -> Example:
    """Return what maps are sure of in an image, each pixel with weight 1.

    Parameters
    ----------
    image_id : str
    labels : tuple of int
        0-based indices of the image-level labels, those of the maps.
    maps : ActivationMaps
    """
    values = np.full(maps.size, IGNORE, np.uint8)
    if maps.classes:
        ranked = np.sort(maps.scores, axis=0)
        best, next_one = ranked[-1], ranked[-2] if len(ranked) > 1 else np.zeros_like(ranked[-1])
        sure = (best >= SURE) & (best - next_one >= MARGIN)
        mask_values = np.asarray([k + 1 for k in maps.classes], np.uint8)
        values[sure] = mask_values[maps.scores.argmax(0)[sure]]
        values[best <= NOTHING] = BACKGROUND
    return Example(image_id, labels, values, (values != IGNORE).astype(np.float32))
