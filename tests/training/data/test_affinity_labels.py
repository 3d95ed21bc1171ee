"""Confident labels: a class where even the strong background loses, background where even the weak one wins."""

from __future__ import annotations

import numpy as np
import pytest

from napari_wsss.core.background import equivalent_threshold
from napari_wsss.core.classes import IGNORE
from napari_wsss.core.maps import ActivationMaps
from napari_wsss.refine.dense_crf import DenseCrf
from training.data.affinity_labels import agreed, confident_labels, named

STRONG, WEAK = 1.0, 8.0


def ramp() -> ActivationMaps:
    scores = np.zeros((2, 4, 101), np.float32)
    scores[1] = np.linspace(0, 1, 101)
    return ActivationMaps(scores, (0, 4))


def test_both_powers_are_thresholds() -> None:
    image = np.zeros((4, 101, 3), np.uint8)

    found = confident_labels(image, ramp(), strong=STRONG, weak=WEAK, crf=None)[0]

    low, high = (100 * equivalent_threshold(power) for power in (WEAK, STRONG))
    assert (found[: int(low)] == 0).all()
    assert (found[int(low) + 1 : int(high)] == IGNORE).all()
    assert (found[int(high) + 1 :] == 5).all()


def test_the_crf_is_asked_twice() -> None:
    pytest.importorskip("pydensecrf.densecrf")
    image = np.zeros((4, 101, 3), np.uint8)
    image[:, 50:] = 255

    found = confident_labels(image, ramp(), strong=STRONG, weak=WEAK, crf=DenseCrf())

    assert set(np.unique(found)) <= {0, 5, IGNORE}


def test_without_classes_everything_is_background() -> None:
    found = confident_labels(np.zeros((3, 5, 3), np.uint8), ActivationMaps.empty(3, 5), strong=1.0, weak=8.0, crf=None)

    assert found.shape == (3, 5)
    assert not found.any()


def test_scores_of_nothing_are_undecided() -> None:
    nothing = np.zeros((2, 1, 1))

    assert agreed(nothing, nothing) == IGNORE


def test_background_of_the_weak_one_counts_more() -> None:
    strong, weak = np.array([0.4, 0.6])[:, None, None], np.array([0.6, 0.4])[:, None, None]

    assert agreed(strong, weak) == 0


def test_labels_get_the_values_of_their_classes() -> None:
    assert named(np.array([[0, 1, 2, IGNORE]], np.uint8), (3, 7)).tolist() == [[0, 4, 8, IGNORE]]
