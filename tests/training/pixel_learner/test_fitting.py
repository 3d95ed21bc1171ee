from __future__ import annotations

import pytest
import torch

from napari_wsss.core.errors import LabelError
from napari_wsss.core.trunk_choice import TrunkChoice
from napari_wsss.segment.base import Segmenter
from napari_wsss.segment.pixel_classifier import PixelClassifier
from training.config import Optimisation
from training.hardware import Machine
from training.loop.learner import Learner
from training.pixel_learner.cells import Cells
from training.pixel_learner.fitting import fitted, order_of, start

SETTINGS = Optimisation(optimiser="adamw", learning_rate=0.01, head_rate=1.0, batch_size=64, iterations=60)


def build() -> PixelClassifier:
    torch.manual_seed(0)
    classifier = Segmenter.build("pixel_classifier", TrunkChoice(width=1 / 16), {"hidden": 16}, class_count=3)
    assert isinstance(classifier, PixelClassifier)
    return classifier


def blobs(classifier: PixelClassifier, values: tuple[int, ...], count: int = 200, seed: int = 0) -> Cells:
    """Return cells whose features lie around one point per value."""
    generator = torch.Generator().manual_seed(seed)
    width = classifier.head.centre.shape[0]
    points = 10 * torch.randn(4, width, generator=torch.Generator().manual_seed(9))
    value = torch.tensor(values)[torch.randint(len(values), (count,), generator=generator)]
    rows = points[value] + torch.randn(count, width, generator=generator)
    allowed = torch.zeros(count, 4, dtype=torch.bool)
    allowed[:, list(values)] = True
    return Cells(rows.half(), torch.nn.functional.one_hot(value, 4).float(), allowed, torch.ones(count))


def fit(classifier: PixelClassifier, cells: Cells) -> list[float]:
    start(classifier, cells, cells.shown, 0)
    machine = Machine(torch.device("cpu"))
    learner = Learner(classifier, ((), classifier.head_parameters()), SETTINGS, SETTINGS.iterations, machine)
    return [figures["cells"] for figures in fitted(learner, classifier, cells, order_of(cells, SETTINGS))]


def right(classifier: PixelClassifier, cells: Cells) -> float:
    with torch.no_grad():
        found = classifier.eval().head(cells.rows.float()).masked_fill(~cells.allowed, -1e9)
    return float((found.argmax(1) == cells.targets.argmax(1)).float().mean())


def test_it_tells_what_it_was_shown_apart() -> None:
    classifier = build()
    losses = fit(classifier, blobs(classifier, (0, 1, 3)))
    assert losses[-1] < losses[0] / 3
    assert right(classifier, blobs(classifier, (0, 1, 3), seed=1)) > 0.95
    assert classifier.known.tolist() == [True, True, False, True]


def test_a_rare_class_is_learned_beside_a_frequent_one() -> None:
    classifier = build()
    cells = Cells.joined([blobs(classifier, (0, 1), 1000), blobs(classifier, (2,), 20)])
    fit(classifier, Cells(cells.rows, cells.targets, torch.ones(1020, 4, dtype=torch.bool), cells.weights))
    assert right(classifier, blobs(classifier, (2,), seed=1)) > 0.8


def test_cells_of_weight_zero_teach_nothing() -> None:
    classifier = build()
    good, wrong = blobs(classifier, (0, 1)), blobs(classifier, (0, 1), seed=2)
    flipped = Cells(wrong.rows, wrong.targets[:, [1, 0, 2, 3]], wrong.allowed, torch.zeros(200))
    fit(classifier, Cells.joined([good, flipped]))
    assert right(classifier, blobs(classifier, (0, 1), seed=1)) > 0.95


def test_one_value_alone_is_nothing_to_learn_from() -> None:
    classifier = build()
    cells = blobs(classifier, (0,))
    with pytest.raises(LabelError, match="at least two classes"):
        start(classifier, cells, cells.shown, 0)
