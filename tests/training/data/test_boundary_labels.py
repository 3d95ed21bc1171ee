"""Two thresholds make background, classes, and what is undecided between."""

from __future__ import annotations

import numpy as np
import pytest

from napari_wsss.core.classes import IGNORE
from napari_wsss.core.maps import ActivationMaps
from napari_wsss.refine.dense_crf import DenseCrf
from training.data.boundary_labels import confident_labels

HIGH, LOW = 0.3, 0.05


def maps(*columns: float) -> ActivationMaps:
    """Return maps of class 2, 8 rows high, with one score per column."""
    return ActivationMaps(np.tile(np.array(columns, np.float32), (1, 8, 1)), (2,))


def picture(found: ActivationMaps) -> np.ndarray:
    return np.zeros((*found.size, 3), np.uint8)


def test_what_both_agree_about_is_labelled() -> None:
    scores = maps(0.0, 0.04, 0.1, 0.29, 0.31, 1.0)

    found = confident_labels(picture(scores), scores, high=HIGH, low=LOW, crf=None)

    assert (found == np.array([0, 0, IGNORE, IGNORE, 3, 3])).all()


def test_an_image_without_classes_is_background() -> None:
    empty = ActivationMaps.empty(6, 7)

    assert not confident_labels(picture(empty), empty, high=HIGH, low=LOW, crf=None).any()


def test_the_crf_fills_a_hole_in_both() -> None:
    pytest.importorskip("pydensecrf.densecrf")
    scores = np.zeros((1, 40, 40), np.float32)
    scores[:, :, 20:] = 1
    scores[:, 20, 30] = 0
    image = np.zeros((40, 40, 3), np.uint8)
    image[:, 20:] = 255

    crf = DenseCrf(DenseCrf.Parameters(preset="irn", scale_with_image=False))
    found = confident_labels(image, ActivationMaps(scores, (0,)), high=HIGH, low=LOW, crf=crf)

    assert (found[:, 20:] == 1).all()
    assert (found[:, :20] == 0).all()
