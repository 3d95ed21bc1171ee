"""Following displacements to centres, and instances from what arrives there."""

from __future__ import annotations

import numpy as np
import pytest

from training.stages.instance_maps import Instances, cluster, follow, masks_of, split

HEIGHT, WIDTH, CENTRES = 12, 26, ((5.0, 6.0), (6.0, 19.0))


@pytest.fixture
def towards_two_centres() -> np.ndarray:
    """Displacements of a picture whose left half points to one place, the right half to another."""
    places = np.indices((HEIGHT, WIDTH)).astype(np.float32)
    left = np.arange(WIDTH) < WIDTH // 2
    wanted = np.where(left, *(np.array(centre)[:, None, None] for centre in CENTRES))
    return (wanted - places).astype(np.float32)


def test_cells_arrive_at_the_centre_they_point_to(towards_two_centres: np.ndarray) -> None:
    places = follow(towards_two_centres)

    np.testing.assert_allclose(places[:, 0, 0], CENTRES[0], atol=1e-4)
    np.testing.assert_allclose(places[:, -1, -1], CENTRES[1], atol=1e-4)


def test_nothing_moves_without_displacements_and_nothing_leaves_the_grid() -> None:
    still = np.zeros((2, 3, 5), np.float32)

    np.testing.assert_array_equal(follow(still), np.indices((3, 5)))
    assert follow(still + 100)[:, 0, 0].tolist() == [2, 4]
    assert follow(np.full((2, 1, 1), -3, np.float32)).tolist() == [[[0]], [[0]]]


def test_places_between_cells_are_bilinear() -> None:
    field = np.zeros((2, 1, 3), np.float32)
    field[1, 0] = (0.5, 1, 0)

    # 0 -> 0.5 -> 0.5 + (0.5 + 1) / 2
    assert follow(field, steps=2)[1, 0, 0] == pytest.approx(1.25)


def test_two_centres_are_two_clusters(towards_two_centres: np.ndarray) -> None:
    found = cluster(towards_two_centres)

    assert len(np.unique(found)) == 2
    assert len(np.unique(found[:, : WIDTH // 2])) == 1
    assert found[0, 0] != found[0, -1]


def test_maps_are_split_by_class_and_cluster(towards_two_centres: np.ndarray) -> None:
    maps = np.zeros((2, HEIGHT, WIDTH), np.float32)
    maps[0, 3:8] = 0.5  # in both clusters
    maps[1, :, -4:] = 1  # in one of them

    parts, classes = split(maps, cluster(towards_two_centres))

    assert classes.tolist() == [0, 0, 1]
    np.testing.assert_array_equal(parts[:2].sum(0), maps[0])


def test_instances_do_not_overlap_and_come_strongest_first() -> None:
    scores = np.zeros((3, 10, 10), np.float32)
    scores[0, :5], scores[1, 3:], scores[2, 0, 0] = 0.6, 0.9, 1.0

    found = masks_of(scores, np.array([4, 2, 2]), smallest=0.02)

    assert found.classes.tolist() == [2, 4]  # one pixel is a fragment
    assert found.scores.tolist() == pytest.approx([0.9, 0.6])
    assert found.masks.sum((1, 2)).tolist() == [70, 29]
    assert np.unique(found.numbered()).tolist() == [0, 1, 2]


@pytest.mark.parametrize("count", [0, 1])
def test_nothing_above_the_threshold_is_no_instance(count: int) -> None:
    found = masks_of(np.full((count, 4, 6), 0.2, np.float32), np.zeros(count, np.intp))

    assert isinstance(found, Instances)
    assert found.masks.shape == (0, 4, 6)
    assert not found.numbered().any()
