"""Who made each pixel of the mask on the table, kept through every step and its undo.

A pixel belongs to whoever changed its value last. A machine step is also given the pixels it was asked about and left
as they were, except a person's: what a person drew stays a person's until its value changes.

Undo and redo of the layer are told apart from painting by the caller. When the whole mask is again as it was after one
of the steps before (or after, for redo), every pixel gets the source it had then; so undo and redo by whole steps are
exact; where both would give the same mask, undo is meant. A change that is neither is a person's. The steps live as
long as the image is shown, like napari's own, and are the same ones: where only sources change, the layer has no step
to undo, so they belong to the step before, are taken back with it and come again with it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import zip_longest

import numpy as np
from numpy.typing import NDArray

from napari_wsss.core.masks import Mask
from napari_wsss.core.sources import Source, Sources
from napari_wsss.project.sourced_masks import SourcedMask

MOST_STEPS = 100
"""As many as napari's own history."""
MOST_PIXELS = 16_000_000
"""Changed pixels that all steps hold together, 12 bytes each."""


@dataclass(frozen=True)
class _Step:
    """Pixels (N,) int64 that changed, their values (2, N) and sources (2, N) uint8 before and after."""

    pixels: NDArray[np.intp]
    values: Mask
    sources: Mask

    @classmethod
    def between(cls, before: SourcedMask, after: SourcedMask) -> _Step:
        """Return the step from one mask to another."""
        pixels = np.flatnonzero(differs(before, after))
        values = np.stack([one.values.ravel()[pixels] for one in (before, after)])
        return cls(pixels, values, np.stack([one.sources.values.ravel()[pixels] for one in (before, after)]))


class Ledger:
    """The steps that led to a mask.

    Parameters
    ----------
    mask : SourcedMask
        As it is when the image is opened; its arrays are not changed.

    Attributes
    ----------
    state : SourcedMask
        The mask as noted last; a new object after every change.
    """

    def __init__(self, mask: SourcedMask) -> None:
        self.state = SourcedMask(mask.values.copy(), mask.sources)
        self._steps: list[_Step] = []
        self._place = 0  # how many of the steps are done (undo takes some back)

    def note(
        self,
        values: Mask,
        source: Source | None = None,
        claimed: NDArray[np.bool_] | None = None,
        ground: SourcedMask | None = None,
        painted: bool = True,
    ) -> NDArray[np.intp]:
        """Take the mask (H, W) uint8 as it is now.

        Parameters
        ----------
        values : (H, W) uint8
        source : Source, optional
            The machine step that made it; None when a person did, or undo.
        claimed : (H, W) bool, optional
            What the machine step decided, also where the value stayed.
        ground : SourcedMask, optional
            What the step worked on where that is not the mask: pixels it left as they are there keep the source there.
        painted : bool
            False when it may be undo or redo.

        Returns
        -------
        (N,) int
            Flat positions whose value or source changed.
        """
        if source is None and np.array_equal(values, self.state.values):
            return np.zeros(0, np.intp)
        place = self._place if source is not None or painted else self._place_of(values)
        if place != self._place:
            return self._go_to(place)
        return self._take(self.planned(values, source, claimed, ground))

    def planned(
        self,
        values: Mask,
        source: Source | None = None,
        claimed: NDArray[np.bool_] | None = None,
        ground: SourcedMask | None = None,
    ) -> SourcedMask:
        """Return what a step would make of the mask, without making it."""
        ground = ground or self.state
        if source is None:
            return ground.drawn_over(values)
        changed = values != ground.values
        if claimed is not None:
            changed |= claimed & ~ground.sources.person
        table, number = ground.sources.numbered(source)
        return SourcedMask(values, Sources(np.where(changed, np.uint8(number), ground.sources.values), table))

    def _take(self, state: SourcedMask) -> NDArray[np.intp]:
        after = SourcedMask(state.values.copy(), state.sources)
        step = _Step.between(self.state, after)
        if np.array_equal(*step.values):
            self._amend(step.pixels, after)
        else:
            self._steps = [*self._steps[: self._place], step]
            self._shorten()
        self.state = after
        return step.pixels

    def _amend(self, pixels: NDArray[np.intp], after: SourcedMask) -> None:
        """Let new sources of `pixels` belong to the step before; steps that were undone lead on from them."""
        if self._place:
            self._steps[self._place - 1] = _Step.between(self._at(self._place - 1), after)
        for step in self._steps[self._place :]:
            known = np.isin(step.pixels, pixels)
            step.sources[0][known] = after.sources.values.ravel()[step.pixels[known]]
            pixels = np.setdiff1d(pixels, step.pixels)

    def _shorten(self) -> None:
        held = np.cumsum([len(step.pixels) for step in reversed(self._steps)])
        kept = min(MOST_STEPS, int(np.count_nonzero(held <= MOST_PIXELS)))
        self._steps = self._steps[len(self._steps) - kept :]
        self._place = kept

    # -- undo -------------------------------------------------------------------------------------------------

    def _place_of(self, values: Mask) -> int:
        """Return after which step the mask was `values`, the nearest one back or forth; the present place if none."""
        for both in zip_longest(self._masks(back=True), self._masks(back=False)):
            place: int
            for place, mask in filter(None, both):
                if np.array_equal(mask, values):
                    return place
        return self._place

    def _masks(self, back: bool) -> Iterator[tuple[int, Mask]]:
        """Yield the places in one direction, the nearest first, and the mask there (valid until the next one)."""
        mask = self.state.values.copy()
        for place, step in self._way(back):
            mask.ravel()[step.pixels] = step.values[0 if back else 1]
            yield place, mask

    def _way(self, back: bool) -> list[tuple[int, _Step]]:
        """Return the steps to take from here, each with the place it leads to."""
        places = range(self._place - 1, -1, -1) if back else range(self._place + 1, len(self._steps) + 1)
        return [(place, self._steps[place if back else place - 1]) for place in places]

    def _go_to(self, place: int) -> NDArray[np.intp]:
        before, self.state = self.state, self._at(place)
        self._place = place
        return np.flatnonzero(differs(before, self.state))

    def _at(self, place: int) -> SourcedMask:
        """Return the mask as it is after another number of steps."""
        back = place < self._place
        values, sources = self.state.values.copy(), self.state.sources.values.copy()
        for reached, step in self._way(back):
            values.ravel()[step.pixels] = step.values[0 if back else 1]
            sources.ravel()[step.pixels] = step.sources[0 if back else 1]
            if reached == place:
                break
        return SourcedMask(values, Sources(sources, self.state.sources.table))


def differs(first: SourcedMask, second: SourcedMask) -> NDArray[np.bool_]:
    """Return (H, W) bool: where two masks differ in value or source."""
    found: NDArray[np.bool_] = (first.values != second.values) | (first.sources.values != second.sources.values)
    return found
