"""Running a network densely over an image of any size: scales, tiles with overlap, and modes put back afterwards."""

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

# Tiles start at multiples of this, so that every trunk's grid continues from tile to tile.
_GRID = 32


@contextmanager
def evaluating(module: nn.Module) -> Iterator[None]:
    """Put every part of `module` into evaluation mode; each gets its own mode back, also after an error."""
    modes = [(part, part.training) for part in module.modules()]
    module.eval()
    try:
        yield
    finally:
        for part, training in modes:
            part.training = training


@dataclass(frozen=True)
class Span:
    """One tile along one axis, in pixels: what is read, and the part of the result that is kept."""

    start: int
    stop: int
    keep_start: int
    keep_stop: int

    def cells(self, stride: int) -> slice:
        """Return the kept cells of the tile's result."""
        offset = self.start // stride
        return slice(self.keep_start // stride - offset, math.ceil(self.keep_stop / stride) - offset)


def spans(length: int, tile: int, overlap: int) -> tuple[Span, ...]:
    """Cut `length` pixels into tiles of at most `tile`, which overlap by at least `overlap` where they can.

    Every tile starts at a multiple of 32 and each pixel is kept from exactly one tile: neighbours share their
    overlap in the middle. A `tile` of the form 32k+1 makes all tiles 32k+1 when `length` is.
    """
    if length <= tile:
        return (Span(0, length, 0, length),)
    advance = max(_GRID, (tile - overlap) // _GRID * _GRID)
    last = math.ceil((length - tile) / _GRID) * _GRID
    starts = [*range(0, last, advance), last]
    stops = [min(start + tile, length) for start in starts]
    middles = [(start + stop) // 2 // _GRID * _GRID for start, stop in zip(starts[1:], stops, strict=False)]
    cuts = [0, *(max(cut, start) for cut, start in zip(middles, starts[1:], strict=True)), length]
    return tuple(Span(*ends) for ends in zip(starts, stops, cuts[:-1], cuts[1:], strict=True))


def tile_size(height: int, width: int, pixel_budget: int, overlap: int) -> tuple[int, int]:
    """Return the (height, width) of tiles that keep to `pixel_budget`; the whole size when that fits.

    A tile is never so small that it consists of overlap only, even if that exceeds the budget.
    """
    if height * width <= pixel_budget:
        return height, width
    shortest = overlap + 2 * _GRID
    side = max(shortest, math.isqrt(pixel_budget))
    tall, wide = height, width
    if height <= width:
        tall = min(height, side)
        wide = max(shortest, pixel_budget // tall)
    else:
        wide = min(width, side)
        tall = max(shortest, pixel_budget // wide)
    return _on_grid(tall, height), _on_grid(wide, width)


def run_tiled(
    run: Callable[[slice, slice], Tensor], height: int, width: int, *, stride: int, pixel_budget: int, overlap: int
) -> Tensor:
    """Return `run` over a whole image, tile by tile where it exceeds `pixel_budget`.

    Parameters
    ----------
    run : callable
        Maps rows and columns of the image to (C, ceil(h/stride), ceil(w/stride)).
    height, width : int
        Of the image, in pixels.
    stride : int
        Input pixels per cell of the result; divides 32.
    pixel_budget, overlap : int
        As in `tile_size` and `spans`.

    Returns
    -------
    Tensor
        (C, ceil(H/stride), ceil(W/stride)).

    Raises
    ------
    ValueError
        When `stride` does not divide 32.
    """

    def alone(rows: slice, columns: slice) -> list[Tensor]:
        return [run(rows, columns)]

    return run_tiled_each(alone, height, width, (stride,), pixel_budget=pixel_budget, overlap=overlap)[0]


def run_tiled_each(
    run: Callable[[slice, slice], Sequence[Tensor]],
    height: int,
    width: int,
    strides: Sequence[int],
    *,
    pixel_budget: int,
    overlap: int,
) -> list[Tensor]:
    """Do what `run_tiled` does for several results (C,ceil(h/stride),ceil(w/stride)) of one `run`, each of a stride."""
    for stride in strides:
        if _GRID % stride:
            raise ValueError(f"A stride of {stride} does not divide {_GRID}, so tiles would not join.")
    tall, wide = tile_size(height, width, pixel_budget, overlap)
    rows, columns = spans(height, tall, overlap), spans(width, wide, overlap)

    def kept(row: Span, column: Span) -> list[Tensor]:
        parts = run(slice(row.start, row.stop), slice(column.start, column.stop))
        return [part[:, row.cells(stride), column.cells(stride)] for part, stride in zip(parts, strides, strict=True)]

    whole = [[kept(row, column) for column in columns] for row in rows]
    return [
        torch.cat([torch.cat([tile[at] for tile in row], dim=2) for row in whole], dim=1) for at in range(len(strides))
    ]


def as_batch(planes: Sequence[Any], device: torch.device) -> Tensor:
    """Return normalised images (arrays (3,H,W) float32) as a batch (B,3,H,W) on `device`, channels last."""
    batch = torch.stack([torch.from_numpy(image) for image in planes])
    return batch.to(device, memory_format=torch.channels_last)


def _on_grid(side: int, length: int) -> int:
    # 32k+1, so that tiles obey that rule whenever the image does.
    return length if side >= length else (side - 1) // _GRID * _GRID + 1
