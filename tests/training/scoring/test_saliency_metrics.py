"""Figures of saliency maps on pictures whose figures are known."""

from __future__ import annotations

import numpy as np
import pytest

from training.scoring.saliency_metrics import (
    SaliencyTally,
    adaptive_f,
    e_measure,
    edge_distance,
    precision_and_recall,
    stretched,
)


def disc(side: int = 40) -> np.ndarray:
    y, x = np.mgrid[:side, :side]
    return np.hypot(y - side / 2, x - side / 2) < side / 4


def figures(saliency: np.ndarray, truth: np.ndarray, known: np.ndarray | None = None) -> dict[str, float]:
    tally = SaliencyTally()
    tally.add(saliency.astype(np.float32), truth, known)
    return tally.figures()


def test_the_truth_itself_is_perfect() -> None:
    found = figures(disc(), disc())

    assert found["mean_absolute_error"] == 0
    assert found["adaptive_f"] == found["maximal_f"] == pytest.approx(1)
    assert found["e_measure"] == pytest.approx(1, abs=1e-3)


def test_the_opposite_is_as_bad_as_can_be() -> None:
    found = figures(~disc(), disc())

    assert found["mean_absolute_error"] == 1
    assert found["adaptive_f"] == 0
    # Nothing is twice as salient as the mean, which says nothing about the object: 1/4, not 0.
    assert found["e_measure"] == pytest.approx(0.25, abs=1e-3)


def test_maps_are_stretched_first() -> None:
    truth = disc()

    assert figures(0.2 + 0.5 * truth, truth) == pytest.approx(figures(truth, truth), abs=1e-6)
    np.testing.assert_array_equal(stretched(np.full(3, 0.4)), np.full(3, 0.4))


def test_f_by_hand() -> None:
    saliency, truth = np.array([1.0, 1.0, 0.0, 0.0]), np.array([True, False, True, False])

    # Threshold min(2 * 0.5, 1) = 1: precision and recall 1/2.
    assert adaptive_f(saliency, truth) == pytest.approx(0.5)
    precision, recall = precision_and_recall(saliency, truth)
    assert (precision[0], recall[0]) == (0.5, 1)
    assert (precision[255], recall[255]) == (0.5, 0.5)


def test_e_by_hand() -> None:
    saliency, truth = np.array([1.0, 0.0, 0.0, 0.0]), np.array([True, False, False, False])

    assert e_measure(saliency, truth) == pytest.approx(4 / 3)  # four matches, divided by the pixels less one
    assert e_measure(np.zeros(4), np.zeros(4, bool)) == pytest.approx(4 / 3)


def test_ignored_pixels_do_not_count() -> None:
    truth, known = disc(), np.ones((40, 40), bool)
    known[:, :5] = False
    spoilt = truth.astype(float)
    spoilt[:, :5] = 1

    assert figures(spoilt, truth, known) == figures(truth, truth, known)
    assert figures(spoilt, truth, np.zeros_like(known)) == {}


def test_images_without_an_object_have_no_f_but_an_error() -> None:
    tally = SaliencyTally()
    tally.add(np.full((4, 4), 0.25, np.float32), np.zeros((4, 4), bool))

    assert "adaptive_f" not in tally.figures()
    assert tally.figures()["mean_absolute_error"] == 0.25
    tally.add(disc().astype(np.float32), disc())
    assert tally.figures()["adaptive_f"] == pytest.approx(1)
    assert tally.figures()["mean_absolute_error"] == 0.125


def test_errors_are_told_by_distance_from_the_edge() -> None:
    truth = np.zeros((10, 60), bool)
    truth[:, 30:] = True
    saliency = truth.astype(np.float32)
    saliency[:, 29] = 1  # one pixel too far
    tally = SaliencyTally()
    tally.add(saliency, truth)

    rows = {row[0]: row[1:] for row in tally.edge_rows()}

    assert rows["0-1"] == ["0.5000", "20"]
    assert rows["1-2"] == ["0.0000", "20"]
    assert rows[">64"] == ["", "0"]
    assert edge_distance(truth)[0, 29] == edge_distance(truth)[0, 30] == 1
