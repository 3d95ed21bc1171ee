"""The terms of SEAM's loss (Wang et al., CVPR 2020, section 3.5) on maps of two views of the same images.

Maps are (B,1+C,h,w) with the background first, or (B,C,h,w) without it. `inside` (B,1,h,w) bool tells which pixels
both views show; without it all of them.
"""

from __future__ import annotations

import torch
from torch import Tensor

EPSILON = 1e-5


def stretched(maps: Tensor, inside: Tensor | None = None) -> Tensor:
    """Return maps (B,C,h,w) in [0, 1]: each ReLU'd and stretched from its smallest to its largest value."""
    positive = maps.relu()
    low = high = positive
    if inside is not None:
        low, high = positive.masked_fill(~inside, torch.inf), positive.masked_fill(~inside, -torch.inf)
    lowest, highest = low.amin((2, 3), keepdim=True), high.amax((2, 3), keepdim=True)
    return (positive - lowest - EPSILON).relu() / (highest - lowest + EPSILON)


def with_background(maps: Tensor) -> Tensor:
    """Return maps (B,1+C,h,w) whose background is what the strongest class leaves."""
    return torch.cat([1 - maps[:, 1:].amax(1, keepdim=True), maps[:, 1:]], 1)


def strongest_only(maps: Tensor) -> Tensor:
    """Return maps (B,1+C,h,w) with every class zero where another is stronger; the background as it is."""
    strongest = maps[:, 1:].amax(1, keepdim=True)
    return torch.cat([maps[:, :1], torch.where(maps[:, 1:] == strongest, maps[:, 1:], 0.0)], 1)


def mean_inside(difference: Tensor, inside: Tensor | None = None) -> Tensor:
    """Return the mean of a difference (B,C,h,w) over images, channels and the pixels inside."""
    if inside is None:
        return difference.mean()
    return (difference * inside).sum() / (difference.shape[1] * inside.sum()).clamp(min=1)


def hardest_mean(difference: Tensor, share: float, inside: Tensor | None = None) -> Tensor:
    """Return the mean of the largest values of a difference (B,C,h,w) >= 0, for each image, then over the images.

    Of n values of an image, over all channels and the pixels inside, ``int(n * share)`` count (at least one):
    SEAM's online hard example mining; a share of 1 is the mean.
    """
    channels, height, width = difference.shape[1:]
    if inside is None:
        count = max(1, int(channels * height * width * share))
        return difference.flatten(1).topk(count, 1, sorted=False).values.mean()
    means = []
    for values, shown in zip((difference * inside).flatten(1), inside.flatten(1).sum(1).tolist(), strict=True):
        count = max(1, int(channels * shown * share))
        means.append(values.topk(count, sorted=False).values.mean())
    return torch.stack(means).mean()


def lowest_mean(maps: Tensor, share: float = 0.25) -> Tensor:
    """Return the mean of the lowest `share` of pixels of the strongest map (B,C,H,W), ReLU'd: zero is wanted there."""
    strongest = maps.amax(1).flatten(1)  # (B, H W)
    count = max(1, int(strongest.shape[1] * share))
    return strongest.topk(count, 1, largest=False, sorted=False).values.relu().mean()
