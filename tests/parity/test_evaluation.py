"""Our figures against those of the reference evaluation codes (`evaluation.npz`)."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest

from napari_wsss.core.classes import IGNORE
from training.scoring.metrics import Scores, confusion_matrix, threshold_sweep

FOLDER = Path(os.environ.get("WSSS_FIXTURES", Path(__file__).parents[3] / "shared" / "fixtures" / "open"))
TOLERANCE = 1e-6
RULES = {"all_classes_rule": "all_classes", "gt_present_rule": "truth_present", "nanmean_rule": "either_present"}


@pytest.fixture(scope="module")
def fixture() -> dict[str, np.ndarray]:
    path = FOLDER / "evaluation.npz"
    if not path.is_file():
        pytest.skip(f"no {path}; set WSSS_FIXTURES to the folder of reference fixtures")
    with np.load(path) as file:
        return {name: file[name] for name in file.files}


@pytest.fixture(scope="module")
def config(fixture) -> dict:
    return json.loads(str(fixture["meta"]))["config"]


@pytest.fixture(scope="module")
def scores(fixture, config) -> Scores:
    pairs = zip(fixture["in/gt"], fixture["in/prediction"], strict=True)
    return Scores(sum(confusion_matrix(truth, predicted, config["num_classes"], IGNORE) for truth, predicted in pairs))


def test_confusion_matrix_is_the_references(fixture, scores):
    np.testing.assert_array_equal(scores.matrix, fixture["out/confusion_gt_rows"])


@pytest.mark.parametrize("key", RULES)
def test_mean_iou_under_each_rule(fixture, scores, key):
    assert scores.mean_iou(RULES[key]) == pytest.approx(float(fixture[f"out/{key}/miou"]), abs=TOLERANCE)


@pytest.mark.parametrize("key", RULES)
def test_iou_per_class(fixture, scores, key):
    expected = fixture[f"out/{key}/iou"]
    undefined = 0.0 if key == "all_classes_rule" else -1.0
    np.testing.assert_allclose(np.nan_to_num(scores.iou, nan=undefined), expected, atol=TOLERANCE)


def test_accuracies(fixture, scores):
    def expected(name: str) -> float:
        return float(fixture[f"out/gt_present_rule/{name}"])

    assert scores.pixel_accuracy == pytest.approx(expected("pixel_accuracy"), abs=TOLERANCE)
    assert scores.mean(scores.recall, "truth_present") == pytest.approx(expected("mean_accuracy"), abs=TOLERANCE)


def test_threshold_sweep(fixture, config):
    pairs = zip(fixture["in/maps"], fixture["in/gt"], strict=True)
    sweep = threshold_sweep(pairs, config["thresholds"], config["num_classes"])
    np.testing.assert_allclose(sweep.mean_iou("all_classes"), fixture["out/threshold_sweep/miou"], atol=TOLERANCE)
    assert sweep.best("all_classes") == int(fixture["out/threshold_sweep/best_index"])
