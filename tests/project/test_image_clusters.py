"""The table of image clusters of a small project: what it answers, and that it changes as a whole."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from napari_wsss.core.classes import ClassList
from napari_wsss.project.image_clusters import ClusterFacts, ClusterRow
from napari_wsss.project.project import Project
from napari_wsss.project.records import NewImage
from tests.tiny_project import set_scores

IDS = ("a.png", "b.png", "c.png", "d.png")
ROWS = [
    ClusterRow("a.png", 0, "dog 1", 2.0),
    ClusterRow("b.png", 0, "dog 1", 1.0),
    ClusterRow("b.png", 1, "cat 1", 0.5),
    ClusterRow("c.png", 0, "lying", 0.0),
    ClusterRow("d.png", 0, "dog 1", 3.0),
]
MASK = np.zeros((4, 4), np.uint8)


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    root = tmp_path / "images"
    root.mkdir()
    for image_id in IDS:
        Image.fromarray(np.zeros((4, 4, 3), np.uint8)).save(root / image_id)
    images = [NewImage(image_id, frozenset({"dog"})) for image_id in IDS]
    with Project.create(tmp_path / "project", root, ClassList(("dog", "cat")), images) as made:
        made.catalog.clusters.replace(ROWS)
        yield made


def test_an_image_has_its_clusters_in_the_order_of_the_classes(project: Project) -> None:
    clusters = project.catalog.clusters
    assert clusters.of("b.png") == ("dog 1", "cat 1")
    assert clusters.of("unknown.png") == ()
    assert {one.id: one.clusters for one in project.catalog.records()} == {one: clusters.of(one) for one in IDS}
    assert clusters.names() == ("dog 1", "lying", "cat 1")
    assert clusters.members("dog 1") == ("b.png", "a.png", "d.png")


def test_facts_tell_batches_from_single_decisions(project: Project) -> None:
    clusters = project.catalog.clusters
    project.review.accept("a.png", MASK, {"edited": 0.5})
    project.review.accept("b.png", MASK, {"edited": 0.1, "batch": "dog 1"})

    facts = clusters.facts("dog")
    assert facts["dog 1"] == ClusterFacts(3, 2, 1, pytest.approx(0.3))
    assert facts["lying"] == ClusterFacts(1, 0, 0, None)
    project.review.undo()
    assert clusters.facts("dog")["dog 1"] == ClusterFacts(3, 1, 1, pytest.approx(0.5))


def test_only_untouched_images_with_a_sure_proposal_are_found(project: Project) -> None:
    set_scores(project.catalog, {"a.png": 0.1, "b.png": 0.4, "d.png": 0.1})
    project.catalog.set_facts("a.png", stale=False)
    found = project.catalog.clusters.surer_than
    assert found("dog 1", 0.6) == ("a.png", "d.png", "b.png")
    assert found("dog 1", 0.9) == ("a.png", "d.png")
    assert project.catalog.clusters.unmeasured("dog 1") == ()
    assert project.catalog.clusters.unmeasured("lying") == ("c.png",)
    project.review.record_stroke("a.png", np.array([0]), np.array([1], np.uint8))
    project.catalog.set_facts("d.png", stale=True)
    assert found("dog 1", 0.0) == ("b.png",)


def test_the_table_is_replaced_by_what_differs(project: Project) -> None:
    clusters = project.catalog.clusters
    assert not clusters.replace(reversed(ROWS))
    assert clusters.replace(
        [row for row in ROWS if row.image_id in "a.png d.png"] + [ROWS[3]._replace(cluster="dog 1")]
    )
    assert clusters.of("b.png") == ()
    assert clusters.members("dog 1") == ("c.png", "a.png", "d.png")
    assert clusters.replace(())
    assert clusters.names() == ()
