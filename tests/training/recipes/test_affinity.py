"""Training an affinity network: on accepted masks, on maps, resumed, and with files that cannot be read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from napari_wsss.affinity.base import AffinityModel
from napari_wsss.core.errors import LabelError
from napari_wsss.core.plan import Step
from napari_wsss.core.progress import finish
from napari_wsss.pipeline.run import proposal, propose
from napari_wsss.project.project import Project
from napari_wsss.weights.checkpoint import load_checkpoint
from training.config import RunConfig
from training.data.affinity_data import label_path
from training.execute import apply, begin, carry_out, continued
from training.recipes.affinity import train
from training.report import EventLines

PLAIN = {"crf": False}


def test_maps_and_accepted_masks_are_learned_from_and_the_result_is_used(
    applied_folder: Path, tiny_config: Callable[..., RunConfig]
) -> None:
    with Project.open(applied_folder) as project:
        config = tiny_config("affinity", sources=PLAIN)
        run = begin(project, config)
        outcome = carry_out(project, config, run, EventLines())

        assert outcome.finished
        assert run.record["labelled"] == list(project.catalog.ids(split="train"))
        assert run.record["held_out"] == list(project.catalog.ids(split="val"))
        made = [image_id for image_id in run.record["labelled"] if label_path(run, image_id).exists()]
        assert len(made) == len(run.record["labelled"]) - 2
        assert set(outcome.figures) <= {"pair_accuracy"}
        model, _, what = AffinityModel.restore(run.path / "best.safetensors", "cpu")
        assert model.method == what.method == "affinity_net"
        assert what.classes is None

        apply(project, config, run)
        assert project.plan.affinity_checkpoint.endswith("best.safetensors")


def test_the_walk_that_asks_for_it_may_be_in_the_plan_before(
    applied_folder: Path, tiny_config: Callable[..., RunConfig]
) -> None:
    with Project.open(applied_folder) as project:
        walk = Step("random_walk", {"log2_steps": 3})
        project.set_plan(replace(project.plan, refiners=(walk, Step("power_background"))))
        config = tiny_config("affinity", sources=PLAIN, optimisation={"iterations": 1})
        run = begin(project, config)
        carry_out(project, config, run, EventLines())
        apply(project, config, run)
        image_id = run.record["labelled"][-1]
        report = finish(propose(project, [image_id], "cpu"))

        assert not run.record["left_out"]
        assert report.done == (image_id,)
        assert proposal(project, image_id) is not None


def test_accepted_masks_are_enough(project_folder: Path, tiny_config: Callable[..., RunConfig]) -> None:
    with Project.open(project_folder, read_only=True) as project:
        config = tiny_config("affinity", sources=PLAIN, optimisation={"epochs": 1})
        run = begin(project, config)
        outcome = finish(train(project, config, run))

    assert len(run.record["labelled"]) == 2
    assert 0 <= outcome.figures["pair_accuracy"] <= 1
    assert [row[0] for row in outcome.tables["pairs"]] == ["pairs", "background", "foreground", "different"]
    assert not (run.path / "labels").exists()


def test_resuming_equals_never_stopping(applied_folder: Path, tiny_config: Callable[..., RunConfig]) -> None:
    with Project.open(applied_folder, read_only=True) as project:
        config = tiny_config("affinity", sources=PLAIN, optimisation={"iterations": 4})
        whole = begin(project, config)
        finish(train(project, config, whole))
        run = begin(project, config)
        steps = train(project, config, run)
        next(step for step in steps if step.message.startswith("labels of 2"))
        run.request_stop()
        assert not finish(steps).finished
        assert "labelled" not in run.record

        config, run = continued(project, run.path)
        steps = train(project, config, run)
        next(step for step in steps if step.stage == "affinity" and step.done == 2)
        run.request_stop()
        assert not finish(steps).finished

        config, run = continued(project, run.path)
        assert finish(train(project, config, run)).finished
        expected, _ = load_checkpoint(whole.path / "last.safetensors")
        found, _ = load_checkpoint(run.path / "last.safetensors")
    for name, value in expected.items():
        assert torch.equal(value, found[name]), name


def test_what_cannot_be_read_is_left_out_and_named(applied_folder: Path, tiny_config: Callable[..., RunConfig]) -> None:
    with Project.open(applied_folder, read_only=True) as project:
        broken = next(r.id for r in project.catalog.records(split="train") if r.state != "accepted")
        path = project.image_path(broken)
        content = path.read_bytes()
        path.write_bytes(b"no picture")
        try:
            config = tiny_config("affinity", sources=PLAIN, optimisation={"iterations": 1})
            run = begin(project, config)
            messages = [step.message for step in train(project, config, run)]
        finally:
            path.write_bytes(content)

    assert list(run.record["left_out"]) == [broken]
    assert broken not in run.record["labelled"]
    assert any(broken in message for message in messages)


def test_nothing_to_learn_from_is_bad_data(project_folder: Path, tiny_config: Callable[..., RunConfig]) -> None:
    with Project.open(project_folder) as project:
        for image_id in list(project.catalog.ids(states=["accepted"])):
            project.review.decide(image_id, "excluded")
        config = tiny_config("affinity", sources=PLAIN)
        with pytest.raises(LabelError, match="train a classifier"):
            finish(train(project, config, begin(project, config)))


@pytest.mark.parametrize("preset", ["pretrained", "scratch", "reference", "paper"])
def test_every_preset_resolves(preset: str, tiny_config: Callable[..., RunConfig]) -> None:
    config = tiny_config("affinity", optimisation={"preset": preset})

    assert config.method == "affinity_net"
    assert config.sources.strong_background < config.sources.weak_background  # type: ignore[union-attr]
