"""The graph of patches: seeds are nodes of their own, shares are shares."""

from __future__ import annotations

import numpy as np
import pytest

from napari_wsss.pixels.patch_graph import build_graph, solve
from napari_wsss.pixels.superpixels import find_superpixels


@pytest.fixture(scope="module")
def graph():
    rows, columns = np.mgrid[:60, :80]
    image = np.stack([rows * 4, columns * 3, rows + columns], 2).astype(np.uint8)
    seeds = np.zeros((60, 80), np.uint8)
    seeds[10, 10:30], seeds[40, 50:70] = 2, 5
    return build_graph(find_superpixels(image), seeds, seeds > 0, np.array([0, 2, 5]))


def test_seeds_are_cut_out(graph):
    assert set(np.unique(graph.fixed)) == {1, 2}
    seeded = graph.nodes >= graph.free
    assert seeded.sum() == 40
    assert seeded[10, 10:30].all()
    assert (graph.first < graph.free).all()
    assert (graph.weights > 0).all()


def test_shares_lie_between_those_of_the_neighbours(graph):
    nothing = np.full((graph.free, 3), 1 / 3, np.float32)
    shares = solve(graph, nothing, np.zeros(graph.free, np.float32))
    np.testing.assert_allclose(shares.sum(1), 1, atol=0.01)
    assert shares.min() > -0.01
    np.testing.assert_array_equal(shares[graph.free :], np.eye(3)[graph.fixed])
    assert shares[graph.nodes[12, 20], 1] > shares[graph.nodes[38, 60], 1]


def test_what_is_expected_wins_where_it_weighs_most(graph):
    expected = np.tile(np.float32([1, 0, 0]), (graph.free, 1))
    shares = solve(graph, expected, np.full(graph.free, 100, np.float32))
    assert (shares[: graph.free].argmax(1) == 0).all()


def test_everything_seeded():
    seeds = np.ones((8, 8), np.uint8)
    graph = build_graph(find_superpixels(np.zeros((8, 8, 3), np.uint8)), seeds, seeds > 0, np.array([0, 1]))
    assert solve(graph, np.zeros((0, 2), np.float32), np.zeros(0, np.float32))[:, 1].all()
