from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from napari_wsss.core.masks import read_mask
from napari_wsss.core.progress import finish
from napari_wsss.project.project import Project
from training.config import RunConfig
from training.pixel_learner import enlargement, measured_enlargement
from training.pixel_learner.enlargement import Sizes
from training.pixel_learner.pixel_learner import PixelLearner

Make = Callable[..., RunConfig]


@pytest.fixture
def opened(project_folder: Path, tiny_data: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Project]:
    """Return a project whose seven train images of 64 pixels are accepted, and are worth 128 and 256 pixels a try."""
    monkeypatch.setattr(enlargement, "SIDES", (128, 480))
    monkeypatch.setattr(measured_enlargement, "ENOUGH", 7)
    with Project.open(project_folder) as project:
        for image_id in project.catalog.ids(split="train"):
            project.review.accept(image_id, read_mask(tiny_data / "SegmentationClass" / f"{Path(image_id).stem}.png"))
        yield project


def learner_of(project: Project, make: Make, **parameters: float) -> PixelLearner:
    short = {"iterations": 12, "batch_size": 64, "epochs": 1}
    learner = PixelLearner(
        project, make("segmentation", method="pixel_classifier", optimisation=short, parameters=parameters)
    )
    finish(learner.take_all())
    return learner


def measured(project: Project, learner: PixelLearner, *, folds: int = 2, last: int = 0) -> Sizes | None:
    return finish(measured_enlargement.measured_enlargement(project, learner, folds, last))


def test_figures_are_those_of_learners_that_were_told_the_size(opened: Project, tiny_config: Make) -> None:
    learner = learner_of(opened, tiny_config)
    found = measured(opened, learner)

    assert found is not None
    assert found.images == 7
    assert list(found.agreement) == [4.0, 2.0]
    for factor, agreement in found.agreement.items():
        told = learner_of(opened, tiny_config, enlargement=factor)
        assert finish(told.agreement(2)).mean == agreement
    assert learner.classifier.enlargement == 4.0  # it stays as it is
    assert len(learner.decided()) == 7


def test_what_was_told_or_would_say_nothing_is_not_measured(
    opened: Project, tiny_config: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    learner = learner_of(opened, tiny_config)
    assert measured(opened, learner, folds=0) is None
    assert measured(opened, learner, last=4) is None
    assert measured(opened, learner, last=3) is not None
    assert measured(opened, learner_of(opened, tiny_config, enlargement=3.0)) is None
    opened.review.decide(next(iter(opened.catalog.ids(split="train"))), "excluded")
    assert measured(opened, learner_of(opened, tiny_config)) is None
    monkeypatch.setattr(measured_enlargement, "ENOUGH", 6)
    monkeypatch.setattr(enlargement, "SIDES", ())
    assert measured(opened, learner_of(opened, tiny_config)) is None
