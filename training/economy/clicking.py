"""The robot of the clicks literature: it clicks on one thing until the mask of it is good enough.

Each click lands where it is deepest in the largest error (Sofiiuk et al., "Reviving Iterative Training with Mask
Guidance for Interactive Segmentation", 2021: RITM), at most `MOST_CLICKS` of them; what is reported is the number of
clicks until an intersection over union (NoC). What is asked for is one thing in a mask of many: other things of its
class are no errors, nor are regions of the class that do not touch the thing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_wsss.core.classes import IGNORE
from napari_wsss.pixels.clicks.pointing import Scene, answer_by_colour, region_meant, written
from napari_wsss.pixels.clicks.prompts import Click, Prompt, Question
from napari_wsss.pixels.superpixels import Superpixels, find_superpixels
from napari_wsss.promptable.answering import answer
from training.economy.things import Region, deepest, things

Mask = NDArray[np.uint8]
MOST_CLICKS = 20
LEAST_SHARE = 0.015
"""Share of the picture from which on a thing is clicked."""


@dataclass(frozen=True)
class Target:
    """A thing to be clicked.

    Parameters
    ----------
    image_id : str
    truth : (H, W) uint8
        The true mask.
    value : int
        Mask value of the thing's class.
    region : (H, W) bool
        Where the thing is.
    """

    image_id: str
    truth: Mask
    value: int
    region: Region


def targets_in(image_id: str, truth: Mask, values: Sequence[int], most: int, least: float) -> list[Target]:
    """Return the things of some classes in a true mask, the largest first, at most so many of at least this share."""
    found = [
        Target(image_id, truth, value, region)
        for value, region in things(truth)
        if value in values and region.mean() >= least
    ]
    return sorted(found, key=lambda one: -int(one.region.sum()))[:most]


def errors(target: Target, mask: Mask) -> tuple[float, Region, Region]:
    """Return the intersection over union of a thing in a mask, what the mask lacks of it and what it adds to it."""
    others = (target.truth == target.value) & ~target.region
    known = (target.truth != IGNORE) & ~others
    parts, count = ndimage.label((mask == target.value) & ~others)
    touched = np.zeros(count + 1, bool)
    touched[np.unique(parts[target.region])] = True
    touched[0] = False
    said, true = touched[parts] & known, target.region & known
    return float((said & true).sum() / max(1, (said | true).sum())), true & ~said, said & ~true


def next_click(target: Target, mask: Mask) -> tuple[float, Click | None]:
    """Return a thing's intersection over union in a mask, and the robot's next click: None where nothing is wrong."""
    overlap, lacking, added = errors(target, mask)
    best: tuple[int, bool, Region] | None = None
    for is_thing, wrong in ((True, lacking), (False, added)):
        parts, count = ndimage.label(wrong)
        if count:
            areas = np.bincount(parts.ravel())[1:]
            if best is None or areas.max() > best[0]:
                best = int(areas.max()), is_thing, parts == int(areas.argmax()) + 1
    if best is None:
        return overlap, None
    row, column, _ = deepest(best[2])
    return overlap, Click(row, column, best[1])


class Engine(Protocol):
    """What answers clicks on one thing."""

    def clicked(self, click: Click) -> Mask:
        """Return the mask (H, W) uint8 after one more click."""


class ByColour:
    """Clicks as seeds of the propagation."""

    def __init__(self, scene: Scene, patches: Superpixels | None = None) -> None:
        self._scene, self._prompt = scene, Prompt()
        self._patches = find_superpixels(scene.pixels) if patches is None else patches

    def clicked(self, click: Click) -> Mask:
        """Return the mask after one more click."""
        self._prompt = self._prompt.clicked(click)
        return answer_by_colour(self._scene, self._prompt, self._patches)


class BySegmenter:
    """A promptable segmenter, its answers chosen by the class's maps."""

    def __init__(self, scene: Scene, embedding: NDArray[np.float16], decoder: Path) -> None:
        self._scene, self._embedding, self._decoder = scene, embedding, decoder
        self._prompt = Prompt()
        self._own: Region | None = None
        self._logits: NDArray[np.float32] | None = None
        self._share = scene.coarse_share()

    def clicked(self, click: Click) -> Mask:
        """Return the mask after one more click."""
        scene = self._scene
        if not self._prompt.clicks:
            self._own = region_meant(scene.before, scene.value, click)
        self._prompt = self._prompt.clicked(click)
        asked = Question(self._embedding, scene.size, self._prompt, self._share, self._own, self._logits)
        found = answer(self._decoder, asked)
        self._logits = found.logits
        return written(scene, found.region, self._own)


def overlaps(
    target: Target, before: Mask, engine: Engine, most: int = MOST_CLICKS, enough: float = 0.95
) -> list[float]:
    """Return the intersection over union before the first click and after each, until `enough` or nothing is wrong."""
    overlap, click = next_click(target, before)
    found = [overlap]
    while click is not None and overlap < enough and len(found) <= most:
        overlap, click = next_click(target, engine.clicked(click))
        found.append(overlap)
    return found


def clicks_until(found: Sequence[float], wanted: float, most: int = MOST_CLICKS) -> int:
    """Return how many clicks it took to reach an intersection over union; `most` where it never was."""
    return next((count for count, overlap in enumerate(found) if overlap >= wanted), most)
