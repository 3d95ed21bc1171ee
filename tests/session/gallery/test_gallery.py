"""The gallery of a small project: what it shows, gestures and their undo, and what follows them."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from napari_wsss.clusters.found import ClassClusters, Clusters, keep_clusters, no_clusters, place_names
from napari_wsss.core.errors import LabelError, StepError
from napari_wsss.core.provenance import Provenance
from napari_wsss.project.project import Project
from napari_wsss.session.gallery import gallery as gallery_module
from napari_wsss.session.gallery.gallery import Gallery
from napari_wsss.session.runs.child import run_stage
from tests.session.conftest import Sitting

COUNT = 6


def keep_sample_clusters(project: Project, count: int = COUNT) -> Clusters:
    """Publish clusters of the images labelled red, in turns of two and of one: red 1, red 2; and return them."""
    ids = tuple(project.catalog.ids(label="red"))
    places = np.asarray([0 if number % 3 else 1 for number in range(len(ids))], np.int64)
    coordinates = np.stack([places * 4.0, np.arange(len(ids)) * 0.5], 1).astype(np.float32)
    distances, by_person = np.arange(len(ids), dtype=np.float32), np.zeros(len(ids), bool)
    red = ClassClusters("red", ids, places, distances, coordinates, coordinates, place_names(count), by_person)
    others = [no_clusters(name, count) for name in project.classes.names[1:]]
    clusters = Clusters((red, *others), count, Provenance("clusters"))
    keep_clusters(project.results_folder, clusters)
    return clusters


def with_clusters(sitting: Sitting) -> Gallery:
    """Give the sitting's project clusters and return its gallery, which has read them."""
    assert sitting.session.project is not None
    keep_sample_clusters(sitting.session.project)
    sitting.session.gallery.reload()
    sitting.settle()
    return sitting.session.gallery


@pytest.fixture
def gallery(computed: Sitting) -> Gallery:
    return with_clusters(computed)


def test_rows_are_the_clusters_with_what_became_of_them(computed: Sitting, gallery: Gallery) -> None:
    session = computed.session
    assert session.project is not None
    assert [(row.full_name, row.members) for row in gallery.rows("red")] == [
        ("red 1", ("p1.png", "p2.png", "p4.png", "p5.png")),
        ("red 2", ("p0.png", "p3.png")),
    ]
    assert gallery.rows("green") == gallery.rows("unknown") == ()
    assert session.project.catalog.clusters.names() == ("red 1", "red 2")

    session.navigation.go_to("p1.png")
    session.decisions.accept()
    assert gallery.rows("red")[0].facts.accepted == gallery.rows("red")[0].facts.by_hand == 1


def test_gestures_reach_table_and_queue_and_are_taken_back(computed: Sitting, gallery: Gallery) -> None:
    session, told = computed.session, []
    gallery.changed.connect(lambda: told.append(1))
    assert session.project is not None
    assert gallery.undo_text == ""
    session.navigation.set_search('cluster:"red 2"')
    assert session.navigation.queue is not None
    assert len(session.navigation.queue) == 2

    gallery.move(["p1.png"], "red", "2")
    assert len(session.navigation.queue) == 3
    gallery.rename("red", "2", "left")
    assert session.navigation.queue.search == 'cluster:"left"'
    session.navigation.set_search('cluster:"red 1"')
    gallery.merge("red", ["left", "1"])
    assert session.navigation.queue.search == ""  # nothing is left to search for
    assert "no such cluster" in computed.notices[-1]
    assert [row.full_name for row in gallery.rows("red")] == ["left"]
    gallery.split("red", "left", ["p4.png", "p5.png"])
    assert session.project.catalog.clusters.names() == ("left", "red 1")
    assert "split" in gallery.undo_text
    for _ in range(4):
        gallery.undo()
    assert [len(row.members) for row in gallery.rows("red")] == [4, 2]
    assert session.project.catalog.clusters.names() == ("red 1", "red 2")
    assert len(told) == 8
    with pytest.raises(LabelError, match="no cluster"):
        gallery.rename("red", "nobody", "x")


def test_not_this_class_takes_the_label_and_the_proposal_and_gives_both_back(
    computed: Sitting, gallery: Gallery
) -> None:
    session, edited = computed.session, []
    session.signals.labels_changed.connect(edited.append)
    session.navigation.go_to("p1.png")
    gallery.not_this_class(["p1.png", "p4.png"], "red")
    computed.settle()

    assert edited == ["p1.png", "p4.png"]
    assert session.table.record is not None
    assert session.table.record.labels == {"green"}
    assert session.table.proposal is not None
    assert not (session.table.proposal == 1).any()
    assert "p1.png" not in gallery.rows("red")[0].members
    gallery.undo()
    computed.settle()
    assert (session.table.proposal == 1).any()
    assert gallery.rows("red")[0].members == ("p1.png", "p2.png", "p4.png", "p5.png")


def test_labels_edited_elsewhere_and_renamed_classes_are_followed(computed: Sitting, gallery: Gallery) -> None:
    project = computed.session.project
    assert project is not None
    computed.session.labels.remove("red", "p5.png")
    computed.settle()
    assert project.catalog.clusters.of("p5.png") == ()
    computed.session.labels.add("red", "p5.png")
    computed.settle()
    assert project.catalog.clusters.of("p5.png") == ("red 1",)
    computed.session.class_list.rename("red", "rot")
    computed.settle()
    assert [row.full_name for row in gallery.rows("rot")] == ["rot 1", "rot 2"]
    assert project.catalog.clusters.names() == ("rot 1", "rot 2")


def test_parameters_of_a_cluster_follow_its_images(computed: Sitting, gallery: Gallery) -> None:
    session = computed.session
    values = {"background_threshold": 0.99}
    session.parameters.set("refine", "constant_background", values, "cluster:red 2")
    session.navigation.go_to("p1.png")
    assert session.sliders.threshold == pytest.approx(0.5)
    gallery.move(["p1.png"], "red", "2")
    assert session.sliders.threshold == pytest.approx(0.99)


def test_clusters_are_found_by_a_child_process(
    computed: Sitting, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    gallery, project = computed.session.gallery, computed.session.project
    assert project is not None
    child = tmp_path / "child.py"
    child.write_text("import sys\nsys.exit(0 if sys.argv[1] == 'clusters' and '3' in sys.argv else 9)")
    program = (sys.executable, str(child))
    monkeypatch.setattr(gallery_module, "run_stage", lambda *given: run_stage(*given, program=program))
    gallery.find(3)
    assert gallery.finding
    keep_sample_clusters(project)
    computed.settle()
    assert not gallery.finding
    assert not computed.failures
    assert len(gallery.rows("red")) == 2


def test_without_a_model_nothing_is_looked_for(sitting: Sitting) -> None:
    with pytest.raises(StepError, match="none is applied"):
        sitting.session.gallery.find(4)
    with pytest.raises(LabelError, match="no clusters yet"):
        sitting.session.gallery.rename("red", "1", "x")
