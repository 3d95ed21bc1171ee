"""How far a learner, and the maps it would replace, agree with what a person gave about images it did not see.

The images that teach are dealt into folds. For each fold the classifier is fitted to the others and answers for it;
every pixel the person said something about counts. Classes on which the maps agree clearly more are left to the maps:
by more than a margin, and than what the choice of images explains. With d the difference of intersection over union of
a class, and d_i the same without image i of N (the jackknife; Efron, "The Jackknife, the Bootstrap and Other Resampling
Plans", 1982)::

    d > MARGIN + SURELY sqrt((N - 1) / N sum over i of (d_i - mean d)^2)

How much what maps propose counts beside the learner, its share w (`pipeline.learner.pooling.pooled`), is decided by
what a person gave (figures in docs/benchmarks.md):

- where most images were decided as a whole, the share whose pooled answer agrees most, less PRICE w, because folds
  flatter maps; with N < SETTLED images the price is N / SETTLED of that, because so few teach a learner little;
- where only parts are known, by how the maps themselves agree: BY_PARTS, for clearly worse, alike, clearly better (as
  alike from FEW_PARTS images on).
  Clicks lie where things are plain, as many on things as beside them: they tell good maps from bad ones, but not which
  of two borders is right, nor how much background there is.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from napari_wsss.core.maps import ActivationMaps
from napari_wsss.pipeline.learner.pooling import pooled
from training.pixel_learner.examples import Example
from training.scoring.metrics import Scores

MARGIN, SURELY = 0.1, 2.0
"""IoU by which maps must be better before a class is left to them, as folds see fewer images than the learner does; and
standard errors besides. docs/benchmarks.md says what less costs."""
SHARES = (0.0, 0.1, 0.2)
"""Shares of the maps that are tried where whole masks tell, ascending: of equal ones the least is taken. More than a
fifth never gained there."""
PRICE = 0.18
"""Agreement that the whole share has to gain: the learner's copies see fewer images than it does, and maps are better
on images their classifier was trained with. docs/benchmarks.md says what another price costs."""
SETTLED = 25
"""Images from which on the whole price is asked."""
BY_PARTS = (0.2, 1 / 3, 0.5)
"""Shares of maps that agree less than the learner by more than MARGIN, that do neither, and more by more than that."""
FEW_PARTS = 50
"""Images known in part from which on no maps count a half: a learner of so many knows more than its copies show on
clicks that were put where it was wrong. docs/benchmarks.md says what a half costs."""
UNKNOWN_SHARE = 0.5
"""Of the maps while too few images are known to compare."""
Figures = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Agreement:
    """Agreement on held-out images, background first; nan where a class was not shown, or there are no maps.

    Parameters
    ----------
    learner, maps : (C + 1,) float64 in [0, 1]
        Intersection over union per mask value.
    images : int
        Held-out images that were compared.
    shown_in : (C + 1,) int, optional
        In how many of them each value was shown.
    doubt : (C + 1,) float64 >= 0, optional
        Standard error of the difference between maps and learner, by leaving out each image once.
    share : float in [0, 1]
        Of the maps that the learner's answer was pooled with.
    doubts : mapping of str to (H, W) bool
        Of images that are known in part: which pixels are contradicted (`training.pixel_learner.doubts`).
    """

    learner: Figures
    maps: Figures
    images: int
    shown_in: NDArray[np.int64] | None = None
    doubt: Figures | None = None
    share: float = 0.0
    doubts: Mapping[str, NDArray[np.bool_]] = field(default_factory=dict)

    @property
    def mean(self) -> float:
        """Mean IoU of the learner over what was shown, nan when nothing was.

        What only one image shows does not count beside what more do: who was fitted without that image never saw it.
        """
        found = self.learner
        if self.shown_in is not None and (self.shown_in > 1).any():
            found = found[self.shown_in > 1]
        return float(np.nanmean(found)) if np.isfinite(found).any() else float("nan")

    @property
    def better_by_maps(self) -> tuple[int, ...]:
        """0-based classes on which the maps agree clearly more (see the module)."""
        least = MARGIN + (0 if self.doubt is None else SURELY * self.doubt[1:])
        with np.errstate(invalid="ignore"):
            found = np.flatnonzero(self.maps[1:] > self.learner[1:] + least)
        return tuple(int(k) for k in found)


class Tally:
    """Counts pixels of masks against what a person said."""

    def __init__(self, class_count: int) -> None:
        self._matrix = np.zeros((class_count + 1, class_count + 1))
        self._parts: list[Figures] = []  # of each image: pixels in common, answered, said (3, C + 1)
        self.shown_in = np.zeros(class_count + 1, np.int64)

    def add(self, example: Example, mask: NDArray[np.uint8]) -> None:
        """Count one mask (H, W) uint8 against an example."""
        known, width = example.weights > 0, len(self._matrix)
        pairs = example.values[known].astype(np.int64) * width + mask[known]
        matrix = np.bincount(pairs, example.weights[known], width * width).reshape(width, width)
        self._matrix += matrix
        self._parts.append(np.stack([np.diag(matrix), matrix.sum(0), matrix.sum(1)]))
        self.shown_in[list(example.shown)] += 1

    @property
    def images(self) -> int:
        """How many masks were counted."""
        return len(self._parts)

    @property
    def iou(self) -> Figures:
        """Intersection over union (C+1,), nan for what the person did not show."""
        found = Scores(np.rint(self._matrix).astype(np.int64)).iou
        return np.where(self._matrix.sum(1) > 0, found, np.nan)

    def without_each(self) -> Figures:
        """Return the intersection over union (N, C+1) of all images but one, of each; 0 where nothing is left."""
        parts = np.reshape(self._parts, (-1, 3, len(self._matrix)))
        common, answered, said = np.moveaxis(parts.sum(0) - parts, 1, 0)
        either = answered + said - common
        return np.where(either > 0, common / np.where(either > 0, either, 1), 0)


def doubt_of(learner: Tally, maps: Tally) -> Figures:
    """Return the standard error (C+1,) of how much more maps agree than a learner, over the same images; 0 of none."""
    apart = maps.without_each() - learner.without_each()
    if not len(apart):
        return np.zeros(apart.shape[1])
    error: Figures = np.sqrt((len(apart) - 1) / len(apart) * ((apart - apart.mean(0)) ** 2).sum(0))
    return error


def folds_of(ids: list[str], count: int, seed: int) -> list[list[str]]:
    """Return ids dealt into at most so many folds, in an order fixed by the seed; fewer than two images make none."""
    if len(ids) < 2:
        return []
    mixed = [ids[int(at)] for at in np.random.default_rng(seed).permutation(len(ids))]
    count = min(count, len(ids))
    return [mixed[at::count] for at in range(count)]


def mask_of(maps: ActivationMaps, background: float) -> NDArray[np.uint8]:
    """Return the pseudo mask of maps: by their own background, or by a constant one where they have none."""
    return maps.to_mask(None if maps.background is not None else background)


def compared(
    class_count: int,
    held_out: list[tuple[Example, ActivationMaps]],
    maps_of: Callable[[str], ActivationMaps | None],
    background: float,
    proposed_of: Callable[[str, tuple[int, ...]], ActivationMaps],
) -> Agreement:
    """Return the agreement of a learner's answers, and of the maps of the same images.

    Parameters
    ----------
    class_count : int
    held_out : list of (Example, ActivationMaps)
        What a person said, and what the learner answered without having seen it.
    maps_of : callable
        Returns the maps of an image, None where there are none: the maps are judged only if all images have some.
    background : float in [0, 1]
        Background score beside maps that bring none.
    proposed_of : callable
        Returns what the maps of an image propose of some classes (0-based), with background; asked only for images that
        were decided as a whole.
    """
    learner, maps = Tally(class_count), Tally(class_count)
    for example, answer in held_out:
        learner.add(example, answer.to_mask())
        if (other := maps_of(example.image_id)) is not None:
            maps.add(example, mask_of(other, background))
    if maps.images != len(held_out):
        return Agreement(learner.iou, np.full(class_count + 1, np.nan), learner.images, learner.shown_in)
    alone = Agreement(learner.iou, maps.iou, learner.images, learner.shown_in, doubt_of(learner, maps))
    if 2 * sum(example.whole for example, _ in held_out) <= len(held_out):
        return replace(alone, share=_by_parts(alone))
    learners = {share: Tally(class_count) for share in SHARES}
    for example, answer in held_out:
        other = maps_of(example.image_id)
        # Of an unlabelled image there are no maps of all that may be in it, so its answer stays as it is.
        proposed = proposed_of(example.image_id, answer.classes) if other and other.classes == answer.classes else None
        for share, learner in learners.items():
            learner.add(example, (pooled(answer, proposed, share) if proposed else answer).to_mask())
    found = [
        replace(alone, learner=learner.iou, doubt=doubt_of(learner, maps), share=share)
        for share, learner in learners.items()
    ]
    price = PRICE * min(1.0, len(held_out) / SETTLED)
    return max(found, key=lambda one: one.mean - price * one.share)


def _by_parts(alone: Agreement) -> float:
    """Return the share of maps that a learner is compared with on parts of images."""
    better = replace(alone, learner=alone.maps).mean - alone.mean
    return BY_PARTS[1 + (better > MARGIN and alone.images < FEW_PARTS) - (better < -MARGIN)]
