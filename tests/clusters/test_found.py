from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from napari_wsss.clusters.found import (
    ClassClusters,
    Clusters,
    keep_clusters,
    latest_clusters,
    no_clusters,
    place_names,
    read_clusters,
    sub_label_matrix,
    write_clusters,
)
from napari_wsss.core.errors import LabelError
from napari_wsss.core.provenance import Provenance


def class_clusters(name: str, places: list[int], count: int = 3, prefix: str = "") -> ClassClusters:
    n = len(places)
    return ClassClusters(
        name,
        tuple(f"{prefix}{number}.jpg" for number in range(n)),
        np.asarray(places, np.int64),
        np.arange(n, 0, -1, dtype=np.float32),
        np.arange(2 * n, dtype=np.float32).reshape(n, 2),
        np.zeros((n, 2), np.float32),
        place_names(count),
        np.zeros(n, bool),
    )


@pytest.fixture
def clusters() -> Clusters:
    """Return clusters of cats (places 0, 0, 2), of no dog, and of two boars that are also cats."""
    classes = (class_clusters("cat", [0, 0, 2]), no_clusters("dog", 3), class_clusters("wild boar", [1, 1]))
    return Clusters(classes, 3, Provenance("clusters", {"seed": 0}, "ab"), {"round": 2, "run": "x"}, made=5.0)


def test_a_cluster_names_its_images_nearest_first(clusters: Clusters) -> None:
    cats = clusters.of("cat")

    assert cats.filled() == (0, 2)
    assert cats.members(0) == ("1.jpg", "0.jpg")
    assert cats.members(0, 1) == ("1.jpg",)
    assert cats.place("3") == 2
    with pytest.raises(LabelError, match="it has: 1, 3"):
        cats.place("2")
    with pytest.raises(LabelError, match="cat, dog, wild boar"):
        clusters.of("bird")


def test_columns_are_class_major(clusters: Clusters) -> None:
    assert np.flatnonzero(clusters.columns()).tolist() == [0, 2, 7]


def test_sub_labels_have_one_place_per_class(clusters: Clusters) -> None:
    labels = clusters.sub_labels(["1.jpg", "2.jpg", "new.jpg"])

    assert {image_id: np.flatnonzero(row).tolist() for image_id, row in labels.items()} == {
        "1.jpg": [0, 7],
        "2.jpg": [2],
        "new.jpg": [],
    }


def test_sub_label_matrix_skips_absent_classes() -> None:
    assert np.flatnonzero(sub_label_matrix(np.array([[-1, 1], [0, -1]]), 2)).tolist() == [3, 4]


def test_a_file_gives_the_same_clusters(clusters: Clusters, tmp_path: Path) -> None:
    write_clusters(tmp_path / "c.npz", clusters)
    found = read_clusters(tmp_path / "c.npz")

    assert found is not None
    assert (found.count, found.provenance, found.made) == (3, clusters.provenance, 5.0)
    assert found.facts == clusters.facts
    for one, same in zip(clusters.classes, found.classes, strict=True):
        assert (one.name, one.image_ids, one.names) == (same.name, same.image_ids, same.names)
        for part in ("assignment", "distances", "coordinates", "projection", "by_person"):
            np.testing.assert_array_equal(getattr(one, part), getattr(same, part))


@pytest.mark.parametrize("keep", [0, 100, -1])
def test_a_damaged_file_reads_as_none(clusters: Clusters, tmp_path: Path, keep: int) -> None:
    write_clusters(tmp_path / "c.npz", clusters)
    content = (tmp_path / "c.npz").read_bytes()
    (tmp_path / "c.npz").write_bytes(content[:keep])

    assert read_clusters(tmp_path / "c.npz") is None
    assert read_clusters(tmp_path / "missing.npz") is None


def test_the_latest_of_the_results_is_found(clusters: Clusters, tmp_path: Path) -> None:
    assert latest_clusters(tmp_path) is None
    keep_clusters(tmp_path, clusters)
    newer = Clusters(clusters.classes, 3, Provenance("clusters", {"seed": 1}), {}, made=9.0)
    damaged = keep_clusters(tmp_path, Clusters((no_clusters("cat", 3),), 3, Provenance("clusters", {}), made=11.0))
    damaged.write_bytes(b"")
    keep_clusters(tmp_path, newer)

    found = latest_clusters(tmp_path)

    assert found is not None
    assert found.provenance == newer.provenance
