"""What localizers, saliency models and refiners hand on: (K, H, W) activation maps and (H, W) saliency."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from napari_wsss.core.cells import Cells
from napari_wsss.core.classes import IGNORE
from napari_wsss.core.errors import StepError

Scores = NDArray[np.float32]


@dataclass(frozen=True)
class ActivationMaps:
    """Scores (K, H, W) float32 in [0, 1] of the K classes *present* in one image, and a background score.

    Parameters
    ----------
    scores : (K, H, W) float32 in [0, 1]
        One map per present class; K may be 0 (an image without labels).
    classes : tuple of int
        0-based class indices of the maps, ascending.
    background : (H, W) float32 in [0, 1], optional
        Set by a background step or carried along by refiners.
    undecided : (H, W) bool, optional
        Where the pseudo mask says 255 (ignore); set by a step that knows when it does not know, and carried along.

    Attributes
    ----------
    cells : (1 + K, h, w) float32, optional
        Background and scores on a coarser grid, where all of it was enlarged from that (`of_cells`): a store keeps
        these, a tenth of the pixels. Maps that are made of these maps have none, whatever they change.
    """

    scores: Scores
    classes: tuple[int, ...]
    background: Scores | None = None
    undecided: NDArray[np.bool_] | None = None
    # Not given to `__init__`, so that `dataclasses.replace` never carries it over to other scores.
    cells: Scores | None = field(init=False, default=None, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "classes", tuple(map(int, self.classes)))
        if self.scores.ndim != 3 or len(self.scores) != len(self.classes):
            raise StepError(
                f"Activation maps have shape {self.scores.shape} for {len(self.classes)} classes; expected (K, H, W)."
            )
        if list(self.classes) != sorted(set(self.classes)):
            raise StepError(f"Class indices of activation maps must ascend without repeats; found {self.classes}.")
        if self.background is not None and self.background.shape != self.scores.shape[1:]:
            raise StepError(
                f"The background score is {self.background.shape}, the maps are {self.scores.shape[1:]}; "
                "resize one of them first."
            )
        if self.undecided is not None and self.undecided.shape != self.scores.shape[1:]:
            raise StepError(f"Undecided pixels are {self.undecided.shape}, the maps are {self.scores.shape[1:]}.")

    @classmethod
    def empty(cls, height: int, width: int) -> ActivationMaps:
        """Return the maps of an image without labels."""
        return cls(np.zeros((0, height, width), np.float32), ())

    @classmethod
    def of_cells(
        cls,
        planes: Scores,
        classes: tuple[int, ...],
        size: tuple[int, int],
        undecided: NDArray[np.bool_] | None = None,
    ) -> ActivationMaps:
        """Return maps with background at the size of an image, enlarged from those on a coarser grid.

        Parameters
        ----------
        planes : (1 + K, h, w) float32 in [0, 1]
            Background first.
        classes, undecided
            As of the maps.
        size : (int, int)
            (H, W) of the image.
        """
        full = Cells(size, (planes.shape[1], planes.shape[2])).enlarged(planes)
        maps = cls(full[1:], classes, full[0], undecided)
        if full is not planes:
            object.__setattr__(maps, "cells", planes)
        return maps

    def planes(self, cells: Cells) -> Scores:
        """Return the means (1 + K, h, w) of background and scores over each cell of a coarser grid."""
        assert self.background is not None
        if self.cells is not None and self.cells.shape[1:] == cells.grid:
            return self.cells
        return cells.averaged(np.concatenate([self.background[None], self.scores]))

    def averaged(self, cells: Cells) -> ActivationMaps:
        """Return the maps with background, as they are on a coarser grid, at its size."""
        planes = self.planes(cells)
        return ActivationMaps(planes[1:], self.classes, planes[0])

    def enlarged(self, size: tuple[int, int]) -> ActivationMaps:
        """Return maps with background at the size of an image, which know that they come from these (`of_cells`)."""
        assert self.background is not None
        return ActivationMaps.of_cells(np.concatenate([self.background[None], self.scores]), self.classes, size)

    @property
    def size(self) -> tuple[int, int]:
        """(height, width) in pixels."""
        return self.scores.shape[1], self.scores.shape[2]

    def with_scores(self, scores: Scores, background: Scores | None = None) -> ActivationMaps:
        """Return the same classes with new scores and background."""
        return replace(self, scores=scores.astype(np.float32, copy=False), background=background)

    def only(self, classes: tuple[int, ...]) -> ActivationMaps:
        """Return the maps of those of `classes` that are here (a removed label drops its map)."""
        rows = [row for row, k in enumerate(self.classes) if k in set(classes)]
        return replace(self, scores=self.scores[rows], classes=tuple(self.classes[row] for row in rows))

    def strongest(self) -> tuple[Scores, NDArray[np.uint8]]:
        """Return the per-pixel maximum (H, W) float32 and the mask value (H, W) uint8 of the class that has it.

        Without classes both are zero. Ties go to the lower class index.
        """
        if not self.classes:
            return np.zeros(self.size, np.float32), np.zeros(self.size, np.uint8)
        # Class by class: numpy's argmax along the first axis takes several times as long.
        best = self.scores[0].copy()
        value = np.full_like(best, self.classes[0] + 1, np.uint8)
        for k, scores in zip(self.classes[1:], self.scores[1:], strict=True):
            better = scores > best
            np.copyto(best, scores, where=better)
            value[better] = k + 1
        return best, value

    def to_mask(self, threshold: float | None = None) -> NDArray[np.uint8]:
        """Return the pseudo mask (H, W) uint8: the strongest class, or background where that scores higher.

        Undecided pixels are 255, unless a threshold takes the place of the background they were found with.

        Parameters
        ----------
        threshold : float in [0, 1], optional
            Constant background score; without it the maps' own background is used.

        Raises
        ------
        StepError
            When there is neither a threshold nor a background.
        """
        score, value = self.strongest()
        background = self.background if threshold is None else np.float32(threshold)
        if background is None:
            raise StepError(
                "These maps have no background score, so no pseudo mask can be drawn. "
                "Add a background step (constant or power) or give a threshold.",
                missing=("background",),
            )
        mask = np.where(score > background, value, np.uint8(0))
        if threshold is None and self.undecided is not None:
            mask[self.undecided] = IGNORE
        return mask


@dataclass(frozen=True)
class SaliencyMap:
    """Class-free saliency (H, W) float32 in [0, 1]; 1 is foreground."""

    values: Scores

    def __post_init__(self) -> None:
        if self.values.ndim != 2:
            raise StepError(f"A saliency map has shape {self.values.shape}; expected (H, W).")
