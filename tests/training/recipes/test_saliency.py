from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from napari_wsss.core.errors import LabelError
from napari_wsss.core.progress import finish
from napari_wsss.pipeline.applied_evidence import AppliedEvidence
from napari_wsss.project.project import Project
from napari_wsss.saliency.base import SaliencyModel
from napari_wsss.saliency.ldf import LabelDecoupling
from napari_wsss.weights.checkpoint import load_checkpoint
from training.config import Optimisation, RunConfig
from training.data.samplers import BatchOrder
from training.execute import apply, begin, continued
from training.recipes.saliency import stage_settings, train
from training.resolving import resolve_file

TINY = {"trunk": "resnet18", "output_stride": 32}


@pytest.fixture
def config(tiny_config: Callable[..., RunConfig]) -> RunConfig:
    """Return a configuration of two stages of two steps each."""
    return tiny_config("saliency", network=TINY, augmentation={"crop": 64}, optimisation={"epochs": 2})


def test_both_stages_are_trained_and_the_last_is_the_runs_model(project_folder: Path, config: RunConfig) -> None:
    with Project.open(project_folder, read_only=True) as project:
        run = begin(project, config)
        outcome = finish(train(project, config, run))

    assert outcome.finished
    assert outcome.steps == 4
    assert 0 <= outcome.figures["adaptive_f"] <= 1
    assert set(outcome.tables) == {"saliency", "edges"}
    model, _, what = SaliencyModel.restore(run.path / "best.safetensors", "cpu")
    assert model.settings.side == 64
    assert what.classes is None
    last = load_checkpoint(run.path / "last.safetensors")[0]
    first, second = (load_checkpoint(run.path / f"round-{stage}" / "last.safetensors")[0] for stage in range(2))
    assert all(torch.equal(value, last[name]) for name, value in second.items())
    assert any(not torch.equal(value, last[name]) for name, value in first.items())
    assert not (run.path / "round-1" / "parts").exists()


def test_resuming_equals_never_stopping(project_folder: Path, config: RunConfig) -> None:
    with Project.open(project_folder, read_only=True) as project:
        whole = begin(project, config)
        finish(train(project, config, whole))
        expected = load_checkpoint(whole.path / "last.safetensors")[0]
        for at in (1, 3):  # in the first stage, and in the second
            run = begin(project, config)
            steps = train(project, config, run)
            for progress in steps:
                if "epoch" in progress.message and progress.done == at:
                    run.request_stop()
                    break
            assert not finish(steps).finished
            config, again = continued(project, run.path)
            assert finish(train(project, config, again)).finished
            found = load_checkpoint(again.path / "last.safetensors")[0]
            for name, value in expected.items():
                assert torch.equal(value, found[name]), (at, name)


def test_an_applied_model_is_what_refiners_ask(applied_folder: Path, tiny_config: Callable[..., RunConfig]) -> None:
    config = tiny_config("saliency", network=TINY, augmentation={"crop": 64}, optimisation={"epochs": 1})
    with Project.open(applied_folder) as project:
        run = begin(project, config)
        finish(train(project, config, run))
        apply(project, config, run)
        image_id = next(iter(project.catalog.ids()))
        found = AppliedEvidence(project, project.plan, image_id, "cpu").saliency()

        assert project.plan.saliency is not None
        assert project.plan.saliency.method == "ldf"
        assert found.values.shape == project.load_image(image_id).pixels.shape[:2]
        assert found.values.dtype == np.float32


def test_pairs_need_no_accepted_mask(
    project_folder: Path, tmp_path: Path, tiny_config: Callable[..., RunConfig]
) -> None:
    pairs = tmp_path / "pairs"
    for part in ("images", "masks"):
        (pairs / part).mkdir(parents=True)
    for number in range(4):
        mask = np.zeros((50, 70), np.uint8)
        mask[10:30, 5 * number : 5 * number + 30] = 255
        Image.fromarray(np.repeat(mask[..., None], 3, 2)).save(pairs / "images" / f"{number}.png")
        Image.fromarray(mask).save(pairs / "masks" / f"{number}.png")
    config = tiny_config(
        "saliency",
        network=TINY,
        augmentation={"crop": 64},
        optimisation={"epochs": 1},
        sources={"pairs": str(pairs), "held_out": 0.25},
        parameters={"stages": 1},
    )
    with Project.open(project_folder) as project:
        for image_id in list(project.catalog.ids(states=["accepted"])):
            project.review.decide(image_id, "excluded")
        outcome = finish(train(project, config, begin(project, config)))

    assert outcome.finished
    assert outcome.steps == 1
    assert outcome.tables["saliency"][0][1] == "mean of 1"


def test_nothing_to_learn_from_is_bad_data(project_folder: Path, config: RunConfig) -> None:
    with Project.open(project_folder) as project:
        for image_id in list(project.catalog.ids(states=["accepted"])):
            project.review.decide(image_id, "excluded")
        with pytest.raises(LabelError, match="--pairs"):
            finish(train(project, config, begin(project, config)))


def test_stages_have_their_own_lengths_and_rise_as_asked() -> None:
    order = BatchOrder([1] * 8, 2, 0)
    own = LabelDecoupling.Parameters(first_epochs=6, rising_share=0.5)

    first, second = stage_settings(Optimisation(epochs=5, warm_up=3), own, order)
    (alone,) = stage_settings(Optimisation(epochs=5, warm_up=3), LabelDecoupling.Parameters(stages=1), order)

    assert (first.epochs, first.warm_up) == (6, 12)
    assert (second.epochs, second.warm_up) == (5, 10)
    assert (alone.epochs, alone.warm_up) == (5, 3)


def test_the_published_training_is_a_preset() -> None:
    config = resolve_file("saliency", {"optimisation": {"preset": "reference"}})

    assert (config.network.trunk, config.network.output_stride) == ("resnet50", 32)
    assert (config.optimisation.batch_size, config.augmentation.crop) == (32, 352)
    assert config.parameters == {"first_epochs": 48, "rising_share": 0.5}


def test_masks_without_one_labelled_pixel_are_nothing_to_learn_from(project_folder: Path, config: RunConfig) -> None:
    with Project.open(project_folder) as project:
        for image_id in project.catalog.ids(states=["accepted"], split="train"):
            values = project.masks.read_accepted(image_id)
            assert values is not None
            project.review.accept(image_id, np.full_like(values, 255))
        with pytest.raises(LabelError, match="Not one pixel"):
            finish(train(project, config, begin(project, config)))
