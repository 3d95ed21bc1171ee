from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from napari_wsss.core.errors import LabelError
from napari_wsss.core.progress import Steps, finish
from napari_wsss.core.scribbles import scribble_value
from napari_wsss.networks.trunk import Trunk
from napari_wsss.pipeline.run import localize
from napari_wsss.pixels.background_strength import colours_part
from napari_wsss.project.project import Project
from napari_wsss.project.scribble_files import write_scribbles
from napari_wsss.segment.base import Segmenter
from training.config import RunConfig
from training.execute import begin
from training.pixel_learner import pixel_learner
from training.pixel_learner.agreement import Agreement
from training.pixel_learner.cells import Cells
from training.pixel_learner.pixel_learner import PixelLearner
from training.pixel_learner.weak_examples import faded
from training.recipes.pixel_classifier import train

Make = Callable[..., RunConfig]


@pytest.fixture
def config(tiny_config: Make) -> RunConfig:
    return tiny_config(
        "segmentation", method="pixel_classifier", optimisation={"iterations": 12, "batch_size": 64, "epochs": 1}
    )


@pytest.fixture
def opened(project_folder: Path) -> Iterator[Project]:
    with Project.open(project_folder) as project:
        yield project


def heads(learner: PixelLearner) -> list[torch.Tensor]:
    return [weight.detach().clone() for weight in learner.classifier.head.parameters()]


def same(first: list[torch.Tensor], second: list[torch.Tensor]) -> bool:
    return all(torch.equal(one, other) for one, other in zip(first, second, strict=True))


def test_it_learns_what_the_recipe_learns(opened: Project, config: RunConfig) -> None:
    learner = PixelLearner(opened, config)
    finish(learner.take_all())
    learned = finish(learner.learn())
    run = begin(opened, config)
    finish(train(opened, config, run))
    trained, _, _ = Segmenter.restore(run.path / "last.safetensors")

    assert (learned.whole, learned.parts) == (2, 0)
    assert learned.seconds > 0
    for name, value in trained.state_dict().items():
        assert torch.equal(value, learner.classifier.state_dict()[name]), name


def test_a_correction_costs_no_pass_of_the_trunk(
    opened: Project, config: RunConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    learner, ids = PixelLearner(opened, config), list(opened.catalog.ids())
    finish(learner.prepare(ids))
    finish(learner.take_all())
    finish(learner.learn())

    def forbidden(*_: object) -> None:
        raise AssertionError("the trunk ran")

    monkeypatch.setattr(Trunk, "features", forbidden)
    undecided = next(i for i in opened.catalog.ids(split="train") if opened.catalog.state(i) == "todo")
    k = opened.classes.indices(opened.catalog.get(undecided).labels)[0]
    opened.review.accept(undecided, np.full(opened.load_image(undecided).pixels.shape[:2], k + 1, np.uint8))
    assert learner.take([undecided]) == 1
    assert finish(learner.learn(warm=True)).whole == 3
    for image_id in ids:
        maps = learner.maps(image_id)
        assert maps.background is not None
        np.testing.assert_allclose(maps.scores.sum(0) + maps.background, 1, atol=1e-5)


def test_an_earlier_state_comes_back(opened: Project, config: RunConfig) -> None:
    learner = PixelLearner(opened, config)
    finish(learner.take_all())
    finish(learner.learn())
    state, before = learner.state(), heads(learner)
    finish(learner.learn(warm=True))
    assert not same(heads(learner), before)
    learner.restore(state)
    assert same(heads(learner), before)


def test_a_fit_that_is_stopped_leaves_what_was_there(opened: Project, config: RunConfig) -> None:
    learner = PixelLearner(opened, config)
    finish(learner.take_all())
    finish(learner.learn())
    before = heads(learner)
    steps = learner.learn()
    next(steps)
    next(steps)
    steps.close()
    assert same(heads(learner), before)


def test_nothing_given_is_said(opened: Project, config: RunConfig) -> None:
    learner = PixelLearner(opened, config)
    with pytest.raises(LabelError, match="Nobody has said anything"):
        finish(learner.learn())
    assert learner.learned is None


def test_its_checkpoint_answers_as_it_does(opened: Project, config: RunConfig, tmp_path: Path) -> None:
    learner = PixelLearner(opened, config)
    finish(learner.take_all())
    finish(learner.learn())
    learner.save(tmp_path / "x.safetensors")
    again, _, _ = Segmenter.restore(tmp_path / "x.safetensors")
    image_id = next(iter(opened.catalog.ids()))
    classes = opened.classes.indices(opened.catalog.get(image_id).labels)
    found = again.answer(learner.features(image_id), classes)
    np.testing.assert_array_equal(found[1:], learner.maps(image_id).scores)


def test_agreement_is_measured_on_images_left_out_and_changes_nothing(opened: Project, config: RunConfig) -> None:
    learner = PixelLearner(opened, config)
    finish(learner.take_all())
    finish(learner.learn())
    before = heads(learner)

    found = finish(learner.agreement())

    assert found.images == 2
    assert 0 <= found.mean <= 1
    assert np.isnan(found.maps).all()
    assert same(heads(learner), before)
    learner.leave_to_maps([0])
    assert not learner.classifier.was_shown(0)


def test_another_size_of_pictures_is_learned_afresh(opened: Project, config: RunConfig) -> None:
    learner = PixelLearner(opened, config)
    finish(learner.take_all())
    finish(learner.learn())
    assert not learner.enlarge(learner.classifier.enlargement)
    assert learner.enlarge(2.0)
    with pytest.raises(LabelError, match="Nobody has said anything"):
        finish(learner.learn())
    finish(learner.take_all())
    finish(learner.learn(warm=True))  # which the first fit never is

    told = PixelLearner(opened, replace(config, parameters={**config.parameters, "enlargement": 2.0}))
    finish(told.take_all())
    finish(told.learn())
    assert same(heads(learner), heads(told))


def test_maps_are_compared_where_a_localizer_is_applied(applied_folder: Path, config: RunConfig) -> None:
    from napari_wsss.pipeline.run import localize

    with Project.open(applied_folder) as project:
        finish(localize(project, project.catalog.ids(), "cpu"))
        learner = PixelLearner(project, config)
        finish(learner.take_all())
        found = finish(learner.agreement())
    assert np.array_equal(np.isfinite(found.maps), np.isfinite(found.learner))


def test_maps_teach_a_little_in_images_nobody_corrected(applied_folder: Path, config: RunConfig) -> None:
    with Project.open(applied_folder) as project:
        finish(localize(project, list(project.catalog.ids())))
        learner = PixelLearner(project, config)
        finish(learner.take_all())
        finish(learner.learn())
        gathering, known = learner._gathering, learner._gathering.known()
        given, weight = gathering.cells(), faded(config.sources.map_weight, len(known))  # type: ignore[union-attr]

        assert set(gathering._weak).isdisjoint(known)
        assert set(gathering._weak) <= set(learner.teachers())
        both = gathering.with_weak(given)
        assert len(both) > len(given)
        assert both.weights[len(given) :].max() == pytest.approx(weight)
        # A class is known by what a person showed, never by maps.
        assert torch.equal(learner.classifier.known.bool().cpu(), given.shown)

        without = replace(config, sources=replace(config.sources, map_weight=0.0))
        other = PixelLearner(project, without)
        finish(other.take_all())
        finish(other.learn())
        assert len(other._gathering.with_weak(given)) == len(given)
        assert not same(heads(learner), heads(other))


def test_what_is_corrected_is_no_weak_example_any_more(applied_folder: Path, config: RunConfig) -> None:
    with Project.open(applied_folder) as project:
        finish(localize(project, list(project.catalog.ids())))
        learner = PixelLearner(project, config)
        finish(learner.take_all())
        finish(learner.learn())
        gathering, before = learner._gathering, len(learner._gathering._weak)
        image_id = next(iter(gathering._weak))
        project.review.accept(image_id, np.zeros(project.load_image(image_id).pixels.shape[:2], np.uint8))
        learner.take([image_id])
        given = gathering.cells()
        left = sum(len(cells) for cells in gathering._weak.values())
        assert len(gathering._weak) == before - 1
        assert len(gathering.with_weak(given)) == len(given) + left


def test_agreement_is_that_of_a_learner_that_learns_from_maps_where_it_does(
    applied_folder: Path, config: RunConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    counted: list[int] = []

    def fitted(learner: object, classifier: object, cells: Cells, order: object) -> Iterator[dict[str, float]]:
        counted.append(len(cells))
        yield {"loss": 0.0}

    with Project.open(applied_folder) as project:
        finish(localize(project, list(project.catalog.ids())))
        learner = PixelLearner(project, config)
        finish(learner.take_all())
        monkeypatch.setattr(pixel_learner, "fitted", fitted)
        finish(learner.agreement(2))  # before anything was learned, as a first lesson does
        finish(learner.agreement(2, uses_maps=False))
        weak = sum(len(cells) for cells in learner._gathering._weak.values())
    assert weak > 0
    assert counted[:2] == [given + weak for given in counted[2:]]


@pytest.mark.parametrize("gain", [0.1, 0.0, -0.1])
def test_maps_teach_only_where_that_agrees_no_less_with_what_was_left_out(
    applied_folder: Path, config: RunConfig, monkeypatch: pytest.MonkeyPatch, gain: float
) -> None:
    def agreement(self: PixelLearner, folds: int, *, uses_maps: bool) -> Steps[Agreement]:
        yield from ()
        figures = np.asarray([0.5 + gain * uses_maps])
        return Agreement(figures, figures, 2)

    with Project.open(applied_folder) as project:
        finish(localize(project, list(project.catalog.ids())))
        learner = PixelLearner(project, config)
        finish(learner.take_all())
        with monkeypatch.context() as patched:
            patched.setattr(PixelLearner, "agreement", agreement)
            found = finish(learner.compare(2))
        assert found is not None
        assert found.mean == 0.5 + max(gain, 0)
        assert learner.uses_maps == (gain >= 0)
        finish(learner.learn())
        told = replace(config, sources=replace(config.sources, map_weight=0.01 * (gain >= 0)))
        other = PixelLearner(project, told)
        finish(other.take_all())
        finish(other.learn())
        assert same(heads(learner), heads(other))


def test_nothing_is_compared_where_maps_would_teach_nothing(opened: Project, config: RunConfig) -> None:
    learner = PixelLearner(opened, config)
    finish(learner.take_all())
    assert finish(learner.compare(2, only_for_maps=True)) is None
    found = finish(learner.compare(2))
    assert found is not None
    assert found.mean == finish(learner.agreement(2)).mean


def test_a_label_taken_away_takes_what_maps_said_of_it(applied_folder: Path, config: RunConfig) -> None:
    with Project.open(applied_folder) as project:
        finish(localize(project, list(project.catalog.ids())))
        learner = PixelLearner(project, config)
        finish(learner.take_all())
        finish(learner.learn())
        image_id = next(iter(learner._gathering._weak))
        name = min(project.catalog.get(image_id).labels)
        project.set_labels(image_id, frozenset(project.classes.names) - {name})
        learner.take([image_id])  # a quick lesson reads no maps
        assert image_id not in learner._gathering._weak
        finish(localize(project, [image_id]))  # as the window does at once
        finish(learner.learn())  # a thorough one does
        k = project.classes.index(name)
        assert not learner._gathering._weak[image_id].allowed[:, k + 1].any()


@pytest.mark.parametrize(("gain", "counts"), [(2.0, True), (1.0, False)])
def test_what_nobody_clicked_on_counts_where_things_part_more_clearly(
    opened: Project, config: RunConfig, monkeypatch: pytest.MonkeyPatch, gain: float, counts: bool
) -> None:
    todo = [one for one in opened.catalog.ids(split="train") if opened.catalog.state(one) == "todo"]
    for image_id in todo[:2]:
        scribbles = np.zeros(opened.load_image(image_id).pixels.shape[:2], np.uint8)
        scribbles[2:5, 2:5] = scribble_value(0, opened.classes)
        k = opened.classes.indices(opened.catalog.get(image_id).labels)[0]
        scribbles[30:33, 30:33] = scribble_value(k + 1, opened.classes)
        write_scribbles(opened, image_id, scribbles)
    learner = PixelLearner(opened, config)
    finish(learner.take_all())
    figures = iter([1.0, gain])
    monkeypatch.setattr(PixelLearner, "_parting", lambda _: next(figures))
    finish(learner.learn())
    assert learner.uses_unlabelled == counts

    told = replace(config, sources=replace(config.sources, unlabelled_share=0.0))
    other = PixelLearner(opened, told)
    finish(other.take_all())
    finish(other.learn())  # asks nothing
    assert same(heads(learner), heads(other)) != counts
    finish(learner.learn(warm=True, rounds=0))  # a quick fit asks nothing, and does as the last whole one decided
    assert learner.uses_unlabelled == counts


def test_things_part_by_their_looks(opened: Project, config: RunConfig) -> None:
    image_id = next(one for one in opened.catalog.ids(split="train") if opened.catalog.state(one) == "todo")
    scribbles = np.zeros(opened.load_image(image_id).pixels.shape[:2], np.uint8)
    scribbles[2:5, 2:5] = scribble_value(0, opened.classes)
    write_scribbles(opened, image_id, scribbles)
    learner = PixelLearner(opened, config)
    finish(learner.take_all())
    finish(learner.learn())
    objects = learner.maps(image_id).to_mask() > 0
    assert learner._parting() == colours_part(opened.load_image(image_id).pixels, objects)
