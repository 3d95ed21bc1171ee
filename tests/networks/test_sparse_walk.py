"""The sparse matrix of a walk: rows are means, pairs count both ways."""

from __future__ import annotations

import torch

from napari_wsss.networks.sparse_walk import transition_matrix


def test_rows_are_weighted_means() -> None:
    weights = torch.tensor([[0.5, 0.0, 0.25, 0.0], [0.0, 1.0, 0.0, 0.0]])
    sums = torch.tensor([1.5, 1.5 + 1.0, 1.25, 1.25 + 1.0])

    found = transition_matrix(weights, [1, 2], 1 / sums).to_dense()

    expected = torch.eye(4)
    expected[0, 1] = expected[1, 0] = 0.5
    expected[2, 3] = expected[3, 2] = 0.25
    expected[1, 3] = expected[3, 1] = 1.0
    torch.testing.assert_close(found, expected / sums[:, None])
    torch.testing.assert_close(found.sum(1), torch.ones(4))
