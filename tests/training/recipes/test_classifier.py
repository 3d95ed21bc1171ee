from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from pathlib import Path

import pytest
import torch

from napari_wsss.core.errors import LabelError
from napari_wsss.core.progress import Progress, finish
from napari_wsss.localize.base import Localizer
from napari_wsss.project.project import Project
from napari_wsss.weights.checkpoint import load_checkpoint
from training.config import RunConfig
from training.execute import begin, continued, recipe_module
from training.recipes.classifier import train
from training.run_folder import RunFolder


@pytest.fixture
def project(project_folder: Path) -> Project:
    with Project.open(project_folder, read_only=True) as opened:
        yield opened


def _weights(run: RunFolder) -> dict[str, torch.Tensor]:
    return load_checkpoint(run.path / "last.safetensors")[0]


def test_a_run_learns_and_leaves_a_model(project: Project, tiny_config: Callable[..., RunConfig]) -> None:
    config = tiny_config("classifier", optimisation={"epochs": 3})
    run = begin(project, config)
    steps, seen = train(project, config, run), []
    while True:
        try:
            seen.append(next(steps))
        except StopIteration as stop:
            outcome = stop.value
            break
    assert outcome.finished
    assert outcome.steps == 9
    assert {"seed_miou", "mean_average_precision"} <= set(outcome.figures)
    assert [p.done for p in seen if p.message == "validated"] == [3, 6, 9]
    assert all(isinstance(p, Progress) and p.total == 9 for p in seen)
    localizer, classes, trained = Localizer.restore(run.path / "best.safetensors", "cpu")
    assert classes == project.classes
    assert trained.run["recipe"] == "classifier"
    assert localizer.side == trained.side == config.trained_side() > 0
    assert not localizer.training


def test_stopping_and_resuming_equals_never_stopping(project: Project, tiny_config: Callable[..., RunConfig]) -> None:
    config = tiny_config("classifier", hardware={"loaders": 1})
    whole = begin(project, config)
    finish(train(project, config, whole))
    expected = _weights(whole)

    for stop_at in (1, 3, 4):
        run = begin(project, config)
        steps = train(project, config, run)
        for progress in steps:
            if progress.done == stop_at:
                run.request_stop()
                break
        assert not finish(steps).finished
        config_again, again = continued(project, run.path)
        assert finish(train(project, config_again, again)).finished
        found = _weights(again)
        assert expected.keys() == found.keys()
        for name, value in expected.items():
            assert torch.equal(value, found[name]), (stop_at, name)


def test_a_killed_run_goes_on_from_its_last_epoch(project: Project, tiny_config: Callable[..., RunConfig]) -> None:
    config = tiny_config("classifier")
    run = begin(project, config)
    steps = train(project, config, run)
    for progress in steps:
        if progress.done == 4:
            break
    steps.close()  # nothing of the second epoch was kept
    config, again = continued(project, run.path)
    first = next(iter(train(project, config, again)))
    assert first.done == 4


def test_no_label_is_bad_data(project_folder: Path, tiny_config: Callable[..., RunConfig]) -> None:
    with Project.open(project_folder) as project:
        for image_id in list(project.catalog.ids()):
            project.set_labels(image_id, ())
        config = tiny_config("classifier")
        with pytest.raises(LabelError):
            finish(train(project, config, begin(project, config)))


def test_another_seed_another_model(project: Project, tiny_config: Callable[..., RunConfig]) -> None:
    runs = []
    for seed in (0, 0, 1):
        config = tiny_config("classifier", optimisation={"epochs": 1, "seed": seed})
        runs.append(begin(project, config))
        finish(train(project, config, runs[-1]))
    first, same, other = (_weights(run)["classifier.weight"] for run in runs)
    assert torch.equal(first, same)
    assert not torch.equal(first, other)


@pytest.mark.parametrize("method", ["cam", "seam", "edam", "co_attention", "sub_category"])
def test_every_classifier_learns_from_images_labelled_none(
    project_folder: Path, tiny_config: Callable[..., RunConfig], method: str
) -> None:
    parameters = {"cluster_count": 2, "rounds": 1} if method == "sub_category" else {}
    config = tiny_config("classifier", method, optimisation={"epochs": 1}, parameters=parameters)
    with Project.open(project_folder) as project:
        train_ids, val_ids = (list(project.catalog.ids(split=split)) for split in ("train", "val"))
        for image_id in (train_ids[0], train_ids[-1], val_ids[0]):
            project.set_labels(image_id, (), negative=True)
        recipe = import_module(f"training.recipes.{recipe_module(config)}")
        outcome = finish(recipe.train(project, config, begin(project, config)))
    assert outcome.finished
    assert outcome.tables["labels"][-1][-1] == str(len(val_ids)), "those labelled none validate, too"
