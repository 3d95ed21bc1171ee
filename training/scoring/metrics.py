"""How good masks are: one confusion matrix over all images, and the figures read from it.

Everything is a fraction in [0, 1]. Row k of a confusion matrix is the truth k, column k the prediction k, with
0 the background; pixels whose truth is 255 are left out (reference: the evaluation protocol of PASCAL VOC).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from napari_wsss.core.classes import IGNORE
from napari_wsss.core.errors import LabelError
from napari_wsss.core.maps import ActivationMaps
from training.scoring.missing import Missing, missing_by_level

AbsentRule = Literal["all_classes", "truth_present", "either_present"]
"""Which classes a mean runs over: every class (one that is absent counts 0, SEAM), those that occur in the truth
(SC-CAM, deeplab-pytorch), or those that occur in the truth or the prediction (irn, chainercv)."""

ABSENT_RULES: tuple[AbsentRule, ...] = ("all_classes", "truth_present", "either_present")

DEFAULT_RULE: AbsentRule = "truth_present"
"""A user's evaluation set seldom holds every class: dividing by all classes then measures the set, not the masks,
and `either_present` lets one stray pixel of an absent class cost as much as a whole class."""

Figures = NDArray[np.float64]


def confusion_matrix(
    truth: NDArray[Any], prediction: NDArray[Any], count: int, ignore: int = IGNORE
) -> NDArray[np.int64]:
    """Return pixel counts (count, count) int64, rows = truth, columns = prediction.

    Parameters
    ----------
    truth, prediction : (H, W) integers
        0 background, k + 1 class k, `ignore` undecided. A pixel that either mask leaves undecided is not counted
        (see `undecided_pixels` for how many of those the prediction is responsible for).
    count : int
        Number of mask values, background included.

    Raises
    ------
    LabelError
        When sizes differ or a value is neither below `count` nor `ignore`.
    """
    if truth.shape != prediction.shape:
        raise LabelError(
            f"The prediction is {prediction.shape}, the true mask {truth.shape} pixels; resize one of them first."
        )
    counted = (truth != ignore) & (prediction != ignore)
    rows, columns = truth[counted].astype(np.int64), prediction[counted].astype(np.int64)
    _check_values(rows, count, "true mask")
    _check_values(columns, count, "prediction")
    return np.bincount(rows * count + columns, minlength=count * count).reshape(count, count).astype(np.int64)


def undecided_pixels(truth: NDArray[Any], prediction: NDArray[Any], ignore: int = IGNORE) -> int:
    """Return how many pixels with a known truth the prediction leaves undecided (`ignore`)."""
    return int(np.count_nonzero((prediction == ignore) & (truth != ignore)))


@dataclass(frozen=True)
class Scores:
    """The figures of one confusion matrix (K + 1, K + 1) int64; per-class arrays are (K + 1,) float64, nan = undefined.

    Parameters
    ----------
    matrix : (K + 1, K + 1) int64
        Rows = truth, background first.
    names : tuple of str, optional
        K + 1 names, ``background`` first; ``class 1`` and so on where not given.
    undecided : int
        Pixels left out because the prediction was 255 there.
    missing : Missing, optional
        Which classes and parts the masks leave out, where masks were looked at one by one.
    """

    matrix: NDArray[np.int64]
    names: tuple[str, ...] = ()
    undecided: int = 0
    missing: Missing | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "names", tuple(self.names) or _numbered(len(self.matrix)))
        if self.matrix.shape != (len(self.names), len(self.names)):
            raise LabelError(f"A confusion matrix {self.matrix.shape} does not fit {len(self.names)} class names.")

    @classmethod
    def nothing(cls, names: Sequence[str]) -> Scores:
        """Return the figures of no image."""
        count = len(names)
        return cls(np.zeros((count, count), np.int64), tuple(names), missing=Missing.nothing(count))

    def __add__(self, other: Scores) -> Scores:
        """Return the figures of both sets of images; what is missing is known where it is of both."""
        missing = self.missing + other.missing if self.missing is not None and other.missing is not None else None
        return Scores(self.matrix + other.matrix, self.names, self.undecided + other.undecided, missing)

    @property
    def truth(self) -> NDArray[np.int64]:
        """Pixels (K + 1,) of each class in the truth."""
        return np.asarray(self.matrix.sum(axis=1))

    @property
    def predicted(self) -> NDArray[np.int64]:
        """Pixels (K + 1,) of each class in the prediction."""
        return np.asarray(self.matrix.sum(axis=0))

    @property
    def correct(self) -> NDArray[np.int64]:
        """Pixels (K + 1,) of each class that agree."""
        return np.diagonal(self.matrix)

    @property
    def iou(self) -> Figures:
        """Intersection over union TP / (T + P - TP)."""
        return _ratio(self.correct, self.truth + self.predicted - self.correct)

    @property
    def precision(self) -> Figures:
        """TP / P; nan for a class that was never predicted."""
        return _ratio(self.correct, self.predicted)

    @property
    def recall(self) -> Figures:
        """TP / T; nan for a class that never occurs."""
        return _ratio(self.correct, self.truth)

    @property
    def f_score(self) -> Figures:
        """2 TP / (T + P), the harmonic mean of precision and recall."""
        return _ratio(2 * self.correct, self.truth + self.predicted)

    @property
    def pixel_accuracy(self) -> float:
        """Share of counted pixels that agree; nan without pixels."""
        return float(_ratio(self.correct.sum(), self.matrix.sum()))

    @property
    def coverage(self) -> float:
        """Share of pixels with a known truth that the prediction decided."""
        return float(_ratio(self.matrix.sum(), self.matrix.sum() + self.undecided))

    def counted(self, rule: AbsentRule = DEFAULT_RULE) -> NDArray[np.bool_]:
        """Return (K + 1,) bool, True for the classes a mean runs over under `rule`."""
        if rule not in ABSENT_RULES:
            raise LabelError(f"There is no rule {rule!r} for absent classes; choose one of {', '.join(ABSENT_RULES)}.")
        if rule == "all_classes":
            return np.ones(len(self.names), bool)
        return self.truth > 0 if rule == "truth_present" else self.truth + self.predicted > 0

    def mean(self, figures: Figures, rule: AbsentRule = DEFAULT_RULE, only: Sequence[str] | None = None) -> float:
        """Return the mean of per-class `figures` (K + 1,) over the classes of `rule`, an undefined one counting 0.

        Parameters
        ----------
        only : sequence of str, optional
            Restrict the mean to these class names (of those the rule admits).
        """
        chosen = self.counted(rule)
        if only is not None:
            chosen = chosen & np.isin(self.names, list(only))
        return float(np.nan_to_num(figures[chosen]).mean()) if chosen.any() else float("nan")

    def mean_iou(self, rule: AbsentRule = DEFAULT_RULE, only: Sequence[str] | None = None) -> float:
        """Return the mean intersection over union (mIoU), background included."""
        return self.mean(self.iou, rule, only)


@dataclass(frozen=True)
class Sweep:
    """One set of maps at T background thresholds.

    Parameters
    ----------
    thresholds : tuple of float
    matrices : (T, K + 1, K + 1) int64
        Confusion matrices.
    names : tuple of str
        K + 1 names, ``background`` first.
    missing : (T, 4, K + 1) int64, optional
        The counts of `Missing`, where masks were looked at one by one.
    """

    thresholds: tuple[float, ...]
    matrices: NDArray[np.int64]
    names: tuple[str, ...]
    missing: NDArray[np.int64] | None = None

    @classmethod
    def nothing(cls, thresholds: Sequence[float], names: Sequence[str]) -> Sweep:
        """Return the figures of no image."""
        return threshold_sweep([], thresholds, len(names), names)

    def __add__(self, other: Sweep) -> Sweep:
        """Return the figures of both sets of images, of the same thresholds; see `Scores`."""
        missing = self.missing + other.missing if self.missing is not None and other.missing is not None else None
        return Sweep(self.thresholds, self.matrices + other.matrices, self.names, missing)

    def scores(self, index: int) -> Scores:
        """Return the figures at threshold number `index`."""
        missing = None if self.missing is None else Missing(*self.missing[index])
        return Scores(self.matrices[index], self.names, missing=missing)

    def mean_iou(self, rule: AbsentRule = DEFAULT_RULE, only: Sequence[str] | None = None) -> Figures:
        """Return mIoU (T,) at every threshold."""
        return np.asarray([self.scores(i).mean_iou(rule, only) for i in range(len(self.thresholds))])

    def best(self, rule: AbsentRule = DEFAULT_RULE, only: Sequence[str] | None = None) -> int:
        """Return the index of the best threshold; it was chosen on the masks it is measured on, so say so."""
        return int(np.nanargmax(self.mean_iou(rule, only)))


def threshold_sweep(
    pairs: Iterable[tuple[ActivationMaps | NDArray[Any], NDArray[Any]]],
    thresholds: Sequence[float],
    count: int,
    names: Sequence[str] = (),
) -> Sweep:
    """Return the confusion matrix at every threshold, reading each image once.

    The prediction at threshold t is the strongest class where its score is above t, else background. Each image
    costs one pass whatever the number of thresholds: its pixels are binned by the strongest score and the bins
    summed from the top.

    Parameters
    ----------
    pairs : iterable of (maps, truth)
        Maps: `ActivationMaps`, or an array (K, H, W) of all classes where an absent class is 0. Truth: (H, W).
    thresholds : sequence of float
        Background scores, any order.
    count : int
        Number of mask values K + 1, background included.
    names : sequence of str, optional
        K + 1 names, ``background`` first.
    """
    order = np.argsort(np.asarray(thresholds, np.float32), kind="stable")
    bounds = np.asarray(thresholds, np.float32)[order]
    bins = np.zeros((len(bounds) + 1, count, count), np.int64)
    missing = np.zeros((len(bounds), 4, count), np.int64)
    for maps, truth in pairs:
        value, level = _levels(maps, truth, bounds)
        bins += _binned(value, level, truth, len(bounds), count)
        missing[order] += missing_by_level(truth, value, level, len(bounds), count)
    # A pixel in bin b is above the b lowest thresholds: foreground there, background at the others.
    foreground = bins[::-1].cumsum(axis=0)[::-1][1:]
    matrices = np.empty((len(bounds), count, count), np.int64)
    matrices[order] = foreground
    matrices[:, :, 0] += bins.sum(axis=(0, 2)) - matrices.sum(axis=2)
    return Sweep(tuple(float(t) for t in thresholds), matrices, tuple(names) or _numbered(count), missing)


def _levels(
    maps: ActivationMaps | NDArray[Any], truth: NDArray[Any], bounds: NDArray[np.float32]
) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Return the strongest class's value (H, W) uint8, and how many thresholds lie below its score (H, W)."""
    if not isinstance(maps, ActivationMaps):
        maps = ActivationMaps(np.asarray(maps, np.float32), tuple(range(len(maps))))
    if maps.size != truth.shape:
        raise LabelError(f"The maps are {maps.size}, the true mask {truth.shape} pixels; resize one of them first.")
    score, value = maps.strongest()
    return value, np.searchsorted(bounds, score, side="left")


def _binned(
    value: NDArray[np.uint8], level: NDArray[np.int64], truth: NDArray[Any], thresholds: int, count: int
) -> NDArray[np.int64]:
    """Return pixel counts (T + 1, count, count) by number of thresholds below the score, truth and strongest class."""
    counted = truth != IGNORE
    rows, columns = truth[counted].astype(np.int64), value[counted].astype(np.int64)
    _check_values(rows, count, "true mask")
    _check_values(columns, count, "prediction")
    flat = np.bincount((level[counted] * count + rows) * count + columns, minlength=(thresholds + 1) * count * count)
    return flat.reshape(thresholds + 1, count, count).astype(np.int64)


def _numbered(count: int) -> tuple[str, ...]:
    return ("background", *(f"class {k}" for k in range(1, count)))


def _ratio(part: Any, whole: Any) -> Figures:
    whole = np.asarray(whole, np.float64)
    ratio: Figures = np.divide(part, whole, out=np.full(whole.shape, np.nan), where=whole > 0)
    return ratio


def _check_values(values: NDArray[np.int64], count: int, where: str) -> None:
    if values.size and not 0 <= values.min() <= values.max() < count:
        wrong = sorted({int(v) for v in np.unique(values) if not 0 <= v < count})
        raise LabelError(
            f"The {where} holds the values {wrong}; expected 0 to {count - 1} or {IGNORE}. "
            "Check that its class list is this project's."
        )
