"""Clusters of the images of a small project by the features of an untrained localizer."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from napari_wsss.clusters.editor import ClusterEditor
from napari_wsss.clusters.found import keep_clusters
from napari_wsss.core.errors import StepError
from napari_wsss.core.plan import Step
from napari_wsss.core.progress import finish
from napari_wsss.core.trunk_choice import TrunkChoice
from napari_wsss.localize.base import Localizer
from napari_wsss.project.project import Project
from training.clusters import feature_clusters
from training.clusters.feature_clusters import FeatureClusters, earlier_places
from training.scoring.left_out import LeftOut

FEW = FeatureClusters(count=2, projection="pca", device="cpu")


def apply_localizer(project: Project) -> None:
    torch.manual_seed(0)
    localizer = Localizer.build("cam", TrunkChoice("resnet18", width=1 / 16), class_count=len(project.classes))
    torch.nn.init.normal_(localizer.classifier.weight)
    path = project.folder / "training" / "one.safetensors"
    localizer.save(path, project.classes, {})
    step = Step("cam", {"preset": "single", "precision": "float32"})
    project.set_plan(replace(project.plan, localizer=step, localizer_checkpoint="training/one.safetensors"))


@pytest.fixture
def project(project_folder: Path) -> Iterator[Project]:
    with Project.open(project_folder) as found:
        apply_localizer(found)
        yield found


def test_every_labelled_image_gets_a_cluster_and_splits_find_a_place(project: Project) -> None:
    found = finish(FEW.find(project, LeftOut()))

    assert found.count == 4
    assert found.facts == {"found by": "CAM", "clusters per class": 2}
    for one in found.classes:
        assert set(one.image_ids) == set(project.catalog.ids(label=one.name))
        assert len(one.filled()) <= 2
    largest = max(found.classes, key=lambda one: len(one.image_ids))
    keep_clusters(project.results_folder, found)
    editor = ClusterEditor(project, found)
    editor.split(largest.name, largest.names[largest.assignment[0]], [largest.members(largest.assignment[0])[0]])


def test_features_are_computed_once_and_places_are_kept(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    first = finish(FEW.find(project, LeftOut()))
    keep_clusters(project.results_folder, first)
    one = max(first.classes, key=lambda one: len(one.image_ids))
    editor = ClusterEditor(project, first)
    moved = one.members(one.filled()[0])[0]
    editor.move([moved], one.name, one.names[one.filled()[-1]])

    def asked(*_: object) -> None:
        raise AssertionError("computed again")

    monkeypatch.setattr(feature_clusters, "class_features", asked)
    assert earlier_places(project)[project.classes.index(one.name)][moved] == one.filled()[-1]
    again = finish(replace(FEW, count=3).find(project, LeftOut()))
    kept = again.of(one.name)
    assert (kept.assignment == first.of(one.name).assignment).mean() >= 0.5
    np.testing.assert_allclose(np.abs(kept.coordinates[:, 0]), np.abs(one.coordinates[:, 0]), atol=1e-2)


def test_without_a_model_it_says_so(project_folder: Path) -> None:
    with Project.open(project_folder) as project, pytest.raises(StepError, match="No trained localize model"):
        finish(FEW.find(project, LeftOut()))
