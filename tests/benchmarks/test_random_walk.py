"""Random walks: the sparse form against the dense one in one run, and images of several sizes."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from napari_wsss.core.affinities import Affinities
from napari_wsss.refine.random_walk import walk

POWER, STEPS, MAPS = 8.0, 256, 3
PAIRS = np.array(
    [(dy, dx) for dy in range(5) for dx in range(-4, 5) if (dy or dx > 0) and dy * dy + dx * dx < 25], np.intp
)


def affinities(height: int, width: int) -> Affinities:
    values = np.random.default_rng(0).uniform(0.5, 1, (len(PAIRS), height, width)).astype(np.float32)
    rows, columns = np.mgrid[:height, :width]
    for plane, (dy, dx) in zip(values, PAIRS, strict=True):
        plane[(rows + dy >= height) | (columns + dx < 0) | (columns + dx >= width)] = 0
    return Affinities(values, PAIRS)


def maps(height: int, width: int) -> NDArray[np.float32]:
    return np.random.default_rng(1).random((MAPS, height, width), dtype=np.float32)


def by_matrix(given: NDArray[np.float32], over: Affinities) -> NDArray[np.float32]:
    """Return the walk as published: a dense matrix, squared again and again."""
    height, width = over.grid
    cells = np.arange(height * width).reshape(height, width)
    matrix = np.eye(height * width, dtype=np.float32)
    for plane, (dy, dx) in zip(over.values, over.offsets, strict=True):
        y, x = np.nonzero(plane)
        here, there = cells[y, x], cells[y + dy, x + dx]
        matrix[here, there] = matrix[there, here] = plane[y, x] ** np.float32(POWER)
    matrix /= matrix.sum(0)
    for _ in range(STEPS.bit_length() - 1):
        matrix = matrix @ matrix
    return (given.reshape(MAPS, -1) @ matrix).reshape(given.shape)


def test_against_the_dense_form(benchmark: Any, note: Callable[..., None]) -> None:
    over, given = affinities(32, 32), maps(32, 32)
    start = time.perf_counter()
    expected = by_matrix(given, over)
    dense = time.perf_counter() - start

    found = benchmark.pedantic(lambda: walk(given, over, power=POWER, steps=STEPS), rounds=5, warmup_rounds=1)

    assert np.abs(found - expected).max() < 2e-4
    ratio = benchmark.stats.stats.median / dense
    note(benchmark, share_of_the_dense_form=round(ratio, 4))
    assert ratio < 0.5


@pytest.mark.parametrize(
    ("height", "width", "target_ms"),
    [(64, 64, 400), (94, 125, 1000), (256, 256, 10_000)],
    ids=["64x64", "500x375 at stride 4", "2048x2048 at stride 8"],
)
def test_one_image(benchmark: Any, note: Callable[..., None], height: int, width: int, target_ms: float) -> None:
    over, given = affinities(height, width), maps(height, width)

    benchmark.pedantic(lambda: walk(given, over, power=POWER, steps=STEPS), rounds=3, warmup_rounds=1)

    note(benchmark, target_ms=target_ms, of="p50_ms")
