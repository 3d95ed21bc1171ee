"""From R to the new mask: superpixels, the walk over them and the borders, and a clean-up."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from napari_wsss.pixels.cleanup import CleanUp, clean
from napari_wsss.pixels.propagate import around_scribbles, prior_of, propagate
from napari_wsss.pixels.superpixels import find_superpixels
from tests.benchmarks.conftest import blobs, photograph

SIZES = [(375, 500, 300.0), (2000, 2000, 4000.0)]
IDS = ["500x375", "2000x2000"]


def scribbles(height: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    """Return strokes of three classes and background, a tenth of the picture long."""
    seeds, seeded = np.zeros((height, width), np.uint8), np.zeros((height, width), bool)
    for number, value in enumerate((0, 1, 3, 4)):
        row, column = (number + 1) * height // 5, (number + 1) * width // 6
        place = np.s_[row : row + 5, column : column + width // 10]
        seeds[place], seeded[place] = value, True
    return seeds, seeded


@pytest.mark.parametrize(("height", "width", "target_ms"), SIZES, ids=IDS)
def test_propagation(benchmark: Any, note: Callable[..., None], height: int, width: int, target_ms: float) -> None:
    """The first one on an image, whose superpixels are not known yet; masks of blobs are nearly all border."""
    image, maps = np.asarray(photograph(height, width, 0)), blobs(height, width, seed=1)
    seeds, seeded = scribbles(height, width)
    before = maps.to_mask(0.4)

    def press() -> np.ndarray:
        found = propagate(image, find_superpixels(image), seeds, seeded, prior_of(maps, 0.4))
        return around_scribbles(found, before, seeded)

    found = benchmark.pedantic(press, rounds=7, warmup_rounds=1)
    assert np.array_equal(found[seeded], seeds[seeded])
    note(benchmark, target_ms=target_ms, of="p50_ms")


@pytest.mark.parametrize(("height", "width", "target_ms"), SIZES, ids=IDS)
def test_clean_up(benchmark: Any, note: Callable[..., None], height: int, width: int, target_ms: float) -> None:
    image, mask = np.asarray(photograph(height, width, 0)), blobs(height, width, seed=1).to_mask(0.4)
    steps = CleanUp(snap=4, smooth=3, hole=100, smallest=100)
    benchmark.pedantic(lambda: clean(image, mask, steps), rounds=3, warmup_rounds=1)
    note(benchmark, target_ms=target_ms, of="p50_ms")
