"""Adding maps of several views of one image up, as MCIS does (Sun et al., ECCV 2020)."""

import torch
from torch import Tensor

# A view counts when the sigmoid of its map's mean, its image-level probability, is above this.
_LEAST_PROBABILITY = 0.1
_WHITE = 255.0


def fused(maps: Tensor) -> Tensor:
    """Return the mean of maps that were each divided by their maximum.

    The first map always counts; another only where its view shows the class at all. What does not count still
    divides, so that a class seen in few views stays weak. Nothing negative remains.

    Parameters
    ----------
    maps : (M, ..., h, w)
        Of M views on one grid, before ReLU (their means are logits).

    Returns
    -------
    Tensor
        (..., h, w) in [0, 255].
    """
    counts = maps.mean((-2, -1), keepdim=True).sigmoid() > _LEAST_PROBABILITY
    counts[0] = True
    positive = maps.relu()
    highest = positive.amax((-2, -1), keepdim=True)
    scaled = torch.where((highest > 0) & counts, positive / highest.clamp_min(torch.finfo(maps.dtype).tiny), 0.0)
    return (scaled * _WHITE).sum(0) / len(maps)
