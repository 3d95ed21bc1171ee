"""Pseudo labels: what a classifier is sure of in images of which a person showed parts, learned in a second round.

Of an image's probabilities, drawn to the borders in the picture by a dense CRF, every pixel whose strongest class has
at least the confidence becomes an example of that class (Lee, "Pseudo-Label", ICML workshop 2013). Image-level labels
say which classes may be among them, and what a person said stays as it is. A few clicks thus become whole things.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_wsss.core.classes import IGNORE
from napari_wsss.core.errors import StepError
from napari_wsss.core.maps import ActivationMaps
from napari_wsss.core.registry import load_method
from napari_wsss.pixels.resizing import resize
from napari_wsss.pixels.tap_features import TapFeatures
from napari_wsss.segment.pixel_classifier import PixelClassifier
from training.pixel_learner.examples import Example

CRF, CRF_PRESET = "dense_crf", "probabilities"


@dataclass(frozen=True)
class Confidence:
    """Which pixels become examples, and how much they count.

    Parameters
    ----------
    least : float in [0, 1]
        Probability of the strongest class.
    weight : float in [0, 1]
        Of such a pixel; a person's count 1.
    shrink : int
        Of the picture's size for the CRF: at half of it, it takes a quarter of the time, and cells are coarser still.
    """

    least: float = 0.8
    weight: float = 0.5
    shrink: int = 2


def pseudo_labelled(
    classifier: PixelClassifier,
    features: TapFeatures,
    image: NDArray[np.uint8],
    example: Example,
    confidence: Confidence,
) -> Example:
    """Return an example with the pixels added that the classifier is sure of.

    Parameters
    ----------
    classifier : PixelClassifier
    features : TapFeatures
        Of the image.
    image : (H, W, 3) uint8
        RGB.
    example : Example
        What is known about the image; may be nothing (all weights 0).
    confidence : Confidence
    """
    height, width = example.values.shape
    size = max(1, height // confidence.shrink), max(1, width // confidence.shrink)
    found = classifier.answer(features, example.labels, size)
    found = _at_borders(resize(image, *size), found)
    value = np.asarray([0, *(k + 1 for k in example.labels)], np.uint8)[found.argmax(0)]
    unshown = [k + 1 for k in example.labels if not classifier.was_shown(k)]
    value[(found.max(0) < confidence.least) | np.isin(value, unshown)] = IGNORE
    rows = np.arange(height) * size[0] // height
    columns = np.arange(width) * size[1] // width
    value = value[rows[:, None], columns]
    said = example.weights > 0
    values = np.where(said, example.values, value)
    weights = np.where(said, example.weights, np.where(value == IGNORE, 0, confidence.weight))
    return Example(example.image_id, example.labels, values, weights.astype(np.float32))


def _at_borders(image: NDArray[np.uint8], found: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return probabilities (K+1,H,W) after the dense CRF, as they are where it is not installed."""
    cls = load_method("refine", CRF)
    try:
        refiner = cls(cls.Parameters(preset=CRF_PRESET))
    except StepError:
        return found
    refined = refiner.refine(image, ActivationMaps(found[1:], tuple(range(len(found) - 1)), found[0]))
    assert refined.background is not None
    return np.concatenate([refined.background[None], refined.scores])
