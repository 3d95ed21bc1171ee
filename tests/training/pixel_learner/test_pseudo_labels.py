from __future__ import annotations

import numpy as np
import pytest
import torch

from napari_wsss.core.errors import StepError
from napari_wsss.core.trunk_choice import TrunkChoice
from napari_wsss.pixels.tap_features import TapFeatures
from napari_wsss.segment.base import Segmenter
from napari_wsss.segment.pixel_classifier import PixelClassifier
from training.pixel_learner.examples import Example
from training.pixel_learner.pseudo_labels import Confidence, pseudo_labelled

SIZE = (32, 48)


class Halves(PixelClassifier):
    """A classifier that knows: class 1 on the left, background on the right, nothing in the middle column."""

    def answer(
        self, features: TapFeatures, classes: tuple[int, ...], size: tuple[int, int] | None = None
    ) -> np.ndarray:
        height, width = size or features.size
        found = np.zeros((1 + len(classes), height, width), np.float32)
        share = np.clip(np.linspace(1.5, -0.5, width), 0, 1)
        found[0], found[1 + classes.index(1)] = 1 - share, share
        return found


@pytest.fixture
def classifier() -> PixelClassifier:
    plain = Segmenter.build("pixel_classifier", TrunkChoice(width=1 / 16), {}, class_count=3)
    torch.manual_seed(0)
    return Halves(3, plain.trunk)


def features() -> TapFeatures:
    return TapFeatures.of(SIZE, [np.zeros((2, 4, 6), np.float32)])


def picture() -> np.ndarray:
    image = np.zeros((*SIZE, 3), np.uint8)
    image[:, 24:] = 200
    return image


def clicked() -> Example:
    values, weights = np.full(SIZE, 255, np.uint8), np.zeros(SIZE, np.float32)
    values[3, 2], weights[3, 2] = 0, 1  # the person says background where the classifier says class 1
    return Example("a.png", (0, 1), values, weights)


def test_what_is_sure_is_added_and_what_a_person_said_stays(classifier: PixelClassifier) -> None:
    found = pseudo_labelled(classifier, features(), picture(), clicked(), Confidence(0.8, 0.25))

    assert found.values[3, 2] == 0
    assert found.weights[3, 2] == 1
    assert (found.values[10:, :4] == 2).all()
    assert (found.values[:, -4:] == 0).all()
    assert set(np.unique(found.weights)) <= {0, 0.25, 1}
    assert not found.whole


def test_without_the_crf_the_middle_stays_unknown(classifier: PixelClassifier, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(*_: object) -> None:
        raise StepError("not installed")

    monkeypatch.setattr("napari_wsss.refine.dense_crf.DenseCrf.check_installed", missing)

    found = pseudo_labelled(classifier, features(), picture(), clicked(), Confidence(0.8))

    assert (found.weights[10:, 23:25] == 0).all()
    assert (found.values[10:, 23:25] == 255).all()
    assert (found.values[10:, :4] == 2).all()


def test_a_class_nobody_has_shown_is_not_marked(classifier: PixelClassifier) -> None:
    classifier.known[2] = False

    found = pseudo_labelled(classifier, features(), picture(), clicked(), Confidence(0.8))

    assert not (found.values[found.weights > 0] == 2).any()
    assert (found.weights[:, -4:] > 0).all()
