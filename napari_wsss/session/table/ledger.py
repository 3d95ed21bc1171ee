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
from dataclasses import dataclass, replace
from itertools import zip_longest
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_wsss.core.masks import Mask
from napari_wsss.core.sources import PERSON, Source, Sources, uniform, uniform_value
from napari_wsss.project.sourced_masks import SourcedMask

MOST_STEPS = 100
"""As many as napari's own history."""
MOST_PIXELS = 16_000_000
"""Changed pixels that all steps hold together, 12 bytes each (in boxes three times as many)."""
FEW = 2**16
"""Changed pixels up to which a step is a list of positions."""
STRIP = 2**18
"""Pixels compared at a time: what fits the processor's cache."""
NOWHERE = (slice(0, 0), slice(0, 0))
"""The box around nothing."""
_COST_OF_POSITION, _COST_OF_BOX = 12, 5
"""Bytes of a pixel in a list, and in a box."""


@dataclass(frozen=True, eq=False)
class Changed:
    """Where a mask changed, in value or source; `len` counts the pixels.

    Parameters
    ----------
    where : (H, W) bool
    count : int
    in_value : bool
        Whether some value changed, not sources alone.
    """

    where: NDArray[np.bool_]
    count: int
    in_value: bool = False

    @classmethod
    def between(cls, before: SourcedMask, after: SourcedMask) -> Changed:
        """Return where two masks differ."""
        where, in_value = differs(before, after)
        return cls(where, where.size if is_everywhere(where) else int(np.count_nonzero(where)), in_value)

    def __len__(self) -> int:
        return self.count


@dataclass(frozen=True, eq=False)
class _Step:
    """The pixels that changed, their values and sources before and after.

    Few pixels are listed by position; of many, the smallest box around them is kept as it was and as it became, which
    takes a third of the memory where most of it changed, and no list of millions of positions.

    Parameters
    ----------
    place : (N,) int64, or a pair of slices
        Flat positions, or the box.
    values, sources : two arrays each
        (N,) or (h, w) uint8, before and after.
    changed : (h, w) bool, optional
        Where in the box something changed.
    """

    place: Any
    values: tuple[Mask, Mask]
    sources: tuple[Mask, Mask]
    changed: NDArray[np.bool_] | None = None

    @classmethod
    def between(cls, before: SourcedMask, after: SourcedMask, changed: Changed) -> _Step:
        """Return the step from one mask to another."""
        if changed.count > FEW:
            box = box_of(changed.where)
            if _COST_OF_BOX * changed.where[box].size < _COST_OF_POSITION * changed.count:
                values, sources = (
                    (held_box(one, box), held_box(other, box))
                    for one, other in (
                        (before.values, after.values),
                        (before.sources.values, after.sources.values),
                    )
                )
                return cls(box, values, sources, held_box(changed.where, box))
        pixels = np.flatnonzero(changed.where)
        values, sources = (
            (one.ravel()[pixels], other.ravel()[pixels])
            for one, other in ((before.values, after.values), (before.sources.values, after.sources.values))
        )
        return cls(pixels, values, sources)

    @property
    def held(self) -> int:
        """How many listed positions take as much memory."""
        each = 1.0 if self.changed is None else _COST_OF_BOX / _COST_OF_POSITION
        return round(each * self.values[0].size)

    def put(self, values: Mask, sources: Mask | None, side: int) -> None:
        """Make a mask (H, W), and its sources, as they were before (side 0) or after (1)."""
        for whole, parts in ((values, self.values), (sources, self.sources)):
            if whole is not None:
                target = whole if self.changed is not None else whole.reshape(-1)
                target[self.place] = parts[side]

    def begun_from(self, moved: NDArray[np.bool_], sources: Mask) -> _Step:
        """Return the step from other sources (H, W) where `moved`; what it decides itself is taken out of `moved`."""
        if self.changed is None:
            flat = moved.reshape(-1)
            known = flat[self.place]
            before = np.where(known, sources.reshape(-1)[self.place], self.sources[0])
            flat[self.place] = False
        else:
            inside = moved[self.place]
            before = np.where(inside & self.changed, sources[self.place], self.sources[0])
            inside[self.changed] = False
        return replace(self, sources=(before, self.sources[1]))


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
        kept: Mask | None = None,
    ) -> Changed:
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
        kept : (H, W) uint8, optional
            Equal to `values` and never written into again, so that it is held in place of a copy.

        Returns
        -------
        Changed
            Where value or source changed.
        """
        if source is None and same(values, self.state.values):
            return Changed(np.zeros(values.shape, bool), 0)
        place = self._place if source is not None or painted else self._place_of(values)
        if place != self._place:
            return self._go_to(place)
        return self._take(self.planned(values, source, claimed, ground), kept)

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
        table, number = ground.sources.numbered(source)
        known = ground.sources.values
        made: Mask | None = None
        all_claimed, alone = claimed is not None and is_everywhere(claimed), uniform_value(known)
        if all_claimed and alone is not None and alone not in (PERSON, *ground.sources.imported_values):
            return SourcedMask(values, Sources(uniform(known.shape, np.uint8(number)), table))
        for part in strips(values.shape):
            if claimed is None:
                changed = values[part] != ground.values[part]
            else:
                changed = known[part] != PERSON
                for imported in ground.sources.imported_values:
                    changed &= known[part] != imported
                if not all_claimed:
                    changed &= claimed[part]
                if not changed.all():
                    changed |= values[part] != ground.values[part]
            if made is None:
                if changed.all():
                    continue  # of most of a whole proposal: one value until something else is found
                made = np.empty(known.shape, np.uint8)
                made[: part.start] = number
            made[part] = known[part]
            np.copyto(made[part], np.uint8(number), where=changed)
        return SourcedMask(values, Sources(uniform(known.shape, np.uint8(number)) if made is None else made, table))

    def _take(self, state: SourcedMask, kept: Mask | None) -> Changed:
        changed = Changed.between(self.state, state)
        if not changed.count:
            return changed  # the very state stays: nothing is to be written
        after = SourcedMask(state.values.copy() if kept is None else kept, state.sources)
        if changed.in_value:
            step = _Step.between(self.state, after, changed)
            self._steps = [*self._steps[: self._place], step]
            self._shorten()
        else:
            self._amend(changed, after)
        self.state = after
        return changed

    def _amend(self, changed: Changed, after: SourcedMask) -> None:
        """Let new sources belong to the step before; steps that were undone lead on from them."""
        if self._place:
            before = self._at(self._place - 1)
            self._steps[self._place - 1] = _Step.between(before, after, Changed.between(before, after))
        moved = changed.where.copy()
        ahead = self._steps[self._place :]
        self._steps[self._place :] = [step.begun_from(moved, after.sources.values) for step in ahead]

    def _shorten(self) -> None:
        held = np.cumsum([step.held for step in reversed(self._steps)])
        kept = min(MOST_STEPS, int(np.count_nonzero(held <= MOST_PIXELS)))
        self._steps = self._steps[len(self._steps) - kept :]
        self._place = kept

    # -- undo -------------------------------------------------------------------------------------------------

    def _place_of(self, values: Mask) -> int:
        """Return after which step the mask was `values`, the nearest one back or forth; the present place if none."""
        for both in zip_longest(self._masks(back=True), self._masks(back=False)):
            place: int
            for place, mask in filter(None, both):
                if same(mask, values):
                    return place
        return self._place

    def _masks(self, back: bool) -> Iterator[tuple[int, Mask]]:
        """Yield the places in one direction, the nearest first, and the mask there (valid until the next one)."""
        mask = self.state.values.copy()
        for place, step in self._way(back):
            step.put(mask, None, 0 if back else 1)
            yield place, mask

    def _way(self, back: bool) -> list[tuple[int, _Step]]:
        """Return the steps to take from here, each with the place it leads to."""
        places = range(self._place - 1, -1, -1) if back else range(self._place + 1, len(self._steps) + 1)
        return [(place, self._steps[place if back else place - 1]) for place in places]

    def _go_to(self, place: int) -> Changed:
        before, self.state = self.state, self._at(place)
        self._place = place
        return Changed.between(before, self.state)

    def _at(self, place: int) -> SourcedMask:
        """Return the mask as it is after another number of steps."""
        back = place < self._place
        values, sources = self.state.values.copy(), self.state.sources.values.copy()
        for reached, step in self._way(back):
            step.put(values, sources, 0 if back else 1)
            if reached == place:
                break
        return SourcedMask(values, Sources(sources, self.state.sources.table))


def differs(first: SourcedMask, second: SourcedMask) -> tuple[NDArray[np.bool_], bool]:
    """Return (H, W) bool where two masks differ in value or source, and whether some value differs."""
    alone = [uniform_value(one.sources.values) for one in (first, second)]
    if None not in alone and alone[0] != alone[1]:
        return everywhere(first.values.shape), not same(first.values, second.values)
    found, in_value = np.empty(first.values.shape, bool), False
    same_sources = first.sources.values is second.sources.values
    for part in strips(first.values.shape):
        np.not_equal(first.values[part], second.values[part], out=found[part])
        in_value = in_value or bool(found[part].any())
        if not same_sources:
            found[part] |= first.sources.values[part] != second.sources.values[part]
    return found, in_value


def holds_any(mask: NDArray[Any]) -> bool:
    """Return whether anything of a mask (H, W) is not 0; looked at from the top until something is found."""
    return any(bool(mask[part].any()) for part in strips(mask.shape))


def held_box(whole: NDArray[Any], box: tuple[slice, slice]) -> NDArray[Any]:
    """Return a box of an array that nobody changes: most of it as it is, of little a copy, so that the rest may go."""
    part = whole[box]
    return part if 2 * part.size > whole.size else part.copy()


def strips(shape: tuple[int, ...]) -> Iterator[slice]:
    """Yield the rows of an array (H, W) in parts that fit the processor's cache."""
    rows = max(1, STRIP // max(1, shape[1]))
    yield from (slice(first, first + rows) for first in range(0, shape[0], rows))


def everywhere(shape: tuple[int, ...]) -> NDArray[np.bool_]:
    """Return (H, W) bool, True in every pixel, in one byte; not to be written into."""
    return uniform(shape, np.True_)


def is_everywhere(where: NDArray[np.bool_]) -> bool:
    """Return whether an array was made by `everywhere`, which need not be looked at pixel by pixel."""
    return bool(uniform_value(where))


def same(first: NDArray[Any], second: NDArray[Any]) -> bool:
    """Return whether two masks (H, W) are equal, without memory for where they are not."""
    if first.shape != second.shape or first.size <= STRIP:
        return np.array_equal(first, second)
    return all(np.array_equal(first[part], second[part]) for part in strips(first.shape))


@dataclass(frozen=True, eq=False)
class Differing:
    """Where two masks (H, W) differ, compared row by row when somebody asks (see `box_of`)."""

    first: NDArray[Any]
    second: NDArray[Any]

    @property
    def shape(self) -> tuple[int, ...]:
        """(H, W)."""
        return self.first.shape

    def __getitem__(self, rows: slice) -> NDArray[np.bool_]:
        return np.asarray(self.first[rows] != self.second[rows])


def box_of(where: NDArray[np.bool_] | Differing) -> tuple[slice, slice]:
    """Return the smallest box around what is True in (H, W) bool; an empty one where nothing is."""
    parts = list(strips(where.shape))
    first = next((part for part in parts if where[part].any()), None)
    if first is None:
        return NOWHERE
    last = next(part for part in reversed(parts) if where[part].any())
    top = first.start + int(where[first].any(axis=1).argmax())
    bottom = last.start + int(np.flatnonzero(where[last].any(axis=1))[-1]) + 1
    columns = np.zeros(where.shape[1], bool)
    for part in strips((bottom - top, where.shape[1])):
        columns |= where[top + part.start : min(bottom, top + part.stop)].any(axis=0)
        if columns[0] and columns[-1]:
            break  # as wide as it can be
    found = np.flatnonzero(columns)
    return slice(top, bottom), slice(int(found[0]), int(found[-1]) + 1)
