"""Where regions of pixels end, as polygons that give back exactly the same pixels, holes and thin lines included.

The border is followed along the cracks between pixels (Rosenfeld & Kak, *Digital Picture Processing*, 1982, section
11.2). A hole is joined to what surrounds it by a cut of no width, as formats whose polygons know no holes want it.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Points = NDArray[np.int64]

_STEPS = np.array([(1, 0), (0, 1), (-1, 0), (0, -1)])
"""Direction of a border piece (dx, dy): right, down, left, up; the region lies on its right hand."""
_INSIDE = np.array([(0, 0), (-1, 0), (-1, -1), (0, -1)])
"""From the start of a border piece to the pixel (x, y) it bounds, by direction."""
_DOWN, _UP = 1, 3
LEAST_POINTS = 3


@dataclass(frozen=True, eq=False)
class Outline:
    """The border of one region whose pixels touch at their sides.

    Parameters
    ----------
    corners : (N, 2) int64
        x, y of pixel corners: filled by the even-odd rule it covers exactly the region's pixels (COCO, CVAT).
    pixels : (M, 2) int64, M >= 3
        Column and row of the outermost pixels: filled together with its own line it covers exactly the region (what
        drawing functions do: OpenCV's ``fillPoly``, Pillow's ``polygon``; YOLO, LabelMe).
    """

    corners: Points
    pixels: Points


def outlines(where: NDArray[np.bool_]) -> list[Outline]:
    """Return the outline of every region of (H, W) bool, in the order of their first pixels."""
    from scipy import ndimage

    regions, _ = ndimage.label(where)
    border = _Border.of(where)
    outer: dict[int, _Ring] = {}
    holes: list[_Ring] = []
    for ring in border.rings():
        if ring.surrounds:
            outer[int(regions[ring.pixel[1], ring.pixel[0]])] = ring
        else:
            holes.append(ring)
    rings = [*outer.values(), *holes] if holes else []
    left_sides = {side: place for ring in rings for side, place in ring.left_sides()}
    for hole in sorted(holes, key=lambda one: one.corner, reverse=True):  # what it is cut into is joined after it
        hole.join(where, left_sides)
    return [outer[region].outline() for region in sorted(outer)]


@dataclass(frozen=True, eq=False)
class _Border:
    """All pieces between two pixels of which one is inside: where each starts, its direction, the piece after it."""

    starts: Points
    directions: NDArray[np.int64]
    following: list[int]

    @classmethod
    def of(cls, where: NDArray[np.bool_]) -> "_Border":
        inside = np.pad(where, 1)
        here = inside[1:-1, 1:-1]
        outside = (inside[:-2, 1:-1], inside[1:-1, 2:], inside[2:, 1:-1], inside[1:-1, :-2])
        found = [np.argwhere(here & ~beyond)[:, ::-1] - _INSIDE[way] for way, beyond in enumerate(outside)]
        starts = np.concatenate(found)
        directions = np.repeat(np.arange(4), [len(one) for one in found])
        number = np.full((4, where.shape[0] + 1, where.shape[1] + 1), -1)
        number[directions, starts[:, 1], starts[:, 0]] = np.arange(len(starts))
        x, y = (starts + _STEPS[directions]).T
        following = np.full(len(starts), -1)
        for turn in (3, 0, 1):  # the sharpest turn into the region wins: pixels that touch at a corner are two regions
            candidate = number[(directions + turn) % 4, y, x]
            following = np.where(candidate >= 0, candidate, following)
        return cls(starts, directions, following.tolist())

    def rings(self) -> Iterator["_Ring"]:
        """Yield every closed border, begun at its leftmost, then topmost piece that runs up or down."""
        waiting = np.ones(len(self.starts), bool)
        for first in range(len(self.starts)):
            if waiting[first]:
                pieces = [first]
                while (following := self.following[pieces[-1]]) != first:
                    pieces.append(following)
                waiting[pieces] = False
                yield self._ring(np.array(pieces))

    def _ring(self, pieces: NDArray[np.int64]) -> "_Ring":
        upright = np.flatnonzero(self.directions[pieces] % 2 == 1)
        x, y = self.starts[pieces[upright]].T
        pieces = np.roll(pieces, -upright[np.lexsort((y, x))[0]])
        starts, ways = self.starts[pieces], self.directions[pieces]
        return _Ring(starts, starts + _STEPS[ways], starts + _INSIDE[ways], bool(ways[0] == _UP))


@dataclass(eq=False)
class _Ring:
    """One closed border: start and end corner and inner pixel (x, y) of each piece; `cuts` are holes joined to it."""

    starts: Points
    ends: Points
    inner: Points
    surrounds: bool
    cuts: dict[int, list["_Ring"]] = field(default_factory=dict)

    @property
    def corner(self) -> tuple[int, int]:
        """Where it begins."""
        return int(self.starts[0, 0]), int(self.starts[0, 1])

    @property
    def pixel(self) -> tuple[int, int]:
        """The inner pixel where it begins."""
        return int(self.inner[0, 0]), int(self.inner[0, 1])

    def left_sides(self) -> Iterator[tuple[tuple[int, int], tuple["_Ring", int]]]:
        """Yield each pixel (x, y) whose left side is a piece of it, with itself and the piece's place."""
        rising = np.flatnonzero(self.ends[:, 1] < self.starts[:, 1])
        for piece, (x, y) in zip(rising.tolist(), self.inner[rising].tolist(), strict=True):
            yield (x, y), (self, piece)

    def join(self, where: NDArray[np.bool_], left_sides: Mapping[tuple[int, int], tuple["_Ring", int]]) -> None:
        """Cut to the left from this hole's leftmost corner, along its row of pixels, to the border met first."""
        _, row = self.pixel
        left = np.flatnonzero(~where[row, : self.corner[0]])
        ring, piece = left_sides[int(left[-1]) + 1 if left.size else 0, row]
        ring.cuts.setdefault(piece, []).append(self)

    def path(self) -> tuple[Points, Points]:
        """Return corners and inner pixels (N, 2) along the border, and along every cut to and fro."""
        corners = np.stack([self.starts, self.ends], axis=1).reshape(-1, 2)
        pixels = np.repeat(self.inner, 2, axis=0)
        parts, begun = [], 0
        for piece in sorted(self.cuts):
            parts.append((corners[begun : 2 * piece + 2], pixels[begun : 2 * piece + 2]))
            begun = 2 * piece + 2
            for hole in self.cuts[piece]:
                back = np.array([hole.starts[0], self.ends[piece]]), np.array([hole.inner[0], self.inner[piece]])
                parts += [hole.path(), back]
        parts.append((corners[begun:], pixels[begun:]))
        return np.concatenate([part for part, _ in parts]), np.concatenate([part for _, part in parts])

    def outline(self) -> Outline:
        """Return the border with its cuts as polygons."""
        corners, pixels = self.path()
        return Outline(_without_middles(corners), _at_least(_without_middles(pixels)))


def _without_middles(points: Points) -> Points:
    """Return a closed polygon (N, 2) without repeated points and without those on a straight line between others."""
    moving = (points != np.roll(points, 1, axis=0)).any(1)
    points = points[moving] if moving.any() else points[:1]
    before = np.sign(points - np.roll(points, 1, axis=0))
    after = np.sign(np.roll(points, -1, axis=0) - points)
    turning = (before != after).any(1)
    return points[turning] if turning.any() else points[:1]


def _at_least(points: Points) -> Points:
    missing = max(0, LEAST_POINTS - len(points))
    return np.concatenate([points, np.repeat(points[-1:], missing, axis=0)])
