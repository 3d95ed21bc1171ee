"""One map of a large picture from those of its scales, which are as fine as the network sees and no finer.

Brought to the picture's size and summed window by window, divided by the maximum over the whole picture, kept as means
of squares: so nothing as large as the picture is ever in memory, and nothing is normalised by the window.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

WINDOW = 1024


@dataclass(frozen=True)
class Joined:
    """The sum of all scales at the picture's size, as means of squares.

    Parameters
    ----------
    means : Tensor
        (K,h,w).
    lowest, highest : Tensor
        (K,1,1): of the sum itself, over all pixels.
    """

    means: Tensor
    lowest: Tensor
    highest: Tensor


def joined(
    maps: Sequence[Tensor], sizes: Sequence[tuple[int, int]], size: tuple[int, int], side: int, aligned_corners: bool
) -> Joined:
    """Return the summed maps of a picture of `size` (height, width) as means of squares of `side` pixels.

    Parameters
    ----------
    maps : sequence of Tensor
        (K,h,w) of each scale, on the grid of the network.
    sizes : sequence of (int, int)
        (height, width) of the picture at each scale, in pixels.
    size : (int, int)
    side : int
    aligned_corners : bool
        As `Localizer` has it.
    """
    height, width = size
    count, device = len(maps[0]), maps[0].device
    means = torch.zeros(count, -(-height // side), -(-width // side), device=device)
    lowest = torch.full((count,), torch.inf, device=device)
    highest = torch.full((count,), -torch.inf, device=device)
    step = max(1, WINDOW // side) * side
    for top in range(0, height, step):
        for left in range(0, width, step):
            rows, columns = range(top, min(top + step, height)), range(left, min(left + step, width))
            parts = (
                _part(one, scaled, size, (rows, columns), aligned_corners)
                for one, scaled in zip(maps, sizes, strict=True)
            )
            total = sum(parts, torch.zeros(()))
            lowest, highest = torch.minimum(lowest, total.amin((1, 2))), torch.maximum(highest, total.amax((1, 2)))
            part = F.avg_pool2d(total[None], side, ceil_mode=True, count_include_pad=False)[0]
            row, column = top // side, left // side
            means[:, row : row + part.shape[1], column : column + part.shape[2]] = part
    return Joined(means, lowest[:, None, None], highest[:, None, None])


def _part(
    maps: Tensor, scaled: tuple[int, int], size: tuple[int, int], places: tuple[range, range], aligned: bool
) -> Tensor:
    """Return a window (K,H,W) of a scale's maps at the picture's size, as interpolating all of it gives it."""
    for axis in (0, 1):
        maps = _along(maps, axis + 1, places[axis], size[axis], scaled[axis], aligned)
    return maps


def _along(planes: Tensor, axis: int, place: range, length: int, scaled: int, aligned: bool) -> Tensor:
    """Return planes along an axis at the pixels `place` of `length`, with aligned corners by way of `scaled` pixels."""
    cells = planes.shape[axis]
    pixels = torch.arange(place.start, place.stop, dtype=torch.float64, device=planes.device) + 0.5
    if not aligned:
        return _at(planes, axis, pixels * (cells / length) - 0.5)
    middle = (pixels * (scaled / length) - 0.5).clamp(0, scaled - 1)
    first, last = int(middle[0]), min(int(middle[-1]) + 1, scaled - 1)
    between = torch.arange(first, last + 1, dtype=torch.float64, device=planes.device)
    seen = _at(planes, axis, between * ((cells - 1) / max(1, scaled - 1)))
    return _at(seen, axis, middle - first)


def _at(planes: Tensor, axis: int, positions: Tensor) -> Tensor:
    """Return planes at fractional cells along an axis, linear between their centres; beyond the ends as these are."""
    positions = positions.clamp(0, planes.shape[axis] - 1)
    low = positions.floor().long()
    share = (positions - low).to(planes.dtype).reshape([-1 if one == axis else 1 for one in range(3)])
    lower = planes.index_select(axis, low)
    return lower + share * (planes.index_select(axis, (low + 1).clamp(max=planes.shape[axis] - 1)) - lower)
