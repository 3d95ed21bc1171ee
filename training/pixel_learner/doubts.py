"""Clicks that contradict everything else: what was left out of a fold, and the maps of the image, both say otherwise.

A perceptron remembers every click, a wrong one too, and goes on from it; that it saw a click tells nothing about it.
Who was fitted without the image can tell, but is wrong itself where a click corrects it, and such clicks teach most.
So a pixel of an image that is known in part is doubted only where two speak against it that know nothing of each
other::

    p_y(x) < LEAST_BY_LEARNER   and   q_y(x) <= LEAST_BY_MAPS

with y what was said, p the probabilities of the copy that did not see the image, and q the maps and their background
brought to a sum of 1. Doubted pixels count a quarter: many are right all the same, and leaving them out costs a person
who never errs more than it gains (docs/benchmarks.md). What was decided about a whole image is never doubted.
"""

from collections.abc import Callable, Collection, Iterable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from napari_wsss.core.maps import ActivationMaps
from training.pixel_learner.examples import Example

LEAST_BY_LEARNER, LEAST_BY_MAPS = 0.15, 0.4
WEIGHT = 0.25
"""Of what is doubted."""
LeftOutAnswer = tuple[Example, ActivationMaps, Collection[int]]
"""What was given of an image, what a learner that did not see it answers, and which mask values that one was shown."""


def doubted(example: Example, answer: ActivationMaps, maps: ActivationMaps, seen: Collection[int]) -> NDArray[np.bool_]:
    """Return which pixels (H,W) bool of an example both an answer and maps contradict.

    Parameters
    ----------
    example : Example
    answer : ActivationMaps
        Probabilities with background of a learner that did not see the image.
    maps : ActivationMaps
        Of the same size, with background.
    seen : collection of int
        Mask values that the learner was shown; it says nothing about others.
    """
    found = np.zeros(example.values.shape, bool)
    if example.whole:
        return found
    total = np.maximum(_sum(maps), np.finfo(np.float32).tiny)
    for value in example.shown & set(seen):
        by_learner, by_maps = _plane(answer, value), _plane(maps, value)
        if by_learner is None or by_maps is None:
            continue
        said = (example.values == value) & (example.weights > 0)
        found |= said & (by_learner < LEAST_BY_LEARNER) & (by_maps / total <= LEAST_BY_MAPS)
    return found


def all_doubted(
    answers: Iterable[LeftOutAnswer], maps_of: Callable[[str], ActivationMaps | None], background: float
) -> dict[str, NDArray[np.bool_]]:
    """Return what is `doubted` of each image that is known in part and has maps.

    Parameters
    ----------
    answers : iterable of LeftOutAnswer
    maps_of : callable
        Returns the maps of an image, None where there are none.
    background : float in [0, 1]
        Background score beside maps that bring none.
    """
    found = {}
    for example, answer, seen in answers:
        maps = None if example.whole else maps_of(example.image_id)
        if maps is not None:
            found[example.image_id] = doubted(example, answer, with_background(maps, background), seen)
    return found


def lessened(example: Example, doubts: NDArray[np.bool_]) -> Example:
    """Return an example that counts a quarter where doubts (H,W) bool are."""
    return replace(example, weights=np.where(doubts, np.float32(WEIGHT) * example.weights, example.weights))


def _plane(maps: ActivationMaps, value: int) -> NDArray[np.float32] | None:
    if value == 0:
        return maps.background
    return maps.scores[maps.classes.index(value - 1)] if value - 1 in maps.classes else None


def _sum(maps: ActivationMaps) -> NDArray[np.float32]:
    assert maps.background is not None
    total: NDArray[np.float32] = maps.scores.sum(0) + maps.background
    return total


def with_background(maps: ActivationMaps, background: float) -> ActivationMaps:
    """Return maps with a background score: their own, or a constant one in [0, 1] where they have none."""
    if maps.background is not None:
        return maps
    return maps.with_scores(maps.scores, np.full(maps.size, background, np.float32))
