"""Cells with features and targets: what a pixel classifier learns from, drawn from the examples of a project.

A cell's target is the share of each class among the known pixels nearest to it; its weight is their mean weight. Of an
image at most so many cells are drawn, evenly among the values it shows, so that small things are not lost.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from training.pixel_learner.examples import Example

Floats = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Cells:
    """Some cells of some images.

    Parameters
    ----------
    rows : (N, D) float16
        Features.
    targets : (N, C + 1) float32
        Shares of the classes, background first; each row sums to 1.
    allowed : (N, C + 1) bool
        Background and the classes the cell's image is labelled with.
    weights : (N,) float32
        How much each counts.
    """

    rows: Tensor
    targets: Tensor
    allowed: Tensor
    weights: Tensor

    def __len__(self) -> int:
        return len(self.rows)

    @classmethod
    def joined(cls, parts: Sequence[Cells]) -> Cells:
        """Return the cells of all parts, in their order."""
        names = ("rows", "targets", "allowed", "weights")
        return cls(*(torch.cat([getattr(part, name) for part in parts]) for name in names))

    def first(self, most: int) -> Cells:
        """Return at most so many of the cells, the first ones."""
        return Cells(self.rows[:most], self.targets[:most], self.allowed[:most], self.weights[:most])

    def alone(self) -> Cells:
        """Return the same cells in memory of their own."""
        return Cells(self.rows.clone(), self.targets.clone(), self.allowed.clone(), self.weights.clone())

    @property
    def shown(self) -> Tensor:
        """(C+1,) bool: classes that some cell shows."""
        return ((self.targets > 0) & (self.weights > 0)[:, None]).any(0)


def targets_of(example: Example, grid: tuple[int, int], class_count: int) -> tuple[Floats, Floats]:
    """Return the targets (h*w,C+1) and weights (h*w,) of the cells of a grid (h,w) whose corners lie on the image's.

    Parameters
    ----------
    example : Example
    grid : (int, int)
    class_count : int
        C; background is added.
    """
    rows, columns = (
        np.rint(np.linspace(0, cells - 1, pixels)).astype(np.int64)
        for pixels, cells in zip(example.values.shape, grid, strict=True)
    )
    cell = rows[:, None] * grid[1] + columns  # (H, W)
    known = example.weights > 0
    count, width = grid[0] * grid[1], class_count + 1
    where = cell[known] * width + example.values[known]
    amounts = np.bincount(where, example.weights[known], count * width).reshape(count, width)
    total = amounts.sum(1)
    pixels = np.bincount(cell[known], minlength=count)
    targets = amounts / np.maximum(total, np.finfo(np.float32).tiny)[:, None]
    return targets.astype(np.float32), (total / np.maximum(pixels, 1)).astype(np.float32)


def drawn(targets: Floats, weights: Floats, most: int, random: np.random.Generator) -> NDArray[np.int64]:
    """Return the indices of at most so many cells that have a weight, evenly among the values they mostly show.

    What a value has less than its part of goes to the others.
    """
    known = np.flatnonzero(weights > 0)
    if len(known) <= most:
        return random.permutation(known)
    value = targets[known].argmax(1)
    found, counts = np.unique(value, return_counts=True)
    chosen, left = [], most
    for rank, at in enumerate(np.argsort(counts, kind="stable")):
        take = min(int(counts[at]), left // (len(found) - rank))
        chosen.append(random.choice(known[value == found[at]], take, replace=False))
        left -= take
    # Mixed, so that the first ones of them are drawn as evenly.
    return random.permutation(np.concatenate(chosen))


def cells_of(
    example: Example, rows: Tensor, grid: tuple[int, int], class_count: int, most: int, random: np.random.Generator
) -> Cells:
    """Return some cells of an example.

    Parameters
    ----------
    example : Example
    rows : (h*w, D) float32
        Features on the grid, row by row.
    grid : (int, int)
    class_count : int
    most : int
        Cells.
    random : Generator
        Chooses which.
    """
    targets, weights = targets_of(example, grid, class_count)
    chosen = drawn(targets, weights, most, random)
    allowed = torch.zeros(class_count + 1, dtype=torch.bool)
    allowed[[0, *(k + 1 for k in example.labels)]] = True
    return Cells(
        rows[torch.from_numpy(chosen)].half(),
        torch.from_numpy(targets[chosen]),
        allowed.expand(len(chosen), -1),
        torch.from_numpy(weights[chosen]),
    )
