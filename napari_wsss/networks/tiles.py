"""How an image of any size is cut into overlapping tiles, for networks of any kind; imports no torch."""

import math
from dataclasses import dataclass

GRID = 32
"""Tiles start at multiples of it, so that every trunk's grid continues from tile to tile."""


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
    advance = max(GRID, (tile - overlap) // GRID * GRID)
    last = math.ceil((length - tile) / GRID) * GRID
    starts = [*range(0, last, advance), last]
    stops = [min(start + tile, length) for start in starts]
    middles = [(start + stop) // 2 // GRID * GRID for start, stop in zip(starts[1:], stops, strict=False)]
    cuts = [0, *(max(cut, start) for cut, start in zip(middles, starts[1:], strict=True)), length]
    return tuple(Span(*ends) for ends in zip(starts, stops, cuts[:-1], cuts[1:], strict=True))


def tile_size(height: int, width: int, pixel_budget: int, overlap: int) -> tuple[int, int]:
    """Return the (height, width) of tiles that keep to `pixel_budget`; the whole size when that fits.

    A tile is never so small that it consists of overlap only, even if that exceeds the budget.
    """
    if height * width <= pixel_budget:
        return height, width
    shortest = overlap + 2 * GRID
    side = max(shortest, math.isqrt(pixel_budget))
    tall, wide = height, width
    if height <= width:
        tall = min(height, side)
        wide = max(shortest, pixel_budget // tall)
    else:
        wide = min(width, side)
        tall = max(shortest, pixel_budget // wide)
    return _on_grid(tall, height), _on_grid(wide, width)


def _on_grid(side: int, length: int) -> int:
    # 32k+1, so that tiles obey that rule whenever the image does.
    return length if side >= length else (side - 1) // GRID * GRID + 1
