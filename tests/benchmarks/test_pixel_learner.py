"""A learner beside a window: how long a fit takes, how soon an image is answered, and how much features weigh."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from napari_wsss.core.trunk_choice import TrunkChoice
from napari_wsss.pixels.resizing import resize
from napari_wsss.pixels.tap_features import TapFeatures
from napari_wsss.project.results.store import ResultStore
from napari_wsss.segment.base import Segmenter
from napari_wsss.segment.pixel_classifier import PixelClassifier
from training.hardware import Machine
from training.loop.learner import Learner
from training.pixel_learner.cells import Cells
from training.pixel_learner.fitting import fitted, order_of, start
from training.resolving import resolve_file

CLASSES, HEIGHT, WIDTH = 20, 375, 500


@pytest.fixture(scope="module")
def classifier() -> PixelClassifier:
    torch.manual_seed(0)
    made = Segmenter.build("pixel_classifier", TrunkChoice(), {"enlargement": 480 / WIDTH}, class_count=CLASSES)
    assert isinstance(made, PixelClassifier)
    return made.eval()


@pytest.fixture(scope="module")
def features(classifier: PixelClassifier) -> TapFeatures:
    return classifier.describe(picture())


@pytest.fixture(autouse=True)
def _one_core() -> Any:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def picture() -> NDArray[np.uint8]:
    return resize(np.random.default_rng(0).integers(0, 256, (15, 20, 3), dtype=np.uint8), HEIGHT, WIDTH)


def cells(classifier: PixelClassifier, images: int) -> Cells:
    """Return as many cells as so many accepted masks give, two classes and background in each."""
    count, channels = min(1500, 200_000 // images) * images, classifier.head.centre.shape[0]
    generator = torch.Generator().manual_seed(0)
    value = torch.randint(3, (count,), generator=generator)
    allowed = torch.zeros(count, CLASSES + 1, dtype=torch.bool)
    allowed[:, :3] = True
    rows = torch.randn(count, channels, generator=generator) + value[:, None]
    targets = torch.nn.functional.one_hot(value, CLASSES + 1).float()
    return Cells(rows.half(), targets, allowed, torch.ones(count))


@pytest.mark.parametrize("images", [25, 400])
def test_fit(benchmark: Any, note: Callable[..., None], classifier: PixelClassifier, images: int) -> None:
    settings = resolve_file("segmentation", {"method": "pixel_classifier"}).optimisation
    given, bf16 = cells(classifier, images), torch.ops.mkldnn._is_mkldnn_bf16_supported()
    machine = Machine(torch.device("cpu"), torch.bfloat16 if bf16 else None)

    spent = []

    def fit() -> float:
        began = time.process_time()
        start(classifier, given, given.shown, 0)
        groups = ((), classifier.head_parameters())
        learner = Learner(classifier, groups, settings, settings.iterations, machine)
        losses = [figures["loss"] for figures in fitted(learner, classifier, given, order_of(given, settings))]
        spent.append(time.process_time() - began)
        return losses[-1]

    loss = benchmark.pedantic(fit, rounds=1, warmup_rounds=1)

    note(benchmark, cpu_seconds=round(min(spent), 2), bf16=bf16)
    classifier.eval()
    assert loss < 0.5


def test_an_answer_from_what_is_stored(
    benchmark: Any, note: Callable[..., None], classifier: PixelClassifier, features: TapFeatures, tmp_path: Path
) -> None:
    store, provenance = ResultStore(tmp_path), classifier.features_provenance()
    store.write_features(provenance, "a.jpg", "0" * 64, features)

    def answer() -> NDArray[np.float32]:
        found = store.read_features(provenance, "a.jpg", "0" * 64)
        assert found is not None
        return classifier.answer(found, (0, 1))

    found = benchmark.pedantic(answer, rounds=10, warmup_rounds=2)

    size = store.path(provenance, "a.jpg").stat().st_size
    note(benchmark, stored_kilobytes=size // 1000)
    assert found.shape == (3, HEIGHT, WIDTH)
    assert size < 1_300_000


def test_features(benchmark: Any, classifier: PixelClassifier) -> None:
    image = picture()
    found = benchmark.pedantic(lambda: classifier.describe(image), rounds=3, warmup_rounds=1)
    assert found.channels == 448
