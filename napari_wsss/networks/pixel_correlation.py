"""The pixel correlation module (PCM) of SEAM (Wang et al., CVPR 2020, section 3.4).

With features f_i of the cells i, f^ = f / (||f|| + e), and maps n_i (one value per class)::

    A_ij  = ReLU(f^_i . f^_j)                  cosine of two cells, similar ones only
    out_j = sum_i n_i A_ij / (sum_i A_ij + e)  every cell becomes a mean of the cells it looks like

All pairs of N cells are compared, but never held at once: columns j are done block by block, and where gradients are
wanted each block is computed again on the way back.
"""

import torch
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from napari_wsss.networks.traced import is_tracing

EPSILON = 1e-5
# Pairs of cells held at once when no block is given: 64 MiB in single precision.
_PAIRS = 2**24


def correlate(maps: Tensor, features: Tensor, *, power: float = 1.0, block: int = 0) -> Tensor:
    """Return maps (B,C,h,w) float32 in which every cell is the mean of the cells whose features are similar.

    Parameters
    ----------
    maps : (B, C, h, w)
        Any values; without gradient where they are wanted as constants.
    features : (B, D, h, w)
        Of any length per cell: only directions are compared.
    power : float
        Exponent of A, 1 in SEAM: more leaves only the most similar cells, which features that are nowhere negative
        need.
    block : int
        Cells j done at once, at ``4 B h w block`` bytes; 0 takes as many as keep to 64 MiB.

    Raises
    ------
    ValueError
        When maps and features have different grids.
    """
    if maps.shape[2:] != features.shape[2:] or len(maps) != len(features):
        raise ValueError(
            f"Maps {tuple(maps.shape)} and features {tuple(features.shape)} differ in images or grid; resize one."
        )
    # Cosines of the many cells that are summed want single precision, whatever the network runs in.
    with torch.autocast(maps.device.type, enabled=False):
        dtype = torch.promote_types(features.dtype, torch.float32)
        cells = _unit(features.to(dtype)).flatten(2)  # (B, D, N)
        counted = torch.cat([maps.to(dtype), torch.ones_like(maps[:, :1], dtype=dtype)], 1).flatten(2)  # (B, C+1, N)
        total = _blocks(counted, cells, power, block or max(1, _PAIRS // (cells.shape[0] * cells.shape[2])))
        return (total[:, :-1] / (total[:, -1:] + EPSILON)).reshape(maps.shape)


@torch.no_grad()
def competing(maps: Tensor, *, winners_only: bool = True) -> Tensor:
    """Return what SEAM lets into the module, (B,1+C,h,w) in [0, 1], without gradient: each cell's strongest class.

    Parameters
    ----------
    maps : (B, 1+C, h, w)
        Raw class maps; the first channel, the background's, is only a placeholder.
    winners_only : bool
        Keep a class only where no other is stronger (ties are kept), as published; otherwise everywhere.

    Returns
    -------
    Tensor
        Each class divided by its maximum; first ``1 - strongest``. All classes compete: image-level labels are not
        asked.
    """
    positive = maps[:, 1:].relu()
    highest = positive.amax((2, 3), keepdim=True) + EPSILON
    normed = (positive - EPSILON).relu() / highest
    strongest = normed.amax(1, keepdim=True)
    kept = torch.where(normed == strongest, normed, 0.0) if winners_only else normed
    return torch.cat([1 - strongest, kept], 1)


def _unit(features: Tensor) -> Tensor:
    length: Tensor = torch.linalg.vector_norm(features, dim=1, keepdim=True)
    return features / (length + EPSILON)


def _blocks(counted: Tensor, cells: Tensor, power: float, block: int) -> Tensor:
    """Return counted . A^power (B,C+1,N), `block` columns at a time."""
    # A graph that is written down holds for images of any size, so its blocks cannot be counted.
    columns = (cells,) if is_tracing() else torch.split(cells, block, dim=2)
    if len(columns) == 1 or not (torch.is_grad_enabled() and (cells.requires_grad or counted.requires_grad)):
        return torch.cat([_gathered(counted, cells, some, power) for some in columns], 2)
    again = [
        checkpoint(_gathered, counted, cells, some, power, use_reentrant=False, preserve_rng_state=False)
        for some in columns
    ]
    return torch.cat(again, 2)


def _gathered(counted: Tensor, cells: Tensor, columns: Tensor, power: float) -> Tensor:
    affinity = torch.bmm(cells.transpose(1, 2), columns).relu_()  # (B, N, block)
    if power != 1:
        affinity = affinity**power
    return torch.bmm(counted, affinity)  # (B, C+1, block)
