from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from napari_wsss.core.errors import LabelError
from napari_wsss.core.masks import read_mask
from napari_wsss.core.progress import finish
from napari_wsss.networks.trunk import Trunk
from napari_wsss.pipeline.run import base_maps, proposal, refine_maps
from napari_wsss.project.project import Project
from napari_wsss.segment.base import Segmenter
from napari_wsss.weights.checkpoint import load_checkpoint
from training.config import RunConfig, module_of
from training.execute import begin, continued
from training.pixel_learner import enlargement, measured_enlargement
from training.recipes.pixel_classifier import learned_from, train
from training.run import main

Make = Callable[..., RunConfig]


@pytest.fixture
def config(tiny_config: Make) -> RunConfig:
    return tiny_config(
        "segmentation",
        method="pixel_classifier",
        optimisation={"iterations": 4, "batch_size": 64, "epochs": 1},
    )


@pytest.fixture
def forwards(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Return a list that grows by each pass of a trunk over pictures."""
    seen: list[int] = []
    plain = Trunk.features

    def counted(self: Trunk, images: torch.Tensor, taps: object) -> object:
        seen.append(len(images))
        return plain(self, images, taps)

    monkeypatch.setattr(Trunk, "features", counted)
    return seen


def _digests(folder: Path) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(folder.rglob("*.png"))}


def test_it_is_the_recipe_of_its_method(config: RunConfig) -> None:
    assert module_of(config.recipe, config.method) == "pixel_classifier"


def test_accepted_masks_are_learned_from_and_left_alone(project_folder: Path, config: RunConfig) -> None:
    before = _digests(project_folder / "masks")
    with Project.open(project_folder, read_only=True) as project:
        run = begin(project, config)
        outcome = finish(train(project, config, run))
        classifier, classes, _ = Segmenter.restore(run.path / "best.safetensors")
        assert classes == project.classes
    assert outcome.finished
    assert run.record["learned_from"] == {"whole": 2, "parts": 0}
    assert 0 <= outcome.figures["miou"] <= 1
    assert outcome.tables["segmentation"]
    assert classifier.enlargement > 1
    assert _digests(project_folder / "masks") == before


def test_no_trunk_runs_when_the_features_are_there(
    project_folder: Path, config: RunConfig, forwards: list[int]
) -> None:
    with Project.open(project_folder, read_only=True) as project:
        finish(train(project, config, begin(project, config)))
        assert forwards
        forwards.clear()
        finish(train(project, config, begin(project, config)))
    assert forwards == []


def test_resuming_equals_never_stopping(project_folder: Path, config: RunConfig) -> None:
    with Project.open(project_folder, read_only=True) as project:
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


def test_nothing_given_is_said(project_folder: Path, config: RunConfig) -> None:
    with Project.open(project_folder) as project:
        for image_id in list(project.catalog.ids(split="train")):
            project.review.decide(image_id, "excluded")
        run = begin(project, config)
        with pytest.raises(LabelError, match="Nobody has said anything"):
            finish(train(project, config, run))


def test_applied_its_probabilities_go_through_the_plans_refiners(applied_folder: Path, tiny: list[str]) -> None:
    pytest.importorskip("pydensecrf", reason="the chain holds a CRF")
    typed = ["segmentation", "--method", "pixel_classifier", "--project", str(applied_folder), "--apply", "--events"]
    assert main([*typed, *tiny, "--iterations", "5"]) == 0
    crf = ["--refiners", "dense_crf", "--dense-crf-preset", "probabilities"]
    assert main(["refine", "--project", str(applied_folder), "--split", "val", *crf, "--apply", "--events"]) == 0

    with Project.open(applied_folder, read_only=True) as project:
        assert project.plan.segmenter is not None
        assert project.plan.segmenter.method == "pixel_classifier"
        for image_id in project.catalog.ids(split="val"):
            maps = base_maps(project, image_id)
            assert maps is not None
            assert maps.background is not None
            assert ((maps.background > 0.01) & (maps.background < 0.99)).any()
            image = project.load_image(image_id).pixels
            expected = refine_maps(image, maps, project.plan.refiners).to_mask()
            np.testing.assert_array_equal(proposal(project, image_id), expected)


def test_compared_with_the_maps_it_says_how_far_it_agrees(applied_folder: Path, config: RunConfig) -> None:
    config = replace(config, sources=replace(config.sources, compare_folds=2))
    with Project.open(applied_folder) as project:
        run = begin(project, config)
        said: list[str] = []
        assert finish(train(project, config, run), lambda progress: said.append(progress.message)).finished
        classifier, classes, _ = Segmenter.restore(run.path / "best.safetensors")
    assert run.record["agreement"]["images"] == 2
    assert 0 <= run.record["agreement"]["learner"] <= 1
    assert float(classifier.map_share) == pytest.approx(run.record["map_share"])
    assert "Learned from 2 masks. On images left out it agrees" in said[-1]
    shown = {name for k, name in enumerate(classes.names) if classifier.was_shown(k)}
    assert not shown & set(run.record["left_to_maps"])


def test_one_mask_is_learned_but_not_compared(project_folder: Path, config: RunConfig) -> None:
    config = replace(config, sources=replace(config.sources, compare_folds=2))
    with Project.open(project_folder) as project:
        accepted = [found for found in project.catalog.ids(split="train") if project.catalog.state(found) == "accepted"]
        for image_id in accepted[1:]:
            project.review.decide(image_id, "excluded")
        run = begin(project, config)
        assert finish(train(project, config, run)).finished
    assert "agreement" not in run.record


def test_an_image_that_cannot_be_read_is_left_out_and_named(project_folder: Path, config: RunConfig) -> None:
    with Project.open(project_folder) as project:
        accepted = next(
            found for found in project.catalog.ids(split="train") if project.catalog.state(found) == "accepted"
        )
        shutil.rmtree(project.folder / "backups")  # which has copies of accepted masks
        project.masks.accepted_path(accepted).write_bytes(b"no picture")
        run = begin(project, config)
        said: list[str] = []
        assert finish(train(project, config, run), lambda progress: said.append(progress.message)).finished
    assert list(run.record["left_out"]) == [accepted]
    assert any(line.startswith(f"{accepted} is left out: ") for line in said)
    assert said[-1] == f"Learned from 1 mask. Left out, as they cannot be read: {accepted}."


@pytest.mark.parametrize(
    ("counts", "expected"),
    [
        ({"whole": 1, "parts": 0}, "Learned from 1 mask."),
        ({"whole": 25, "parts": 1}, "Learned from 25 masks and 1 partly corrected image."),
        ({"whole": 0, "parts": 3}, "Learned from 3 partly corrected images."),
    ],
)
def test_what_was_learned_from_is_one_sentence(counts: dict[str, int], expected: str) -> None:
    assert learned_from(counts) == expected


def test_the_size_of_pictures_is_measured_where_masks_suffice(
    project_folder: Path, tiny_data: Path, config: RunConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(measured_enlargement, "ENOUGH", 6)
    monkeypatch.setattr(enlargement, "SIDES", (128,))
    monkeypatch.setattr(enlargement.Sizes, "best", 2.0)  # the other size is taken, whatever it is worth
    with Project.open(project_folder) as project:
        for image_id in project.catalog.ids(split="train"):
            project.review.accept(image_id, read_mask(tiny_data / "SegmentationClass" / f"{Path(image_id).stem}.png"))
        run = begin(project, config)
        finish(train(project, config, run))
        plain = replace(config, sources=replace(config.sources, enlargement_folds=0))  # type: ignore[arg-type]
        other = begin(project, plain)
        finish(train(project, plain, other))
    assert run.record["enlargement"] == 2.0
    assert run.record["working_size"] == {"pictures": 64, "side": 128}
    assert Segmenter.restore(run.path / "best.safetensors")[0].enlargement == 2.0
    assert "enlargement" not in other.record
    assert Segmenter.restore(other.path / "best.safetensors")[0].enlargement == 4.0
