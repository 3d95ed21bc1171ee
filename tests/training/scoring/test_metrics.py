"""Confusion matrices, the figures read from them, and the threshold sweep against the slow obvious way."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_wsss.core.errors import LabelError
from napari_wsss.core.maps import ActivationMaps
from training.scoring.metrics import ABSENT_RULES, Scores, confusion_matrix, threshold_sweep, undecided_pixels

NAMES = ("background", "cat", "dog", "cow")


def masks(seed: int, count: int = 4, shape: tuple[int, int] = (6, 7)) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return tuple(np.where(rng.random(shape) < 0.1, 255, rng.integers(0, count, shape)).astype(np.uint8) for _ in "tp")


@given(st.integers(0, 10_000))
@settings(max_examples=30, deadline=None)
def test_confusion_matrix_counts_every_decided_pixel(seed):
    truth, predicted = masks(seed)
    slow = np.zeros((4, 4), int)
    for t, p in zip(truth.ravel(), predicted.ravel(), strict=True):
        if t != 255 and p != 255:
            slow[t, p] += 1
    found = confusion_matrix(truth, predicted, 4)
    assert found.dtype == np.int64
    np.testing.assert_array_equal(found, slow)
    assert found.sum() + undecided_pixels(truth, predicted) == np.count_nonzero(truth != 255)


def test_another_ignore_value_and_254_classes():
    truth = np.array([[254, 9, 0]])
    assert confusion_matrix(truth, np.array([[254, 0, 254]]), 255, ignore=9)[254, 254] == 1


@pytest.mark.parametrize("where", ["true mask", "prediction"])
def test_a_value_without_a_class_is_named(where):
    good, bad = np.zeros((2, 2), np.uint8), np.full((2, 2), 7, np.uint8)
    with pytest.raises(LabelError, match=rf"{where} holds the values \[7\]"):
        confusion_matrix(*((bad, good) if where == "true mask" else (good, bad)), 4)


def test_sizes_must_agree():
    with pytest.raises(LabelError, match="resize"):
        confusion_matrix(np.zeros((2, 3), int), np.zeros((3, 2), int), 2)


def test_figures_of_a_hand_counted_matrix():
    scores = Scores(np.array([[6, 2], [1, 3]]), ("background", "cat"))
    np.testing.assert_allclose(scores.iou, [6 / 9, 3 / 6])
    np.testing.assert_allclose(scores.precision, [6 / 7, 3 / 5])
    np.testing.assert_allclose(scores.recall, [6 / 8, 3 / 4])
    np.testing.assert_allclose(scores.f_score, [12 / 15, 6 / 9])
    assert scores.pixel_accuracy == pytest.approx(9 / 12)


def test_the_three_rules_for_absent_classes():
    # cat is right, dog occurs nowhere, cow was predicted though it is not in the truth
    matrix = np.zeros((4, 4), np.int64)
    matrix[0, 0], matrix[1, 1], matrix[0, 3] = 8, 4, 2
    scores = Scores(matrix, NAMES)
    assert scores.mean_iou("truth_present") == pytest.approx((0.8 + 1) / 2)
    assert scores.mean_iou("either_present") == pytest.approx((0.8 + 1 + 0) / 3)
    assert scores.mean_iou("all_classes") == pytest.approx((0.8 + 1) / 4)
    assert scores.mean_iou() == scores.mean_iou("truth_present")
    assert scores.mean_iou(only=["cat", "dog"]) == 1
    assert np.isnan(scores.iou[2])


def test_a_class_never_predicted_counts_nothing_in_the_mean_precision():
    scores = Scores(np.array([[4, 0], [4, 0]]))
    assert scores.mean(scores.precision) == pytest.approx(0.25)
    assert scores.names == ("background", "class 1")


def test_unknown_rule_and_wrong_names_are_refused():
    with pytest.raises(LabelError, match="truth_present"):
        Scores(np.eye(2, dtype=np.int64)).mean_iou("present")
    with pytest.raises(LabelError, match="does not fit 3"):
        Scores(np.eye(2, dtype=np.int64), ("a", "b", "c"))


def test_nothing_counted_is_nan_not_an_error():
    assert np.isnan(Scores(np.zeros((3, 3), np.int64)).mean_iou())


@given(st.integers(0, 10_000))
@settings(max_examples=20, deadline=None)
def test_sweep_equals_one_confusion_matrix_per_threshold(seed):
    rng = np.random.default_rng(seed)
    thresholds = [0.5, 0.0, 0.25, 1.0, 0.25]
    images = []
    for _ in range(2):
        scores = (rng.integers(0, 9, (3, 5, 4)) / 8).astype(np.float32)  # eighths, so that scores tie with thresholds
        images.append((scores, np.where(rng.random((5, 4)) < 0.2, 255, rng.integers(0, 4, (5, 4)))))
    sweep = threshold_sweep(iter(images), thresholds, 4, NAMES)
    for i, t in enumerate(thresholds):
        stacked = [(np.concatenate([np.full((1, 5, 4), t, np.float32), s]).argmax(0), truth) for s, truth in images]
        slow = sum(confusion_matrix(truth, predicted, 4) for predicted, truth in stacked)
        np.testing.assert_array_equal(sweep.scores(i).matrix, slow)


def test_sweep_takes_activation_maps_of_the_present_classes():
    maps = ActivationMaps(np.full((1, 2, 2), 0.6, np.float32), (2,))
    sweep = threshold_sweep([(maps, np.full((2, 2), 3))], [0.5, 0.7], 4, NAMES)
    assert sweep.mean_iou().tolist() == [1, 0]
    assert sweep.best() == 0


def test_sweep_of_an_image_without_labels():
    sweep = threshold_sweep([(ActivationMaps.empty(2, 2), np.zeros((2, 2), int))], [0.1], 4)
    assert sweep.scores(0).matrix[0, 0] == 4


def test_sweep_names_a_size_mismatch():
    with pytest.raises(LabelError, match="maps are"):
        threshold_sweep([(np.zeros((1, 2, 2)), np.zeros((3, 2), int))], [0.1], 2)


@pytest.mark.parametrize("rule", ABSENT_RULES)
def test_a_perfect_prediction_scores_one_wherever_classes_occur(rule):
    scores = Scores(np.diag([3, 2, 1]))
    assert scores.mean_iou(rule) == 1


def test_coverage_tells_what_was_left_undecided():
    assert Scores(np.diag([3, 3]), undecided=2).coverage == pytest.approx(0.75)
