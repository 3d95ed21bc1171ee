from __future__ import annotations

import sys
from types import SimpleNamespace

import numpy as np
import pytest

from training.clusters.clustering import Clustering, k_means, matched_places, principal_components, unit

IDS = tuple(f"{number}.jpg" for number in range(12))


@pytest.fixture
def features() -> np.ndarray:
    """Return three groups of four features, far apart."""
    random = np.random.default_rng(0)
    centres = np.repeat(np.eye(3, 8) * 10, 4, axis=0)
    return (centres + random.normal(size=(12, 8))).astype(np.float32)


def test_groups_are_found_and_measured(features: np.ndarray) -> None:
    found = Clustering(3, 0)("cat", IDS, features, {})

    assert [len(set(found.assignment[start : start + 4])) for start in (0, 4, 8)] == [1, 1, 1]
    assert found.filled() == (0, 1, 2)
    nearest = found.members(int(found.assignment[0]), 1)[0]
    distances = np.linalg.norm(features[:4] - features[:4].mean(0), axis=1)
    assert nearest == IDS[distances.argmin()]
    np.testing.assert_allclose(found.distances[:4], distances, rtol=1e-4)
    assert found.projection.shape == (12, 2)
    assert not found.by_person.any()


def test_equal_input_gives_equal_clusters(features: np.ndarray) -> None:
    first, second = (Clustering(3, 5)("cat", IDS, features, {}) for _ in range(2))
    np.testing.assert_array_equal(first.assignment, second.assignment)
    np.testing.assert_array_equal(first.projection, second.projection)


@pytest.mark.parametrize(("images", "clusters"), [(0, 0), (1, 1), (2, 2), (12, 5)])
def test_a_class_has_no_more_clusters_than_images(features: np.ndarray, images: int, clusters: int) -> None:
    found = Clustering(5, 0)("cat", IDS[:images], features[:images], {})

    assert len(found.filled()) == clusters
    assert len(found.names) == 5
    assert found.projection.shape == (images, 2)


def test_equal_features_share_a_cluster() -> None:
    found, centres = k_means(np.ones((6, 4), np.float32), 3, 0)
    assert set(found.tolist()) == {0}
    assert centres.shape == (1, 4)


def test_clusters_keep_the_places_of_the_same_images(features: np.ndarray) -> None:
    earlier = dict(zip(IDS, [4] * 4 + [1] * 4 + [3] * 4, strict=True))
    earlier[IDS[0]] = 1  # a minority does not count

    found = Clustering(5, 0)("cat", IDS, np.round(features / 10), earlier)

    assert found.assignment.tolist() == [4] * 4 + [1] * 4 + [3] * 4


def test_places_that_no_longer_exist_are_not_taken() -> None:
    places = matched_places(np.array([0, 0, 1, 1]), [7, 7, 0, 0], 2)
    assert places.tolist() == [1, 0]


def test_unit_features_cluster_by_direction() -> None:
    features = np.array([[1, 0.1], [10, 1.1], [0.1, 1], [1.1, 10]], np.float32)
    found = Clustering(2, 0, unit_features=True)("cat", IDS[:4], features, {})
    assert found.assignment[0] == found.assignment[1] != found.assignment[2] == found.assignment[3]
    np.testing.assert_allclose(np.linalg.norm(unit(features), axis=1), 1, rtol=1e-6)


def test_principal_components_are_ordered_and_keep_distances(features: np.ndarray) -> None:
    axes = principal_components(features, 8)
    spread = axes.var(0)
    assert np.all(np.diff(spread) <= 1e-6)
    distance = np.linalg.norm(features[0] - features[7])
    assert np.linalg.norm(axes[0] - axes[7]) == pytest.approx(distance, rel=1e-4)


def test_many_features_are_decomposed_approximately(monkeypatch: pytest.MonkeyPatch) -> None:
    random = np.random.default_rng(0)
    features = (random.normal(size=(90, 60)) * 0.5 ** np.arange(60)).astype(np.float32)
    exact = principal_components(features, 5)
    monkeypatch.setattr("training.clusters.clustering._EXACT_SIDE", 50)

    np.testing.assert_allclose(principal_components(features, 5), exact, atol=1e-3)


def test_umap_draws_where_it_is_installed(features: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> None:
    class Umap:
        def __init__(self, **options: object) -> None:
            assert options["random_state"] == 3

        def fit_transform(self, values: np.ndarray) -> np.ndarray:
            return np.full((len(values), 2), 7.0)

    monkeypatch.setitem(sys.modules, "umap", SimpleNamespace(UMAP=Umap))
    found = Clustering(3, 3, projection="umap")("cat", IDS, features, {})
    assert np.all(found.projection == 7)


def test_places_may_be_left_free_for_a_person(features: np.ndarray) -> None:
    found = Clustering(2, 0, places=5)("cat", IDS, features, dict.fromkeys(IDS, 4))

    assert len(found.filled()) == 2
    assert 4 in found.filled()
    assert len(found.names) == 5
