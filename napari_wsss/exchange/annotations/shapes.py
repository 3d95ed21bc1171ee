"""What a tool drew on an image, as the pixels it covers: polygons, ellipses, run lengths, small pictures.

Coordinates are continuous: pixel (row, column) is the square from (column, row) to (column + 1, row + 1), and belongs
to a shape when its middle lies inside. Everything is checked against the size of the image before room is made for it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

Pixels = NDArray[np.bool_]
Line = Literal["", "in", "out"]
Size = tuple[int, int]
"""(height, width) in pixels."""
MOST_CROSSINGS = 2**26
"""Of edges and rows in one polygon: a second or two."""
_AT_ONCE = 2**20
_FARTHEST = 1e8
_FARTHEST_DRAWN = 1e6


class WrongSize(ValueError):
    """What is drawn belongs to an image of another size."""


class Drawing(Protocol):
    """Something drawn on an image."""

    def inside(self, size: Size) -> Pixels:
        """Return (H, W) bool, True where it covers an image of this size; raise `ValueError` where it cannot."""


@dataclass(frozen=True)
class Polygons:
    """Polygons that together are one object, each filled by itself (even-odd).

    Parameters
    ----------
    rings : sequence of (N, 2) float64
        x, y in pixels, or in shares of width and height where `relative`.
    relative : bool
    line : str
        ``""`` where coordinates are continuous. Else points are pixels, and those on the line through them belong to
        the object (``in``, what OpenCV and Pillow draw) or surround it (``out``, what OpenCV finds around holes).
    rounding : float
        How far below its value a coordinate may have been written down: half of the last decimal.
    """

    rings: Sequence[NDArray[np.float64]]
    relative: bool = False
    line: Line = ""
    rounding: float = 0.0

    def inside(self, size: Size) -> Pixels:
        """Return (H, W) bool, True in one of the polygons."""
        scale = np.array(size[::-1], np.float64) if self.relative else np.ones(2)
        found = np.zeros(size, np.bool_)
        for ring in self.rings:
            if self.line:
                found |= _drawn((ring + self.rounding) * scale, size, self.line == "in")
            else:
                found |= filled(ring * scale, size)
        return found


@dataclass(frozen=True)
class Ellipse:
    """An upright ellipse: its centre (x, y) and its half axes (x, y) in pixels.

    Its line belongs to it where `with_line`, as Pillow draws it.
    """

    centre: tuple[float, float]
    radii: tuple[float, float]
    with_line: bool = False

    def inside(self, size: Size) -> Pixels:
        """Return (H, W) bool, True where the middle of a pixel lies in the ellipse, or on its line."""
        (x, y), (wide, high) = self.centre, self.radii
        if not all(map(np.isfinite, (x, y, wide, high))) or wide <= 0 or high <= 0:
            raise ValueError("an ellipse without size")
        if self.with_line:
            if max(abs(x), abs(y), wide, high) > _FARTHEST_DRAWN:
                raise ValueError("an ellipse far outside")
            picture = Image.new("1", size[::-1])
            box = tuple(np.trunc((x - wide, y - high, x + wide, y + high)).tolist())
            ImageDraw.Draw(picture).ellipse(box, fill=1, outline=1)
            return np.array(picture, np.bool_)
        rows, columns = np.arange(size[0])[:, None] + 0.5, np.arange(size[1])[None, :] + 0.5
        covered: Pixels = ((columns - x) / wide) ** 2 + ((rows - y) / high) ** 2 <= 1
        return covered


@dataclass(frozen=True)
class Runs:
    """Lengths of runs of pixels that are outside, inside, outside ... in a box of the image.

    Parameters
    ----------
    counts : (N,) int64
        From the first pixel of the box on, the first outside.
    box : (height, width)
    corner : (top, left)
    by_column : bool
        Runs go down the columns (COCO), not along the rows (CVAT).
    whole : bool
        The box is the image: one of another size is an error, not a part.
    """

    counts: NDArray[np.int64]
    box: Size
    corner: tuple[int, int] = (0, 0)
    by_column: bool = False
    whole: bool = False

    def inside(self, size: Size) -> Pixels:
        """Return (H, W) bool, True inside."""
        if self.whole and self.box != size:
            raise WrongSize(f"a mask drawn on {told(self.box)} pixels; the image has {told(size)}")
        _check_box(self.box, self.corner, size)
        if (self.counts < 0).any() or int(self.counts.sum()) != self.box[0] * self.box[1]:
            raise ValueError(f"run lengths that do not fill {told(self.box)} pixels")
        flat = np.repeat(np.arange(len(self.counts)) % 2 == 1, self.counts)
        return _placed(flat.reshape(self.box, order="F" if self.by_column else "C"), self.corner, size)


@dataclass(frozen=True)
class Bitmap:
    """A small picture (h, w) bool, True inside, and its upper left corner (top, left)."""

    pixels: Pixels
    corner: tuple[int, int] = (0, 0)
    whole: bool = False

    def inside(self, size: Size) -> Pixels:
        """Return (H, W) bool, True inside."""
        box = (self.pixels.shape[0], self.pixels.shape[1])
        if self.whole and box != size:
            raise WrongSize(f"a mask drawn on {told(box)} pixels; the image has {told(size)}")
        _check_box(box, self.corner, size)
        return _placed(self.pixels, self.corner, size)


def filled(ring: NDArray[np.float64], size: Size) -> Pixels:
    """Return (H, W) bool, True where the middle of a pixel lies in a polygon (N, 2) of x, y (even-odd).

    Raises
    ------
    ValueError
        When it is no polygon, leaves all bounds, or has so many edges that filling it would take minutes.
    """
    height, width = size
    (x0, y0), (x1, y1) = ring.T, np.roll(ring, -1, axis=0).T
    first, count = _rows_crossed(ring, height)
    toggles = np.zeros((height, width + 1), np.uint8)
    for edges in np.array_split(np.arange(len(ring)), int(count.sum()) // _AT_ONCE + 1):
        edge = np.repeat(edges, count[edges])
        row = first[edge] + np.arange(len(edge)) - np.repeat(np.cumsum(count[edges]) - count[edges], count[edges])
        x = x0[edge] + (row + 0.5 - y0[edge]) * (x1[edge] - x0[edge]) / (y1[edge] - y0[edge])
        column = np.clip(np.ceil(x - 0.5), 0, width).astype(np.int64)
        np.add.at(toggles, (row, column), 1)  # wraps at 256, which keeps it odd or even
    covered: Pixels = np.bitwise_xor.accumulate(toggles & 1, axis=1)[:, :width].astype(np.bool_)
    return covered


def _rows_crossed(ring: NDArray[np.float64], height: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the first row whose middle lies between the ends of each edge (N,), and how many there are."""
    if len(ring) < 3:
        raise ValueError("a polygon with fewer than three points")
    if not np.isfinite(ring).all() or np.abs(ring).max() > _FARTHEST:
        raise ValueError("a polygon with coordinates that are no numbers, or far outside")
    y0, y1 = ring[:, 1], np.roll(ring[:, 1], -1)
    first = np.clip(np.ceil(np.minimum(y0, y1) - 0.5), 0, height).astype(np.int64)
    count = np.maximum(np.clip(np.ceil(np.maximum(y0, y1) - 0.5), 0, height).astype(np.int64) - first, 0)
    if count.sum() > MOST_CROSSINGS:
        raise ValueError(f"a polygon of {len(ring)} points, more than can be filled")
    return first, count


def _drawn(ring: NDArray[np.float64], size: Size, with_line: bool) -> Pixels:
    """Return (H, W) bool, True where Pillow fills a polygon of pixels, on its line `with_line` or not."""
    _rows_crossed(ring, size[0])
    picture = Image.new("1", size[::-1])
    # The same small shift for all: a share of a whole number must not lie a hair below it.
    pixels = [(int(x), int(y)) for x, y in np.trunc(ring + 1e-6)]
    ImageDraw.Draw(picture).polygon(pixels, fill=1, outline=int(with_line))
    return np.array(picture, np.bool_)


def ring_of(value: Any) -> NDArray[np.float64]:
    """Return a polygon (N, 2) of x, y out of a list of points, or of numbers one after the other.

    Raises
    ------
    ValueError
        When it is something else.
    """
    try:
        found = np.asarray(value, np.float64)
    except (TypeError, ValueError, OverflowError) as reason:
        raise ValueError("points that are no numbers") from reason
    if found.ndim == 1 and len(found) % 2 == 0:
        found = found.reshape(-1, 2)
    if found.ndim != 2 or found.shape[1:] != (2,):
        raise ValueError("points that are not pairs of numbers")
    return found


def _placed(pixels: Pixels, corner: tuple[int, int], size: Size) -> Pixels:
    found = np.zeros(size, np.bool_)
    top, left = corner
    found[top : top + pixels.shape[0], left : left + pixels.shape[1]] = pixels
    return found


def _check_box(box: Size, corner: tuple[int, int], size: Size) -> None:
    sides = zip(box, corner, size, strict=True)
    if not all(start >= 0 and side > 0 and start + side <= whole for side, start, whole in sides):
        raise WrongSize(f"a box of {told(box)} pixels at {corner[1]}, {corner[0]}, outside the image of {told(size)}")


def told(size: Size) -> str:
    """Return a size as people write it: ``640x480``."""
    return f"{size[1]}x{size[0]}"
