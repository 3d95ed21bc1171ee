from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from napari_wsss.clusters.editor import ClusterEditor
from napari_wsss.clusters.found import Clusters, latest_clusters, read_clusters
from napari_wsss.core.errors import ParameterError
from napari_wsss.core.progress import finish
from napari_wsss.core.provenance import Provenance
from napari_wsss.core.trunk_choice import TrunkChoice
from napari_wsss.localize.base import Localizer
from napari_wsss.project.project import Project
from training.clusters.clustering import Clustering
from training.clusters.round_clusters import RoundClusters
from training.data.pictures import Pictures, training_records
from training.run_folder import RunFolder

COUNT = 2


@pytest.fixture
def project(project_folder: Path) -> Iterator[Project]:
    with Project.open(project_folder) as opened:
        yield opened


@pytest.fixture
def run(project: Project) -> RunFolder:
    """Return a run whose round 0 left a model."""
    made = RunFolder.create(project.training_folder, "classifier", Provenance("training.classifier"), {})
    torch.manual_seed(0)
    localizer = Localizer.build("sub_category", TrunkChoice("resnet18", width=1 / 16), class_count=len(project.classes))
    localizer.save(made.path / "round-0" / "last.safetensors", project.classes, {})
    return made


def rounds(project: Project, run: RunFolder, count: int = COUNT) -> RoundClusters:
    records = [record for record in training_records(project) if record.labels]
    return RoundClusters(project, run, Clustering(count, 0), records, Pictures(project, 1024), torch.device("cpu"))


def learned(project: Project, run: RunFolder, number: int = 1) -> Clusters | None:
    extractor = run.path / "round-0" / "last.safetensors"
    folder = run.path / f"round-{number}"
    return finish(rounds(project, run).learned(number, folder, extractor))


def test_every_labelled_image_is_in_a_cluster_of_each_of_its_classes(project: Project, run: RunFolder) -> None:
    found = learned(project, run)

    assert found is not None
    for record in training_records(project):
        row = found.sub_labels([record.id])[record.id].reshape(len(project.classes), COUNT)
        assert row.sum(1).tolist() == project.classes.vector(record.labels).astype(int).tolist()


def test_the_machines_clusters_and_what_was_learned_are_kept_apart(project: Project, run: RunFolder) -> None:
    found = learned(project, run)
    assert found is not None
    machine = latest_clusters(project.results_folder)
    assert machine is not None
    name = max(found.classes, key=lambda one: len(one.image_ids)).name
    ClusterEditor(project, machine).rename(name, found.of(name).names[found.of(name).filled()[0]], "mine")

    again = learned(project, run)

    kept = read_clusters(run.path / "round-1" / "clusters.npz")
    assert again is not None
    assert kept is not None
    assert "mine" not in again.of(name).names  # the round goes on with what it began with
    later = learned(project, run, 2)
    assert later is not None
    assert "mine" in later.of(name).names
    assert machine.provenance.weights
    np.testing.assert_array_equal(kept.columns(), machine.columns())


def test_a_stop_leaves_nothing(project: Project, run: RunFolder) -> None:
    run.request_stop()

    assert learned(project, run) is None
    assert latest_clusters(project.results_folder) is None
    assert not (run.path / "round-1" / "clusters.npz").exists()


def test_without_an_extractor_the_projects_clusters_are_taken(project: Project, run: RunFolder) -> None:
    with pytest.raises(ParameterError, match="no clusters to start from"):
        finish(rounds(project, run).learned(1, run.path / "round-1", None))
    found = learned(project, run)
    assert found is not None

    taken = finish(rounds(project, run).learned(1, run.path / "other", None))

    assert taken is not None
    np.testing.assert_array_equal(taken.columns(), found.columns())
    with pytest.raises(ParameterError, match="for 2 sub-categories"):
        finish(rounds(project, run, 3).learned(1, run.path / "third", None))
