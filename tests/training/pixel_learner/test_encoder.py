"""A learner whose weights cannot be had sees by the trunk of the applied classifier, and says so."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from napari_wsss.pipeline.lineage import checkpoint_of
from napari_wsss.project.project import Project
from napari_wsss.weights import at_hand
from napari_wsss.weights.trained import load_trained
from training.config import RunConfig
from training.pixel_learner.encoder import with_encoder
from training.pixel_learner.pixel_learner import PixelLearner
from training.resolving import resolve_file


@pytest.fixture
def offline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(at_hand, "cached", lambda _: None)
    monkeypatch.setattr(at_hand, "_why_unreachable", lambda _: "no way out")


METHOD = {"method": "pixel_classifier"}


@pytest.mark.usefixtures("offline")
def test_without_a_way_out_the_classifiers_own_trunk_is_used(applied_folder: Path) -> None:
    with Project.open(applied_folder, read_only=True) as project:
        config, why = with_encoder(project, METHOD)
        assert "no way out" in why
        path = checkpoint_of(project, project.plan, "localize")
        state, what = load_trained(path, "localize")
        learner = PixelLearner(project, resolve_file("segmentation", config))
        assert learner.classifier.trunk.name == what.trunk.name
        assert learner.classifier.normalisation == what.normalisation
        mine = learner.classifier.trunk.state_dict()
        theirs = {name.removeprefix("trunk."): value for name, value in state.items()}
        same = [name for name in mine if name in theirs and torch.equal(mine[name].float(), theirs[name].float())]
        assert len(same) == len(mine)


@pytest.mark.usefixtures("offline")
def test_there_must_be_a_classifier(applied_folder: Path) -> None:
    with Project.open(applied_folder) as project:
        project.set_plan(replace(project.plan, localizer_checkpoint=""))
        assert with_encoder(project, METHOD) == (METHOD, "")


def test_weights_that_can_be_had_are_used(applied_folder: Path, tiny_config: Callable[..., RunConfig]) -> None:
    given = tiny_config("segmentation", **METHOD).to_dict()
    with Project.open(applied_folder, read_only=True) as project:
        assert with_encoder(project, given) == (given, "")
