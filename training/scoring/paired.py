"""Whether one source of masks is better than another on the same images, class by class, beyond chance.

A difference of IoU is held against those that arise when it is drawn by lot, image by image, which mask is whose: were
both sources equally good, that would change nothing. p is the share of lots with a difference at least as large
(paired randomisation test; E. Noreen, Computer-Intensive Methods for Testing Hypotheses, 1989). A bootstrap over images
calls five images that agree a certainty; here it takes six before p can be below 5 %.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from napari_wsss.core.classes import IGNORE
from napari_wsss.core.errors import LabelError
from training.scoring.metrics import Figures, confusion_matrix

ALL_LOTS = 12
"""Up to so many images every lot is tried."""
LOTS = 4999
"""Lots drawn for more images; the true one counts as one more."""
UNKNOWN = -1
Counts = NDArray[np.int64]


@dataclass(frozen=True)
class Case:
    """One image and two masks of it.

    Parameters
    ----------
    truth : (H, W) uint8
        Mask values; 255 where nothing is known.
    labels : tuple of int
        0-based indices of the image-level labels.
    masks : pair of (H, W) uint8
        Of the candidate and of the present source; 255, undecided, is never right.
    """

    truth: NDArray[np.uint8]
    labels: tuple[int, ...]
    masks: tuple[NDArray[np.uint8], NDArray[np.uint8]]


@dataclass(frozen=True, eq=False)
class Paired:
    """Counts of N images for a candidate (side 0) and the present source (side 1), background first of K + 1 values.

    Parameters
    ----------
    names : tuple of str
        K + 1 names.
    hits, unions : (N, 2, K + 1) int64
        Pixels of intersection and union where the truth is known.
    truth : (N, K + 1) int64
        Pixels of the truth.
    labelled : (N, K + 1) bool
        Values an image may show: background and its image-level labels.
    shown : (N, 2, K + 1) bool
        Values each mask shows anywhere.
    """

    names: tuple[str, ...]
    hits: Counts
    unions: Counts
    truth: Counts
    labelled: NDArray[np.bool_]
    shown: NDArray[np.bool_]

    @classmethod
    def of(cls, names: Sequence[str], cases: Iterable[Case]) -> Paired:
        """Return the counts of all cases; raise `LabelError` without one, or where sizes or values do not fit."""
        found = [_counted(case, len(names)) for case in cases]
        if not found:
            raise LabelError("There is no image to compare two models on; expected at least one.")
        return cls(tuple(names), *(np.stack(part) for part in zip(*found, strict=True)))

    @property
    def images(self) -> Counts:
        """Images (K + 1,) whose truth shows each value."""
        return np.asarray((self.truth > 0).sum(0))

    @property
    def compared(self) -> NDArray[np.bool_]:
        """(K + 1,) bool: values that the truth of some image shows; the mean runs over these."""
        return self.images > 0

    @property
    def iou(self) -> Figures:
        """Intersection over union (2, K + 1) over all images; nan for what no truth shows."""
        return np.where(self.compared, _ratio(self.hits.sum(0), self.unions.sum(0)), np.nan)

    @property
    def mean_iou(self) -> Figures:
        """Mean IoU (2,) over what the truth shows."""
        return np.asarray(self.iou[:, self.compared].mean(1))

    @property
    def vanished(self) -> NDArray[np.bool_]:
        """(2, K + 1) bool: labelled in some image, and shown by no mask of the side."""
        return np.asarray(self.labelled.any(0) & ~self.shown.any(0))

    @cached_property
    def chance(self) -> Figures:
        """P values (K + 2,) of the difference in each value's IoU, and last in the mean IoU; 1 for what is not shown.

        Lots are drawn with a fixed seed, so equal counts have equal p values.
        """
        lots = _lots(len(self.truth))
        found = self._differences(lots)
        seen = np.abs(found[0])
        p = (np.abs(found) >= seen - 1e-12).mean(0)
        return np.where([*self.compared, True], p, 1.0)

    def _differences(self, lots: NDArray[np.bool_]) -> Figures:
        """Return the differences (L, K + 2) of IoU, and of the mean, when images trade sides as lots (L, N) say."""
        swaps = lots.astype(np.float64)
        first, second = (
            _ratio(*(self._summed(counts, weights) for counts in (self.hits, self.unions)))
            for weights in (1 - swaps, swaps)
        )
        each = np.where(self.compared, first - second, 0.0)
        return np.column_stack([each, each.sum(1) / self.compared.sum()])

    @staticmethod
    def _summed(counts: Counts, weights: Figures) -> Figures:
        """Return sums (L, K + 1) over images: side 0 where its weight (L, N) is 1, side 1 where it is 0."""
        found: Figures = weights @ counts[:, 0] + (1 - weights) @ counts[:, 1]
        return found


def _lots(images: int) -> NDArray[np.bool_]:
    """Return lots (L, N), True where an image trades sides; the first trades nothing."""
    if images <= ALL_LOTS:
        return (np.arange(2**images)[:, None] >> np.arange(images) & 1).astype(bool)
    drawn = np.random.default_rng(0).random((LOTS + 1, images)) < 0.5
    drawn[0] = False
    return drawn


def _counted(case: Case, count: int) -> tuple[Counts, Counts, Counts, NDArray[np.bool_], NDArray[np.bool_]]:
    """Return hits, unions, truth, labelled and shown of one image, as `Paired` keeps them."""
    hits, unions, shown = np.empty((3, 2, count), np.int64)
    truth = np.bincount(case.truth[case.truth != IGNORE], minlength=count).astype(np.int64)
    known = np.where(case.truth == IGNORE, UNKNOWN, case.truth.astype(np.int64))
    for side, mask in enumerate(case.masks):
        # Undecided pixels get a value of their own, which is right nowhere.
        decided = np.where(mask == IGNORE, count, mask.astype(np.int64))
        matrix = confusion_matrix(known, decided, count + 1, UNKNOWN)
        hits[side] = np.diagonal(matrix)[:count]
        unions[side] = (matrix.sum(0) + matrix.sum(1))[:count] - hits[side]
        shown[side] = np.bincount(decided.ravel(), minlength=count + 1)[:count]
    labelled = np.isin(np.arange(count), [0, *(k + 1 for k in case.labels)])
    return hits, unions, truth, labelled, shown > 0


def _ratio(part: NDArray[np.generic], whole: NDArray[np.generic]) -> Figures:
    share: Figures = np.divide(part, whole, out=np.zeros(np.shape(whole)), where=np.asarray(whole) > 0)
    return share
