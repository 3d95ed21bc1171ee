"""What a model answers for an image: a pixel classifier from kept features, beside what the maps propose."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from napari_wsss.core.background import AutomaticBackground
from napari_wsss.core.cells import working_cells
from napari_wsss.core.classes import ClassList
from napari_wsss.core.inference import SegmentInference
from napari_wsss.core.maps import ActivationMaps
from napari_wsss.core.progress import finish
from napari_wsss.core.trunk_choice import TrunkChoice
from napari_wsss.localize.base import Localizer
from napari_wsss.networks.trunk import Trunk
from napari_wsss.pipeline import answering, run
from napari_wsss.pipeline.answering import model_maps, proposed_by_maps
from napari_wsss.pipeline.applied_model import answers_from_features, applied_network
from napari_wsss.pipeline.learner.chains import plan_of_maps
from napari_wsss.pipeline.learner.pooling import pooled
from napari_wsss.pipeline.lineage import Lineage, with_model
from napari_wsss.project.project import Project
from napari_wsss.project.results.kept_maps import as_stored
from napari_wsss.refine.dense_crf import DenseCrf
from napari_wsss.segment.base import Segmenter
from tests.tiny_project import IDS


@pytest.fixture
def with_classifier(project: Project) -> Project:
    """Return the project with a pixel classifier applied that knows cats and wild boars."""
    torch.manual_seed(0)
    classifier = Segmenter.build("pixel_classifier", TrunkChoice(width=1 / 16), {"enlargement": 8.0}, class_count=2)
    path = project.training_folder / "segmentation-x" / "best.safetensors"
    path.parent.mkdir(parents=True)
    classifier.save(path, ClassList(("wild boar", "cat")), {})
    checkpoint = path.relative_to(project.folder).as_posix()
    project.set_plan(replace(with_model(project.plan, "segment", "pixel_classifier", checkpoint), refiners=()))
    return project


def test_a_pixel_classifier_answers_with_probabilities_from_kept_features(
    with_classifier: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = with_classifier
    lineage = Lineage.of(project, IDS[0])
    network, _ = applied_network(project, project.plan, "segment", "cpu", False)
    expected = network.infer(project.load_image(IDS[0]).pixels, SegmentInference(precision="float32"))

    found = model_maps(lineage, (0, 1), "cpu", False)  # cat and dog; the dog it never learned

    assert found.background is not None
    assert (found.scores[1] == 0).all()
    shares = expected[[0, 2]] / expected[[0, 2]].sum(0)
    np.testing.assert_allclose(np.stack([found.background, found.scores[0]]), shares, atol=0.03)
    assert ((found.scores[0] > 0.01) & (found.scores[0] < 0.99)).any()

    def forbidden(*_: object) -> None:
        raise AssertionError("the trunk ran")

    monkeypatch.setattr(Trunk, "features", forbidden)
    np.testing.assert_array_equal(model_maps(lineage, (0, 1), "cpu", False).scores, found.scores)


def test_other_views_than_the_plain_one_are_computed(with_classifier: Project) -> None:
    plan = with_classifier.plan
    assert plan.segmenter is not None
    with_classifier.set_plan(replace(plan, segmenter=plan.segmenter.with_parameters({"flip": True})))
    project = with_classifier
    network, _ = applied_network(project, project.plan, "segment", "cpu", False)
    assert not answers_from_features(network, SegmentInference(flip=True))

    found = model_maps(Lineage.of(project, IDS[0]), (0,), "cpu", False)

    expected = network.infer(project.load_image(IDS[0]).pixels, SegmentInference(flip=True))[[0, 2]]
    np.testing.assert_allclose(found.scores[0], expected[1] / expected.sum(0), atol=1e-5)


def localizer_applied(project: Project) -> None:
    """Apply a localizer whose maps are not 0."""
    torch.manual_seed(1)
    localizer = Localizer.build("cam", TrunkChoice(width=1 / 16), class_count=3)
    with torch.no_grad():
        for weight in localizer.head_parameters():
            weight.abs_()
    path = project.training_folder / "classifier-x" / "best.safetensors"
    path.parent.mkdir(parents=True)
    localizer.save(path, project.classes, {})
    checkpoint, background = path.relative_to(project.folder).as_posix(), AutomaticBackground(0.05)
    project.set_plan(replace(project.plan, localizer_checkpoint=checkpoint, automatic=background))


def test_a_class_nobody_has_shown_keeps_the_localizers_map(with_classifier: Project) -> None:
    project = with_classifier
    before = Lineage.of(project, IDS[0]).base
    alone = model_maps(Lineage.of(project, IDS[0]), (0, 1), "cpu", False)  # cat and dog; the dog it never learned
    localizer_applied(project)
    lineage = Lineage.of(project, IDS[0])
    assert lineage.base.key != before.key  # it depends on the localizer now

    found = model_maps(lineage, (0, 1), "cpu", False)

    maps = proposed_by_maps(lineage, (0, 1), "cpu", False)
    assert maps.background is not None
    claimed = maps.scores[1] / (maps.scores.sum(0) + maps.background)
    assert claimed.max() > 0
    np.testing.assert_allclose(found.scores[1], claimed, atol=1e-3)  # stored in half precision
    np.testing.assert_allclose(found.scores[0], (1 - claimed) * alone.scores[0], atol=1e-3)


def test_an_answer_is_multiplied_with_as_much_of_the_maps_as_its_network_says(with_classifier: Project) -> None:
    project = with_classifier
    localizer_applied(project)
    lineage = Lineage.of(project, IDS[0])
    network, _ = applied_network(project, project.plan, "segment", "cpu", False)
    alone = model_maps(lineage, (0,), "cpu", False)
    maps = proposed_by_maps(lineage, (0,), "cpu", False)

    network.map_share.fill_(0.5)
    found = model_maps(lineage, (0,), "cpu", False)

    expected = pooled(alone, maps, 0.5)
    assert not np.allclose(expected.scores, alone.scores, atol=1e-2)
    np.testing.assert_allclose(found.scores, expected.scores, atol=2e-3)  # stored in half precision
    network.map_share.fill_(0.0)
    np.testing.assert_array_equal(model_maps(lineage, (0,), "cpu", False).scores, alone.scores)


def test_what_maps_propose_is_what_the_project_would_show_without_a_learner(with_classifier: Project) -> None:
    project = with_classifier
    localizer_applied(project)
    lineage = Lineage.of(project, IDS[0])

    found = proposed_by_maps(lineage, lineage.classes, "cpu", False)

    project.set_plan(plan_of_maps(project.plan))
    finish(run.propose(project, [IDS[0]]))
    shown = run.refined_maps(project, IDS[0])
    assert shown is not None
    np.testing.assert_array_equal(found.background, shown.background)
    np.testing.assert_array_equal(found.scores, shown.scores)


def test_what_maps_propose_is_read_where_it_is_stored(
    with_classifier: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = with_classifier
    localizer_applied(project)
    lineage = Lineage.of(project, IDS[0])
    first = proposed_by_maps(lineage, (0, 1), "cpu", False)

    def forbidden(*_: object) -> None:
        raise AssertionError("computed again")

    monkeypatch.setattr(answering, "model_maps", forbidden)
    monkeypatch.setattr(DenseCrf, "steps", forbidden)
    again = proposed_by_maps(lineage, (0, 1), "cpu", False)
    np.testing.assert_array_equal(again.scores, first.scores)


def test_another_background_strength_makes_another_answer(with_classifier: Project) -> None:
    project = with_classifier
    localizer_applied(project)
    keys = set()
    for threshold in (0.2, 0.5):
        project.set_plan(replace(project.plan, automatic=AutomaticBackground(threshold)))
        keys.add(Lineage.of(project, IDS[0]).base.key)
    keys.add(Lineage.of(project, IDS[0], plan=replace(project.plan, every_pixel=True)).base.key)
    assert len(keys) == 3


def test_a_pooled_answer_comes_from_the_grid_of_the_crf_on_which_proposals_of_maps_are_kept(
    with_classifier: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = with_classifier
    localizer_applied(project)
    monkeypatch.setattr(answering, "working_cells", lambda height, width: working_cells(height, width, 2))
    network, _ = applied_network(project, project.plan, "segment", "cpu", False)
    network.map_share.fill_(0.5)
    lineage = Lineage.of(project, IDS[0])
    image = project.load_image(IDS[0]).pixels
    asked: list[str] = []

    def noted(item: Lineage, *given: object) -> ActivationMaps:
        asked.append(item.image_id)
        return proposed_by_maps(item, *given)

    monkeypatch.setattr(answering, "proposed_by_maps", noted)
    first, again = (model_maps(lineage, (0, 1), "cpu", False) for _ in range(2))

    assert asked == [IDS[0]]
    assert first.cells is not None
    assert again.cells is not None
    assert (first.size, first.cells.shape[1]) == (image.shape[:2], -(-image.shape[0] // 2))
    np.testing.assert_array_equal(again.cells, first.cells)
    np.testing.assert_array_equal(as_stored(first).scores, first.scores)
    project.set_plan(replace(project.plan, automatic=AutomaticBackground(0.5)))
    model_maps(Lineage.of(project, IDS[0]), (0, 1), "cpu", False)
    assert len(asked) == 2
