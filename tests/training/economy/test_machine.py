from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from napari_wsss.core.errors import LabelError
from napari_wsss.core.plan import Step
from napari_wsss.core.progress import Steps, finish
from napari_wsss.pipeline import run as pipeline
from napari_wsss.pipeline.apply import apply
from napari_wsss.project.project import Project
from training.config import RunConfig
from training.economy.annotators import ClicksOnThings
from training.economy.costs import Costs
from training.economy.hand import Hand
from training.economy.machine import Machine
from training.pixel_learner.agreement import Agreement
from training.pixel_learner.pixel_learner import PixelLearner
from training.scoring.scoring import TrueMasks

Configured = Callable[..., RunConfig]


def learner_of(project: Project, tiny_config: Configured) -> PixelLearner:
    return PixelLearner(project, tiny_config("segmentation", "pixel_classifier", optimisation={"iterations": 3}))


def comparing_as(agreement: Agreement | None) -> Callable[..., Steps[Agreement | None]]:
    """Return what takes the place of a learner's `compare`."""

    def compare(folds: int, *, only_for_maps: bool) -> Steps[Agreement | None]:
        assert not only_for_maps  # there are maps to be compared with
        yield from ()
        return agreement

    return compare


def test_nothing_is_proposed_before_something_was_learned(project_folder: Path, tiny_config: Configured) -> None:
    with Project.open(project_folder) as project:
        machine = Machine(project, learner_of(project, tiny_config))
        ids = project.catalog.ids(split="val")
        assert not machine.knows
        assert machine.shown(next(iter(ids))) is None
        machine.learn(list(project.catalog.ids(split="train")))
        assert machine.knows
        assert machine.seconds > 0
        assert machine.learned is not None
        assert machine.learned.whole == 2


def test_refiners_follow_the_learner(project_folder: Path, tiny_config: Configured) -> None:
    with Project.open(project_folder) as project:
        machine = Machine(project, learner_of(project, tiny_config), (Step("dense_crf", {"preset": "probabilities"}),))
        machine.learn(list(project.catalog.ids(split="train")))
        image_id = next(iter(project.catalog.ids(split="val")))
        plain, refined = machine.maps(image_id, refined=False), machine.maps(image_id)
        assert plain is not None
        assert refined is not None
        assert not np.array_equal(plain.scores, refined.scores)
        assert np.array_equal(machine.shown(image_id), refined.to_mask())
        assert machine.described(image_id).ndim == 1


def test_an_accepted_mask_is_the_mask(project_folder: Path) -> None:
    with Project.open(project_folder) as project:
        accepted = next(record.id for record in project.catalog.records() if record.state == "accepted")
        assert np.array_equal(Machine(project, None).mask(accepted), project.masks.read_accepted(accepted))


def test_nothing_is_described_without_a_learner(project_folder: Path) -> None:
    with Project.open(project_folder) as project, pytest.raises(LabelError, match="Diversity"):
        Machine(project, None).described(next(iter(project.catalog.ids())))


def test_without_a_learner_maps_are_proposed_and_clicks_walk(applied_folder: Path, tiny_data: Path) -> None:
    with Project.open(applied_folder) as project:
        machine = Machine(project, None)
        image_id = next(record.id for record in project.catalog.records() if record.state == "todo")
        assert machine.knows
        proposed = machine.shown(image_id)
        assert np.array_equal(proposed, pipeline.proposal(project, image_id))
        truth = TrueMasks(tiny_data / "SegmentationClass")(image_id)
        ClicksOnThings(Hand(Costs())).annotate(project, image_id, truth, None)
        machine.learn([image_id])  # nobody does
        assert machine.learned is None
        assert np.array_equal(machine.shown(image_id), proposed)
        walked = machine.mask(image_id)
        assert walked is not None
        labels = project.classes.indices(project.catalog.get(image_id).labels)
        assert set(np.unique(walked)) <= {0, *(k + 1 for k in labels)}
        assert not np.array_equal(walked, proposed)


def test_a_class_nobody_has_shown_keeps_its_maps(
    applied_folder: Path, tiny_config: Configured, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Project.open(applied_folder) as project:
        learner = learner_of(project, tiny_config)
        monkeypatch.setattr(learner, "compare", comparing_as(None))
        machine = Machine(project, learner)
        machine.learn(list(project.catalog.ids(split="train")))
        shown = [k for k in range(len(project.classes)) if learner.classifier.was_shown(k)]
        record = next((r for r in project.catalog.records() if r.labels), None)
        assert record is not None
        before = machine.maps(record.id)
        learner.leave_to_maps(shown)
        after = machine.maps(record.id)
        assert before is not None
        assert after is not None
        total = after.scores.sum(0) + after.background
        assert total == pytest.approx(np.ones_like(total), abs=1e-4)
        assert not np.array_equal(before.scores, after.scores)


def test_classes_on_which_maps_agree_more_are_left_to_them(
    applied_folder: Path, tiny_config: Configured, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Project.open(applied_folder) as project:
        learner = learner_of(project, tiny_config)
        machine, ids = Machine(project, learner), list(project.catalog.ids(split="train"))
        machine.learn(ids)
        assert machine.learned is not None
        k = project.classes.index(machine.learned.classes[0])
        learner_is, maps_are = np.full((2, len(project.classes) + 1), 0.5)
        maps_are[k + 1] = 0.9
        monkeypatch.setattr(learner, "compare", comparing_as(Agreement(learner_is, maps_are, 2, share=0.5)))
        machine.learn(ids)
        assert float(learner.classifier.map_share) == 0.5
        assert not learner.classifier.was_shown(k)
        others = [project.classes.index(name) for name in machine.learned.classes[1:]]
        assert all(map(learner.classifier.was_shown, others))


def test_what_it_proposes_is_what_the_applied_checkpoint_does(
    applied_folder: Path, tiny_config: Configured, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Project.open(applied_folder) as project:
        learner = learner_of(project, tiny_config)
        monkeypatch.setattr(learner, "compare", comparing_as(Agreement(np.full(4, 0.5), np.full(4, 0.5), 2, share=0.5)))
        machine = Machine(project, learner)
        machine.learn(list(project.catalog.ids(split="train")))
        image_id = next(record.id for record in project.catalog.records() if record.labels)
        proposed, own = machine.maps(image_id), learner.maps(image_id)
        assert proposed is not None
        assert not np.allclose(proposed.scores, own.scores, atol=1e-2)
        checkpoint = project.training_folder / "segmentation-x" / "best.safetensors"
        checkpoint.parent.mkdir(parents=True)
        learner.save(checkpoint)
        apply(project, "segment", "pixel_classifier", checkpoint)
        finish(pipeline.propose(project, [image_id]))
        applied = pipeline.base_maps(project, image_id)
        assert applied is not None
        np.testing.assert_allclose(applied.scores, proposed.scores, atol=2e-3)
