from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from napari_wsss.core.errors import LabelError, StepError
from napari_wsss.core.progress import finish
from napari_wsss.core.registry import method_names
from napari_wsss.core.trunk_choice import PIXEL_SUPERVISED
from napari_wsss.project.project import Project
from napari_wsss.segment.base import Segmenter
from napari_wsss.weights.checkpoint import load_checkpoint
from tests.weights.states import deeplab_v2_state
from training.config import RunConfig
from training.execute import begin, carry_out, continued
from training.loop.learner import Learner
from training.recipes.segmentation import chosen_images, train
from training.report import EventLines
from training.sources import PixelClassifierSources


def _digests(folder: Path) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(folder.rglob("*.png"))}


def test_accepted_masks_and_proposals_are_learned_from_and_left_alone(
    applied_folder: Path, tiny_config: Callable[..., RunConfig]
) -> None:
    before = _digests(applied_folder / "masks")
    with Project.open(applied_folder, read_only=True) as project:
        config = tiny_config("segmentation", sources={"machine_weight": 0.5})
        run = begin(project, config)
        outcome = finish(train(project, config, run))
        assert outcome.finished
        assert 0 <= outcome.figures["miou"] <= 1
        assert len(run.record["accepted"]) == 2
        assert len(run.record["proposed"]) == 5
        _, classes, _ = Segmenter.restore(run.path / "best.safetensors", "cpu")
        assert classes == project.classes
    assert len(before) == 3
    assert _digests(applied_folder / "masks") == before


def test_weight_zero_learns_from_accepted_masks_only(
    project_folder: Path, tiny_config: Callable[..., RunConfig]
) -> None:
    with Project.open(project_folder, read_only=True) as project:
        config = tiny_config("segmentation", sources={"machine_weight": 0.0}, optimisation={"epochs": 1})
        run = begin(project, config)
        assert finish(train(project, config, run)).steps == 1
        assert run.record["proposed"] == []


def test_resuming_equals_never_stopping_also_at_batch_one(
    applied_folder: Path, tiny_config: Callable[..., RunConfig]
) -> None:
    with Project.open(applied_folder, read_only=True) as project:
        config = tiny_config("segmentation", optimisation={"iterations": 4, "batch_size": 1})
        whole = begin(project, config)
        finish(train(project, config, whole))
        run = begin(project, config)
        steps = train(project, config, run)
        for progress in steps:
            if progress.stage == "segmentation" and progress.done == 2:
                run.request_stop()
                break
        assert not finish(steps).finished
        config, again = continued(project, run.path)
        assert finish(train(project, config, again)).finished
        expected = load_checkpoint(whole.path / "last.safetensors")[0]
        found = load_checkpoint(again.path / "last.safetensors")[0]
        for name, value in expected.items():
            assert torch.equal(value, found[name]), name


def test_nothing_to_learn_from_is_bad_data(project_folder: Path, tiny_config: Callable[..., RunConfig]) -> None:
    with Project.open(project_folder) as project:
        for image_id in list(project.catalog.ids(states=["accepted"])):
            project.review.decide(image_id, "excluded")
        config = tiny_config("segmentation")
        with pytest.raises(LabelError, match="Accept some masks"):
            finish(train(project, config, begin(project, config)))


def test_held_out_and_excluded_images_are_not_chosen(project_folder: Path) -> None:
    with Project.open(project_folder) as project:
        train_ids = list(project.catalog.ids(split="train"))
        project.review.decide(train_ids[0], "excluded")
        accepted, proposed = chosen_images(project, PixelClassifierSources())
        assert accepted == [train_ids[1]]
        assert not {train_ids[0], *project.catalog.ids(split="val")} & {*accepted, *proposed}
        assert chosen_images(project, PixelClassifierSources(machine_weight=0.0))[1] == []


@pytest.mark.parametrize("method", method_names("segment"))
def test_every_network_learns_from_accepted_masks(
    project_folder: Path, tiny_config: Callable[..., RunConfig], method: str
) -> None:
    with Project.open(project_folder, read_only=True) as project:
        config = tiny_config("segmentation", sources={"machine_weight": 0.0}, optimisation={"iterations": 2})
        run = begin(project, replace(config, method=method))
        outcome = finish(train(project, replace(config, method=method), run))

        assert outcome.finished
        assert "pixel_supervised" not in run.record
        segmenter, _, what = Segmenter.restore(run.path / "best.safetensors", "cpu")
        assert segmenter.method == method
        assert not segmenter.pixel_supervised
        assert "pixel_supervised" not in what.run


def test_a_start_from_pixel_masks_is_said_everywhere(
    project_folder: Path, tmp_path: Path, tiny_config: Callable[..., RunConfig], capsys: pytest.CaptureFixture[str]
) -> None:
    torch.save(deeplab_v2_state(4, "", start=True), tmp_path / "coco.pth")
    network = {"trunk": "resnet101_caffe", "output_stride": 8, "trunk_weights": str(tmp_path / "coco.pth")}
    with Project.open(project_folder, read_only=True) as project:
        config = tiny_config(
            "segmentation", network=network, sources={"machine_weight": 0.0}, optimisation={"iterations": 1}
        )
        config = replace(config, method="deeplab_v2")
        run = begin(project, config)
        carry_out(project, config, run, EventLines())

    assert run.record["pixel_supervised"] is True
    assert PIXEL_SUPERVISED in capsys.readouterr().out
    assert PIXEL_SUPERVISED in (run.path / "table.txt").read_text()
    segmenter, _, what = Segmenter.restore(run.path / "best.safetensors", "cpu")
    assert segmenter.pixel_supervised
    assert what.run["pixel_supervised"] is True


def test_masks_without_one_labelled_pixel_end_a_run_as_failed(
    project_folder: Path, tiny_config: Callable[..., RunConfig]
) -> None:
    with Project.open(project_folder) as project:
        for image_id in project.catalog.ids(states=["accepted"], split="train"):
            values = project.masks.read_accepted(image_id)
            project.review.accept(image_id, np.full_like(values, 255))
        config = tiny_config("segmentation", sources={"machine_weight": 0.0})
        run = begin(project, config)
        with pytest.raises(LabelError, match="Not one pixel"):
            carry_out(project, config, run, EventLines())
    assert run.record["state"] == "failed"


def test_a_stop_while_proposals_are_made_is_obeyed_and_the_run_can_go_on(
    applied_folder: Path, tiny_config: Callable[..., RunConfig]
) -> None:
    with Project.open(applied_folder, read_only=True) as project:
        project.store.clear()
        config = tiny_config("segmentation", sources={"machine_weight": 0.5}, optimisation={"epochs": 1})
        run = begin(project, config)
        steps, seen = train(project, config, run), []
        for progress in steps:
            seen.append(progress)
            run.request_stop()
        assert [progress.stage for progress in seen] == ["propose"], "no further image was begun"
        config, again = continued(project, run.path)
        assert finish(train(project, config, again)).finished
        assert len(again.record["proposed"]) == 5


def test_a_run_that_diverges_names_the_last_good_checkpoint(
    project_folder: Path, tiny_config: Callable[..., RunConfig], monkeypatch: pytest.MonkeyPatch
) -> None:
    def poisoned(self: Learner, losses: dict[str, torch.Tensor]) -> None:
        if self.step == 2:
            losses = {name: value * float("nan") for name, value in losses.items()}
        backward(self, losses)

    backward = Learner.backward
    monkeypatch.setattr(Learner, "backward", poisoned)
    with Project.open(project_folder, read_only=True) as project:
        config = tiny_config("segmentation", sources={"machine_weight": 0.0}, optimisation={"epochs": 3})
        run = begin(project, config)
        with pytest.raises(StepError, match="loss became nan"):
            carry_out(project, config, run, EventLines())
    assert run.record["state"] == "failed"
    assert "The last good checkpoint is last.safetensors" in run.record["error"]
    assert "of step 2" in run.record["error"]
    weights, _ = load_checkpoint(run.path / "last.safetensors")
    assert all(torch.isfinite(value).all() for value in weights.values())


def test_weights_that_are_no_numbers_are_not_kept(
    project_folder: Path, tiny_config: Callable[..., RunConfig], monkeypatch: pytest.MonkeyPatch
) -> None:
    def too_far(self: Learner) -> dict[str, float]:
        figures = update(self)
        next(self.network.parameters()).data.fill_(float("nan"))
        return figures

    update = Learner.update
    monkeypatch.setattr(Learner, "update", too_far)
    with Project.open(project_folder, read_only=True) as project:
        config = tiny_config("segmentation", sources={"machine_weight": 0.0}, optimisation={"epochs": 1})
        run = begin(project, config)
        with pytest.raises(StepError, match="weight"):
            carry_out(project, config, run, EventLines())
    assert not (run.path / "last.safetensors").exists()
