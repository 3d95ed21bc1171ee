"""Training IRNet: labels, the mean displacement, resuming, applying; what is refused."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from napari_wsss.affinity.base import AffinityModel
from napari_wsss.affinity.boundary_net import BoundaryNet, infer_displacement
from napari_wsss.core.errors import ParameterError
from napari_wsss.core.masks import read_mask
from napari_wsss.pipeline.run import evidence_of
from napari_wsss.project.project import Project
from training.config import RunConfig
from training.data.affinity_data import label_path
from training.execute import apply, begin, carry_out
from training.loop.checkpoints import BEST
from training.recipes.boundary import train
from training.report import EventLines
from training.resolving import resolve_file
from training.run_folder import RunFolder

Configured = Callable[..., RunConfig]
SMALL = {"epochs": 1, "freeze_stages": 0}


@pytest.fixture(scope="module")
def config(tiny_config: Configured) -> RunConfig:
    sources = {"crf": False, "foreground_threshold": 0.6, "background_threshold": 0.3}
    return tiny_config("boundary", optimisation=SMALL, augmentation={"crop": 64}, sources=sources)


@pytest.fixture(scope="module")
def finished(made_applied: Path, config: RunConfig, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, RunFolder]:
    """Return the project and its run, finished and applied; both are only read."""
    folder = shutil.copytree(made_applied, tmp_path_factory.mktemp("boundary") / "project")
    with Project.open(folder) as project:
        run = begin(project, config)
        outcome = carry_out(project, config, run, EventLines())
        assert outcome.finished
        apply(project, config, run)
    return folder, run


def test_a_run_is_applied_and_gives_affinities(finished: tuple[Path, RunFolder]) -> None:
    folder, run = finished
    with Project.open(folder, read_only=True) as project:
        assert project.plan.affinity is not None
        assert project.plan.affinity.method == "boundary_net"
        image_id = run.record["labelled"][-1]
        found = evidence_of(project, image_id, "cpu").affinity()

        assert found.grid == (16, 16)
        assert found.boundary is not None
        proposed = [i for i in run.record["labelled"] if label_path(run, i).exists()]
        assert proposed
        assert set(np.unique(read_mask(label_path(run, proposed[0])))) <= {*project.classes.values()}


def test_the_mean_displacement_is_measured(finished: tuple[Path, RunFolder]) -> None:
    folder, run = finished
    model = AffinityModel.restore(run.path / BEST, "cpu")[0]
    assert isinstance(model, BoundaryNet)
    with Project.open(folder, read_only=True) as project:
        images = [project.load_image(i).pixels for i in run.record["labelled"]]
    means = [infer_displacement(model, image).mean((1, 2)) for image in images]

    assert model.displacement_head.mean.abs().sum() > 0
    np.testing.assert_allclose(np.mean(means, 0), 0, atol=1e-4)


def test_a_stopped_run_goes_on_as_if_it_had_not(applied_folder: Path, config: RunConfig) -> None:
    with Project.open(applied_folder, read_only=True) as project:
        states = []
        for stops in (False, True):
            run = begin(project, config)
            steps = train(project, config, run)
            for progress in steps:
                if stops and "loss" in progress.metrics:
                    run.request_stop()
            if stops:
                run.forget_stop()
                for _ in train(project, config, run):
                    pass
            states.append(AffinityModel.restore(run.path / BEST, "cpu")[0].state_dict())

    for name, value in states[0].items():
        torch.testing.assert_close(states[1][name], value, msg=name)


def test_what_cannot_be_trained_says_why(applied_folder: Path, tiny_config: Configured) -> None:
    crossed = tiny_config("boundary", sources={"foreground_threshold": 0.1, "background_threshold": 0.2})
    other = tiny_config("affinity")
    with Project.open(applied_folder, read_only=True) as project:
        run = RunFolder(applied_folder, {})
        with pytest.raises(ParameterError, match="lower"):
            next(train(project, crossed, run))
        with pytest.raises(ParameterError, match="stage boundary"):
            next(train(project, other, run))


def test_presets_say_how_it_was_published() -> None:
    found = resolve_file("boundary", {"optimisation": {"preset": "reference"}})

    assert (found.network.trunk, found.network.output_stride, found.network.dilated) == ("resnet50", 16, False)
    assert (found.optimisation.batch_size, found.optimisation.learning_rate, found.optimisation.epochs) == (32, 0.1, 3)
    assert (found.augmentation.crop, found.augmentation.scale_of) == (512, "image")
    assert found.parameters == {"canvas": 512}
    scratch = resolve_file("boundary", {"network": {"trunk_weights": "none"}})
    assert scratch.parameters == {"trunk_learns": True}
