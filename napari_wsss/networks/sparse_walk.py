"""One step of a random walk as a sparse matrix, for devices on which many small operations are slow."""

from collections.abc import Sequence

import torch
from torch import Tensor


def transition_matrix(weights: Tensor, shifts: Sequence[int], share: Tensor) -> Tensor:
    """Return the matrix (N,N), sparse, that replaces each cell by the weighted mean of itself and its partners.

    Parameters
    ----------
    weights : (P, N) float32
        Of each cell and its partner at each shift; zeros are left out.
    shifts : sequence of int
        From a cell to its partner.
    share : (N,) float32
        1 / (1 + sum of all weights of a cell).
    """
    count = len(share)
    own = torch.arange(count, device=weights.device)
    pair, here = weights.nonzero(as_tuple=True)
    there = here + torch.tensor(shifts, device=weights.device)[pair]
    rows, columns = torch.cat([own, here, there]), torch.cat([own, there, here])
    values = torch.cat([torch.ones_like(share), weights[pair, here].repeat(2)]) * share[rows]
    places = torch.stack([rows, columns])
    return torch.sparse_coo_tensor(places, values, (count, count), check_invariants=False).coalesce()
