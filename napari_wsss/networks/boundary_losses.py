"""The losses of IRNet (Ahn et al., CVPR 2019, equations 3, 4, 6 and 7; weights of the public code).

Over pairs (i, j) of cells, with a_ij = 1 - the largest edge on the way, and displacements D in cells::

    affinity            mean of -log a_ij over pairs of background, and of one class, 1/4 each
                        mean of -log(1 - a_ij) over pairs of different classes, 1/2
    displacement        mean of |D(i) - D(j) - (j - i)| over pairs of one class, 1/2
                        mean of |D(i) - D(j)|           over pairs of background, 1/2
"""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from napari_wsss.networks.across import total
from napari_wsss.networks.neighbourhood import Offset, barrier_affinities, overlap, pair_labels, sources

# As in the public code: it keeps logarithms and empty means defined.
_EPSILON = 1e-5
# Directions held at once: all 152 of radius 10 are 0.3 GB of ways alone for one picture of 512 pixels.
_AT_ONCE = 8


def boundary_losses(
    edge: Tensor, displacement: Tensor, labels: Tensor, offsets: Sequence[Offset], *, ignore: int
) -> dict[str, Tensor]:
    """Return the five weighted losses of a batch; their sum is minimised.

    Cells whose partners do not all lie inside are no first cell of a pair, as published (unless there is no other).

    Parameters
    ----------
    edge : (B, 1, h, w)
        Logits of boundaries.
    displacement : (B, 2, h, w)
        (dy, dx) in cells, without the mean subtracted.
    labels : (B, h, w) integer
        0 background, other numbers classes.
    offsets : sequence of (dy, dx)
        Partners of a cell.
    ignore : int
        Label of undecided cells.
    """
    edges, cells = edge[:, 0].float().sigmoid(), displacement.float()
    height, width = labels.shape[1:]
    first = sources(height, width, offsets).to(labels.device)
    sums = edges.new_zeros(2, 5)
    for start in range(0, len(offsets), _AT_ONCE):
        some = offsets[start : start + _AT_ONCE]
        sums = sums + checkpoint(_sums, edges, cells, labels, first, some, ignore, use_reentrant=False)
    sums = total(sums)
    means = sums[0] / (sums[1] + _EPSILON)
    return {
        "background": means[0] / 4,
        "foreground": means[1] / 4,
        "different": means[2] / 2,
        "displacement": means[3] / 2,
        "displacement_background": means[4] / 2,
    }


def _sums(
    edges: Tensor, displacement: Tensor, labels: Tensor, first: Tensor, offsets: Sequence[Offset], ignore: int
) -> Tensor:
    """Return the sums of the five terms and the number of their summands, (2,5)."""
    affinity = barrier_affinities(edges, offsets)  # (B, P, h, w)
    together, apart = -(affinity + _EPSILON).log(), -(1 + _EPSILON - affinity).log()
    pairs = pair_labels(labels, offsets, ignore=ignore)
    background, foreground, different = (kind & first for kind in pairs)
    terms = [(together, background), (together, foreground), (apart, different)]
    sums = [(values * chosen).sum() for values, chosen in terms]
    counts = [chosen.sum() for _, chosen in terms]
    differences = displacement_differences(displacement, offsets)  # (B, P, 2, h, w)
    wanted = displacement.new_tensor(offsets)[:, :, None, None]
    sums.append(((differences - wanted).abs() * foreground[:, :, None]).sum())
    sums.append((differences.abs() * background[:, :, None]).sum())
    counts += [2 * foreground.sum(), 2 * background.sum()]
    return torch.stack([torch.stack(sums), torch.stack(counts).to(edges.dtype)])


def displacement_differences(displacement: Tensor, offsets: Sequence[Offset]) -> Tensor:
    """Return D(i) - D(j) (B,P,2,h,w) of cells i and their partners j at `offsets`; 0 where j lies outside."""
    height, width = displacement.shape[2:]
    found = []
    for offset in offsets:
        at = overlap(height, width, offset)
        plane = torch.zeros_like(displacement)
        there = displacement[:, :, at.partner_rows, at.partner_columns]
        plane[:, :, at.rows, at.columns] = displacement[:, :, at.rows, at.columns] - there
        found.append(plane)
    return torch.stack(found, 1)
