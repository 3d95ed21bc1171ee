"""The terms of SEAM's loss (Wang et al., CVPR 2020, section 3.5) on maps of two views of the same images.

Maps are (B,1+C,h,w) with the background first, or (B,C,h,w) without it. `inside` (B,1,h,w) bool tells which pixels
both views show; without it all of them. Maps of absent classes are zero and need not be given: the means count them.
"""

import torch
from torch import Tensor

from napari_wsss.networks.across import mean, total

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


def mean_inside(difference: Tensor, channels: int, inside: Tensor | None = None) -> Tensor:
    """Return the mean of a difference (B,C,h,w) over images, channels and the pixels inside.

    `channels`, at least C, is how many there are: those left out are zero, as those of absent classes.
    """
    if inside is None:
        return mean(difference.sum(1)) / channels
    return total((difference * inside).sum()) / (channels * total(inside.sum())).clamp(min=1)


def hardest_mean(difference: Tensor, channels: int, share: float, inside: Tensor | None = None) -> Tensor:
    """Return the mean of the largest values of a difference (B,C,h,w) >= 0, for each image, then over the images.

    Of n values of an image, over all `channels` (those left out are zero) and the pixels inside, ``int(n * share)``
    count, at least one: SEAM's online hard example mining; a share of 1 is the mean.
    """
    if inside is None:
        pixels = [difference.shape[2] * difference.shape[3]] * len(difference)
    else:
        difference = difference * inside
        pixels = [int(shown) for shown in inside.flatten(1).sum(1)]
    means = []
    for values, shown in zip(difference.flatten(1), pixels, strict=True):
        count = max(1, int(channels * shown * share))
        means.append(values.topk(min(count, len(values)), sorted=False).values.sum() / count)
    return mean(torch.stack(means))


def lowest_mean(maps: Tensor, share: float = 0.25) -> Tensor:
    """Return the mean of the lowest `share` of pixels of the strongest map (B,C,H,W), ReLU'd: zero is wanted there."""
    strongest = maps.amax(1).flatten(1)  # (B, H W)
    count = max(1, int(strongest.shape[1] * share))
    return mean(strongest.topk(count, 1, largest=False, sorted=False).values.relu())
