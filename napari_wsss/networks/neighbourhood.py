"""Pairs of neighbouring cells of a grid: which there are, how alike they are, and which labels they have.

An offset (dy, dx) in cells names one partner of every cell. Half of all directions are enough, because a pair has no
direction: those to the right, and those below. Everything here is (B,P,h,w), with one plane per offset, and zero or
False where a partner lies outside of the grid.
"""

from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import torch
from torch import Tensor

from napari_wsss.networks.across import total

Offset = tuple[int, int]

# Numbers in one difference of features: rows of large grids are compared in parts.
_MOST_VALUES = 2**24
# Keeps logarithms and divisions of the published losses defined.
_EPSILON = 1e-5


@lru_cache(maxsize=16)
def half_disc(radius: int) -> tuple[Offset, ...]:
    """Return the offsets (dy, dx) of one half of the cells nearer than `radius`, row by row (5 gives 34, 10 gives 152).

    Parameters
    ----------
    radius : int
        In cells, at least 2; partners lie strictly inside.
    """
    reach = range(-radius + 1, radius)
    return tuple(
        (dy, dx) for dy in range(radius) for dx in reach if (dy > 0 or dx > 0) and dy * dy + dx * dx < radius * radius
    )


@lru_cache(maxsize=1024)
def path(offset: Offset) -> tuple[Offset, ...]:
    """Return the cells (dy, dx) on the way from a cell to its partner, both ends included, row by row.

    They are the cells of the box between both whose centre is nearer than 1 to the line through them (IRN).
    """
    dy, dx = offset
    rows, columns = range(min(dy, 0), max(dy, 0) + 1), range(min(dx, 0), max(dx, 0) + 1)
    length = dy * dy + dx * dx
    return tuple((y, x) for y in rows for x in columns if (dy * x - dx * y) ** 2 < length)


class Overlap(NamedTuple):
    """Rows and columns of the cells that have a partner at one offset, and those of their partners."""

    rows: slice
    columns: slice
    partner_rows: slice
    partner_columns: slice


def overlap(height: int, width: int, offset: Offset) -> Overlap:
    """Return the cells of a grid (h,w) whose partner lies inside, and their partners; empty slices where none does."""
    (top, bottom), (left, right) = (_inside(n, d) for n, d in zip((height, width), offset, strict=True))
    dy, dx = offset
    return Overlap(slice(top, bottom), slice(left, right), slice(top + dy, bottom + dy), slice(left + dx, right + dx))


def _inside(length: int, step: int) -> tuple[int, int]:
    start = min(length, max(0, -step))
    return start, max(start, min(length, length - step))


def feature_affinities(features: Tensor, offsets: Sequence[Offset]) -> Tensor:
    """Return exp(-mean over channels |f_i - f_j|) (B,P,h,w) in [0, 1] of features (B,D,h,w) (PSA).

    The paper sums over the channels; its code takes the mean, and so do its published weights.
    """
    found: Tensor = _FeatureAffinities.apply(features, tuple(offsets))  # type: ignore[no-untyped-call]  # torch's
    return found


class _FeatureAffinities(torch.autograd.Function):
    """Differences of features are computed anew for the gradient: those of all offsets would fill gigabytes.

    The gradient is added up in place; that of a slice would be as large as all features, once for every offset.
    """

    @staticmethod
    def forward(ctx: Any, features: Tensor, offsets: tuple[Offset, ...]) -> Tensor:
        features = features.contiguous()  # channels last would make every slice a walk through all of the memory
        batch, _, height, width = features.shape
        alike = features.new_zeros(batch, len(offsets), height, width)
        for row, offset in enumerate(offsets):
            for here, there in _parts(features, offset):
                alike[_at(row, here)] = (features[here] - features[there]).abs_().mean(1).neg_().exp_()
        ctx.save_for_backward(features, alike)
        ctx.offsets = offsets
        return alike

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        features, alike = ctx.saved_tensors
        slope = gradient * alike / -features.shape[1]
        found = torch.zeros_like(features)
        for row, offset in enumerate(ctx.offsets):
            for here, there in _parts(features, offset):
                change = (features[here] - features[there]).sign_().mul_(slope[_at(row, here)][:, None])
                found[here] += change
                found[there] -= change
        return found, None


Index = tuple[slice, slice, slice, slice]


def _parts(features: Tensor, offset: Offset) -> Iterator[tuple[Index, Index]]:
    """Yield where the cells of a grid (B,D,h,w) with a partner lie, and where the partners, some rows at a time."""
    batch, channels, height, width = features.shape
    rows_at_once = max(1, _MOST_VALUES // (batch * channels * width))
    at, every = overlap(height, width, offset), slice(None)
    for start in range(at.rows.start, at.rows.stop, rows_at_once):
        rows = slice(start, min(start + rows_at_once, at.rows.stop))
        partners = slice(rows.start + offset[0], rows.stop + offset[0])
        yield (every, every, rows, at.columns), (every, every, partners, at.partner_columns)


def _at(row: int, cells: Index) -> tuple[slice, int, slice, slice]:
    """Return where the affinities (B,P,h,w) of such cells lie."""
    batch, _, rows, columns = cells
    return batch, row, rows, columns


def barrier_affinities(boundary: Tensor, offsets: Sequence[Offset]) -> Tensor:
    """Return 1 - max over the path of the boundary (B,P,h,w) of boundaries (B,h,w) in [0, 1] (IRN)."""
    batch, height, width = boundary.shape
    planes = []
    for offset in offsets:
        at = overlap(height, width, offset)
        plane = boundary.new_zeros(batch, height, width)
        if at.rows.start < at.rows.stop and at.columns.start < at.columns.stop:
            on_the_way = [_moved(boundary, at, step) for step in path(offset)]
            plane[:, at.rows, at.columns] = 1 - torch.stack(on_the_way).amax(0)
        planes.append(plane)
    return torch.stack(planes, 1)


def _moved(plane: Tensor, at: Overlap, step: Offset) -> Tensor:
    """Return the values (B,h',w') a `step` away from the cells that have a partner."""
    dy, dx = step
    return plane[:, at.rows.start + dy : at.rows.stop + dy, at.columns.start + dx : at.columns.stop + dx]


class PairLabels(NamedTuple):
    """What the ends of every pair are, (B,P,h,w) bool each: both background, both one class, or different things."""

    background: Tensor
    foreground: Tensor
    different: Tensor


def pair_labels(labels: Tensor, offsets: Sequence[Offset], *, ignore: int, border_pairs: bool = True) -> PairLabels:
    """Return what the ends of every pair are.

    Parameters
    ----------
    labels : (B, h, w) integer
        0 background, other numbers classes.
    offsets : sequence of (dy, dx)
    ignore : int
        Label of undecided cells: their pairs are none of the three.
    border_pairs : bool
        False leaves out the cells that have not all their partners inside, as the public codes of PSA and IRN do.
    """
    batch, height, width = labels.shape
    equal = labels.new_zeros(batch, len(offsets), height, width, dtype=torch.bool)
    valid = torch.zeros_like(equal)
    for row, offset in enumerate(offsets):
        at = overlap(height, width, offset)
        here, there = labels[:, at.rows, at.columns], labels[:, at.partner_rows, at.partner_columns]
        equal[:, row, at.rows, at.columns] = here == there
        valid[:, row, at.rows, at.columns] = (here != ignore) & (there != ignore)
    if not border_pairs:
        valid &= sources(height, width, offsets).to(valid.device)
    background = (labels == 0)[:, None]
    return PairLabels(valid & equal & background, valid & equal & ~background, valid & ~equal)


def sources(height: int, width: int, offsets: Sequence[Offset]) -> Tensor:
    """Return the cells (h,w) bool of a grid whose partners all lie inside; every cell where there is none such."""
    found = torch.zeros(height, width, dtype=torch.bool)
    lowest, leftmost = max(dy for dy, _ in offsets), max(0, *(-dx for _, dx in offsets))
    rightmost = max(dx for _, dx in offsets)
    found[: max(0, height - lowest), leftmost : max(leftmost, width - rightmost)] = True
    return found if found.any() else torch.ones_like(found)


def pair_losses(affinity: Tensor, pairs: PairLabels) -> dict[str, Tensor]:
    """Return the weighted losses ``background``, ``foreground`` and ``different`` of PSA.

    Each is a mean over its pairs in the whole batch, -log a of those that belong together and -log(1 - a) of the
    others, weighted 1/4, 1/4 and 1/2; 0 without such pairs.

    Parameters
    ----------
    affinity : (B, P, h, w)
        In [0, 1].
    pairs : PairLabels
    """
    affinity = affinity.float()
    together, apart = -(affinity + _EPSILON).log(), -(1 + _EPSILON - affinity).log()
    return {
        "background": mean_over(together, pairs.background) / 4,
        "foreground": mean_over(together, pairs.foreground) / 4,
        "different": mean_over(apart, pairs.different) / 2,
    }


def mean_over(values: Tensor, chosen: Tensor) -> Tensor:
    """Return the mean of `values` where `chosen` (bool, same shape) is True; 0 where it is nowhere."""
    return total((values * chosen).sum()) / (total(chosen.sum()) + _EPSILON)
