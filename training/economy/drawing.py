"""Lines through regions, and what a brush, a polygon or a box covers."""

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.sparse import coo_array
from scipy.sparse.csgraph import dijkstra
from skimage.draw import polygon
from skimage.measure import approximate_polygon, find_contours
from skimage.morphology import skeletonize

from training.economy.things import Region, depth_of

Points = NDArray[np.int64]
_USUAL, _AS_WIDE = 60, 0.8
"""Percentile of the widths along a middle line that a brush is made for, and the share of it that is as wide."""
_AHEAD = ((0, 1), (1, -1), (1, 0), (1, 1))
"""Half of a pixel's eight neighbours: each pair once."""


def middle_line(region: Region) -> Points:
    """Return the longest way along the skeleton of a region (H, W) bool as points (N, 2), row and column, end to end.

    That is how the robot of the DAVIS interactive benchmark scribbles (Caelles et al., "The 2018 DAVIS Challenge on
    Video Object Segmentation", 2018), without its smoothing by a spline.
    """
    points = np.argwhere(skeletonize(region))
    if not len(points):  # so thin or small that nothing is left of it
        points = np.argwhere(region)[:1]
    graph = _neighbours(points, region.shape)
    start, _, _ = _farthest(graph, 0)
    end, _, before = _farthest(graph, start)
    way = [end]
    while way[-1] != start:
        way.append(int(before[way[-1]]))
    return np.asarray(points[way])


def _neighbours(points: Points, shape: tuple[int, ...]) -> coo_array:
    """Return the distances (N, N), sparse, of points that touch each other."""
    numbers = np.full((shape[0] + 2, shape[1] + 2), -1)
    numbers[points[:, 0] + 1, points[:, 1] + 1] = np.arange(len(points))
    firsts, seconds, lengths = [], [], []
    for down, right in _AHEAD:
        other = numbers[points[:, 0] + 1 + down, points[:, 1] + 1 + right]
        touching = np.flatnonzero(other >= 0)
        firsts.append(touching)
        seconds.append(other[touching])
        lengths.append(np.full(len(touching), np.hypot(down, right)))
    ends = np.concatenate(firsts), np.concatenate(seconds)
    return coo_array((np.concatenate(lengths), ends), shape=(len(points), len(points)))


def _farthest(graph: coo_array, start: int) -> tuple[int, float, NDArray[np.int32]]:
    """Return the point that is farthest from `start`, how far it is, and each point's predecessor on the way."""
    distances, before = dijkstra(graph, directed=False, indices=start, return_predecessors=True)
    reached = np.where(np.isfinite(distances), distances, -1)
    end = int(reached.argmax())
    return end, float(reached[end]), before


def brush_stroke(region: Region) -> tuple[Points, float]:
    """Return the stroke a person draws over a region first, as points (N, 2), and the radius that fits there in pixels.

    It is the longest stretch of the middle line along which the region is about equally wide.
    """
    line = middle_line(region)
    depth = depth_of(region)[line[:, 0], line[:, 1]]
    radius = float(np.percentile(depth, _USUAL))
    parts, count = ndimage.label(depth >= _AS_WIDE * radius)
    longest = 1 + int(np.bincount(parts, minlength=count + 1)[1:].argmax())
    return line[parts == longest], radius


def length_of(line: Points) -> float:
    """Return the length in pixels of a line through points (N, 2)."""
    return float(np.hypot(*np.diff(line, axis=0).T).sum())


def brushed(line: Points, radius: float, shape: tuple[int, ...]) -> Region:
    """Return what a round brush drawn along points (N, 2) covers, (H, W) bool: all within `radius` pixels of them."""
    away = np.ones(shape, bool)
    away[line[:, 0], line[:, 1]] = False
    return np.asarray(ndimage.distance_transform_edt(away) <= radius)


def outlined(region: Region, tolerance: float) -> tuple[int, Region]:
    """Return the corners of a polygon within `tolerance` pixels of a region's outer border, and what it covers."""
    border = max(find_contours(np.pad(region, 1).astype(float), 0.5), key=len) - 1
    corners = approximate_polygon(border, tolerance)[:-1]
    covered = np.zeros_like(region)
    covered[polygon(corners[:, 0], corners[:, 1], region.shape)] = True
    return len(corners), covered


def boxed(region: Region) -> tuple[slice, slice]:
    """Return the rows and columns of the box around a region (H, W) bool."""
    rows, columns = np.flatnonzero(region.any(1)), np.flatnonzero(region.any(0))
    return slice(int(rows[0]), int(rows[-1]) + 1), slice(int(columns[0]), int(columns[-1]) + 1)
