from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from napari_wsss.clusters.edits import ClusterEdit, as_left, edits_of, effective, known_places
from napari_wsss.clusters.found import ClassClusters, Clusters, place_names
from napari_wsss.core.provenance import Provenance
from napari_wsss.project.project import Project

IDS = ("a.png", "b.png", "day 1/a.png", "day 1/ä.jpg")


def found(name: str, image_ids: tuple[str, ...], places: list[int]) -> ClassClusters:
    n = len(image_ids)
    coordinates = np.arange(3 * n, dtype=np.float32).reshape(n, 3) ** 2
    centres = np.stack([coordinates[np.asarray(places) == place].mean(0) for place in places])
    distances = np.linalg.norm(coordinates - centres, axis=1)
    return ClassClusters(
        name,
        image_ids,
        np.asarray(places),
        distances,
        coordinates,
        coordinates[:, :2],
        place_names(3),
        np.zeros(n, bool),
    )


@pytest.fixture
def machine() -> Clusters:
    """Return clusters of the four cats of the tiny project, and of its one dog."""
    classes = (found("cat", IDS, [0, 0, 1, 1]), found("dog", IDS[:1], [2]))
    return Clusters(classes, 3, Provenance("clusters"))


def test_changes_are_laid_over_in_order(machine: Clusters) -> None:
    edits = [
        ClusterEdit("move", 0, places={IDS[0]: 1}),
        ClusterEdit("rename", 0, names={1: "sitting"}),
        ClusterEdit("move", 0, places={IDS[0]: 2, "gone.png": 0}),
    ]
    cats = effective(machine, edits).of("cat")

    assert cats.assignment.tolist() == [2, 0, 1, 1]
    assert cats.names == ("1", "sitting", "3")
    assert cats.by_person.tolist() == [True, False, False, False]
    assert effective(machine, edits).of("dog") is not None
    assert machine.of("cat").assignment.tolist() == [0, 0, 1, 1]


def test_distances_are_measured_anew_where_clusters_changed(machine: Clusters) -> None:
    cats = effective(machine, [ClusterEdit("move", 0, places={IDS[0]: 2})]).of("cat")

    assert cats.distances[:2].tolist() == [0, 0]  # each alone now
    np.testing.assert_array_equal(cats.distances[2:], machine.of("cat").distances[2:])


def test_places_beyond_the_count_are_left_out(machine: Clusters) -> None:
    cats = effective(machine, [ClusterEdit("move", 0, places={IDS[0]: 3}, names={3: "x"})]).of("cat")
    assert cats.assignment.tolist() == [0, 0, 1, 1]


def test_images_without_the_label_are_left_out(project: Project, machine: Clusters) -> None:
    project.set_labels(IDS[2], ["dog"])

    left = as_left(project, machine)

    assert left.of("cat").image_ids == (IDS[0], IDS[1], IDS[3])
    assert left.of("cat").assignment.tolist() == [0, 0, 1]
    project.set_labels(IDS[2], ["cat"])
    assert as_left(project, machine).of("cat").image_ids == IDS


def test_renamed_and_added_classes_are_those_of_the_project(project: Project, machine: Clusters) -> None:
    project.rename_class("cat", "lynx")
    project.add_class("bird")

    left = as_left(project, machine)

    assert [one.name for one in left.classes] == ["lynx", "dog", "wild boar", "bird"]
    assert left.of("lynx").image_ids == IDS
    assert left.columns().sum() == 3


def test_a_record_of_the_journal_gives_the_same_change(project: Project, tmp_path: Path) -> None:
    edit = ClusterEdit("split", 1, {"a.png": 2}, {2: "x"}, ("b.png",), {"b.png": 0}, "dog: split")
    entry = project.journal.append("cluster", None, None, edit.to_dict())

    (read,) = edits_of(project)

    assert read == ClusterEdit.from_entry(entry)
    assert read.to_dict() == edit.to_dict()


def test_a_new_clustering_is_matched_with_what_a_person_touched() -> None:
    edits = [
        ClusterEdit("rename", 0, anchors={"a": 1, "b": 1}),
        ClusterEdit("move", 0, places={"b": 0}, anchors={"c": 0}),
        ClusterEdit("move", 1, places={"z": 2}),
    ]
    assert known_places(edits, 0) == {"a": 1, "b": 0, "c": 0}
