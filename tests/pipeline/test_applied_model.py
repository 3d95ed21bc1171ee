"""The applied model's classes are the project's, by name; what is no image's fault ends a run."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from napari_wsss.core.classes import ClassList
from napari_wsss.core.errors import ProjectError, StepError
from napari_wsss.core.inference import SegmentInference
from napari_wsss.core.maps import ActivationMaps
from napari_wsss.core.trunk_choice import TrunkChoice
from napari_wsss.localize.base import Localizer
from napari_wsss.networks.trunk import Trunk
from napari_wsss.pipeline.applied_model import (
    MAP_BACKGROUND,
    RunError,
    answers_from_features,
    applied_network,
    companions_for,
    known_as,
    model_maps,
    renormalised,
)
from napari_wsss.pipeline.companions import Companions
from napari_wsss.pipeline.lineage import Lineage, with_model
from napari_wsss.pipeline.unshown import pooled
from napari_wsss.project.project import Project
from napari_wsss.segment.base import Segmenter
from tests.tiny_project import IDS


@pytest.mark.parametrize(
    ("names", "known", "expected"),
    [
        (["cat", "dog"], ["cat", "dog"], [0, 1]),
        (["cat", "dog"], ["dog", "cat"], [1, 0]),
        (["cat", "dog", "owl"], ["cat", "dog"], [0, 1, None]),  # added after training
        (["kitten", "dog"], ["cat", "dog"], [0, 1]),  # renamed after training
        (["kitten", "cat"], ["cat", "dog"], [None, 0]),  # no rename: place 0 is still called cat
        (["cat"], ["cat", "dog"], [0]),
    ],
)
def test_classes_are_found_by_name_or_as_a_rename(
    names: list[str], known: list[str], expected: list[int | None]
) -> None:
    project, model = ClassList(names), ClassList(known)

    assert [known_as(k, project, model) for k in range(len(project))] == expected


def test_renormalising_makes_maps_and_background_sum_to_one() -> None:
    random = np.random.default_rng(0)
    maps = ActivationMaps(random.random((2, 4, 5), np.float32), (0, 3), random.random((4, 5), np.float32))

    found = renormalised(maps)

    assert found.background is not None
    np.testing.assert_allclose(found.scores.sum(0) + found.background, 1, atol=1e-6)
    np.testing.assert_allclose(found.scores[0] / found.scores[1], maps.scores[0] / maps.scores[1], rtol=1e-5)


def test_nothing_to_renormalise_is_left_alone() -> None:
    without = ActivationMaps(np.zeros((1, 2, 2), np.float32), (0,))
    silent = ActivationMaps(np.zeros((1, 2, 2), np.float32), (0,), np.zeros((2, 2), np.float32))

    assert renormalised(without) is without
    assert np.isfinite(renormalised(silent).scores).all()


def test_a_run_error_carries_its_reason() -> None:
    reason = StepError("no model")

    assert RunError(reason).reason is reason
    assert str(RunError(reason)) == "no model"


def test_companions_carry_the_models_class_numbers_and_are_read_late(project: Project) -> None:
    companions = Companions(
        {IDS[1]: "hash 1", "gone.png": "hash 2"}, {IDS[1]: frozenset({"cat", "dog"}), "gone.png": frozenset({"dog"})}
    )
    (project.folder / "net").write_bytes(b"weights")
    project.set_plan(replace(project.plan, localizer_checkpoint="net"))
    lineage = replace(Lineage.of(project, IDS[0]), companions=companions)

    first, second = companions_for(lineage, ClassList(["bird", "cat"]))

    assert (first.content, first.labels) == ("hash 1", (1,))
    assert (second.content, second.labels) == ("hash 2", ())
    np.testing.assert_array_equal(first.read(), project.load_image(IDS[1]).pixels)
    with pytest.raises(ProjectError):
        second.read()


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
    project.set_plan(replace(project.plan, localizer_checkpoint=path.relative_to(project.folder).as_posix()))


def test_a_class_nobody_has_shown_keeps_the_localizers_map(with_classifier: Project) -> None:
    project = with_classifier
    before = Lineage.of(project, IDS[0]).base
    alone = model_maps(Lineage.of(project, IDS[0]), (0, 1), "cpu", False)  # cat and dog; the dog it never learned
    localizer_applied(project)
    lineage = Lineage.of(project, IDS[0])
    assert lineage.base.key != before.key  # it depends on the localizer now

    found = model_maps(lineage, (0, 1), "cpu", False)

    maps = model_maps(Lineage.of(project, IDS[0], "localize"), (0, 1), "cpu", False)
    claimed = maps.scores[1] / (maps.scores.sum(0) + MAP_BACKGROUND)
    assert claimed.max() > 0
    np.testing.assert_allclose(found.scores[1], claimed, atol=1e-3)  # stored in half precision
    np.testing.assert_allclose(found.scores[0], (1 - claimed) * alone.scores[0], atol=1e-3)


def test_an_answer_is_multiplied_with_as_much_of_the_maps_as_its_network_says(with_classifier: Project) -> None:
    project = with_classifier
    localizer_applied(project)
    lineage = Lineage.of(project, IDS[0])
    network, _ = applied_network(project, project.plan, "segment", "cpu", False)
    alone = model_maps(lineage, (0,), "cpu", False)
    maps = model_maps(Lineage.of(project, IDS[0], "localize"), (0,), "cpu", False)

    network.map_share.fill_(0.5)
    found = model_maps(lineage, (0,), "cpu", False)

    expected = pooled(alone, maps, 0.5)
    assert not np.allclose(expected.scores, alone.scores, atol=1e-2)
    np.testing.assert_allclose(found.scores, expected.scores, atol=2e-3)  # stored in half precision
    network.map_share.fill_(0.0)
    np.testing.assert_array_equal(model_maps(lineage, (0,), "cpu", False).scores, alone.scores)
