"""Tables of scores: every class, the mean with its rule, and rows that a spreadsheet reads back."""

from __future__ import annotations

import csv
from io import StringIO

import numpy as np
import pytest

from training.scoring.metrics import Scores, threshold_sweep
from training.scoring.score_tables import format_sweep, score_rows, sweep_rows
from training.scoring.tables import to_csv


@pytest.fixture
def scores() -> Scores:
    return Scores(np.array([[6, 2, 0], [1, 3, 0], [0, 0, 0]]), ("background", "cat, tabby", "dog"), undecided=4)


def test_rows_hold_every_class_and_the_mean(scores):
    rows = score_rows(scores)
    assert [row[0] for row in rows] == ["class", "background", "cat, tabby", "dog", "mean (truth_present)"]
    assert rows[2][1:5] == ["0.5000", "0.6000", "0.7500", "0.6667"]
    assert rows[3][1:5] == [""] * 4
    assert float(rows[4][1]) == pytest.approx(scores.mean_iou(), abs=1e-4)


def test_csv_reads_back(scores):
    rows = score_rows(scores, "all_classes")
    assert list(csv.reader(StringIO(to_csv(rows)))) == rows


def test_sweep_marks_the_best_and_says_where_it_was_chosen():
    sweep = threshold_sweep([(np.full((1, 2, 2), 0.6), np.ones((2, 2), int))], [0.7, 0.5], 2)
    assert sweep_rows(sweep) == [["threshold", "miou (truth_present)"], ["0.7", "0.0000"], ["0.5", "1.0000"]]
    lines = format_sweep(sweep).splitlines()
    assert lines[2].endswith("best")
    assert "chosen on the masks" in lines[-1]
