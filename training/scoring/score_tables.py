"""Scores as people and spreadsheets read them: aligned text and rows, both naming the rule for absent classes."""

from collections.abc import Sequence

import numpy as np

from training.scoring.metrics import DEFAULT_RULE, AbsentRule, Scores, Sweep
from training.scoring.missing import Missing
from training.scoring.tables import aligned

RULE_WORDS: dict[AbsentRule, str] = {
    "all_classes": "all classes, an absent one counts 0",
    "truth_present": "classes that occur in the true masks",
    "either_present": "classes that occur in the true or the predicted masks",
}
_HEADER = ("class", "iou", "precision", "recall", "f_score", "true_pixels", "predicted_pixels")


def score_rows(scores: Scores, rule: AbsentRule = DEFAULT_RULE) -> list[list[str]]:
    """Return the header, one row per class and a row ``mean``; figures in [0, 1], undefined ones empty."""
    figures = (scores.iou, scores.precision, scores.recall, scores.f_score)
    rows = [list(_HEADER)]
    for k, name in enumerate(scores.names):
        counts = [str(int(scores.truth[k])), str(int(scores.predicted[k]))]
        rows.append([name, *(_text(float(figure[k])) for figure in figures), *counts])
    means = [_text(scores.mean(figure, rule)) for figure in figures]
    rows.append([f"mean ({rule})", *means, str(int(scores.truth.sum())), str(int(scores.predicted.sum()))])
    if scores.missing is not None:
        for row, more in zip(rows, missing_rows(scores.missing), strict=True):
            row += more
    return rows


def missing_rows(missing: Missing) -> list[list[str]]:
    """Return two columns beside the rows of `score_rows`: ``3/40`` images without the class, and parts not found."""
    pairs = ((missing.vanished, missing.images), (missing.missed, missing.parts))
    rows = [[f"{some[k]}/{all_[k]}" if all_[k] else "" for some, all_ in pairs] for k in range(len(missing.images))]
    return [["vanished", "missed_parts"], *rows, [f"{some.sum()}/{all_.sum()}" for some, all_ in pairs]]


def sweep_rows(sweep: Sweep, rule: AbsentRule = DEFAULT_RULE, only: Sequence[str] | None = None) -> list[list[str]]:
    """Return the header and one row (threshold, mIoU) per threshold."""
    figures = sweep.mean_iou(rule, only)
    pairs = zip(sweep.thresholds, figures, strict=True)
    return [["threshold", f"miou ({rule})"], *([f"{t:g}", _text(float(figure))] for t, figure in pairs)]


def format_sweep(sweep: Sweep, rule: AbsentRule = DEFAULT_RULE, only: Sequence[str] | None = None) -> str:
    """Return the sweep as aligned text, the best threshold marked and its bias named."""
    rows = [[*row, ""] for row in sweep_rows(sweep, rule, only)]
    rows[1 + sweep.best(rule, only)][2] = "best"
    return f"{aligned(rows, empty='')}\nthe best threshold was chosen on the masks it is measured on"


def _text(figure: float) -> str:
    return "" if np.isnan(figure) else f"{figure:.4f}"
