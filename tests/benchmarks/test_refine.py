"""Refinement of one photograph: backgrounds in milliseconds, the CRF in tenths of a second and in small steps."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from napari_wsss.core.maps import ActivationMaps
from napari_wsss.pixels.resizing import resize
from napari_wsss.refine.dense_crf import DenseCrf
from napari_wsss.refine.power_background import PowerBackground
from tests.benchmarks.conftest import blobs

SIZES = [(375, 500), (2000, 2000)]


def picture(height: int, width: int) -> NDArray[np.uint8]:
    return resize(np.random.default_rng(0).integers(0, 256, (15, 20, 3), dtype=np.uint8), height, width)


@pytest.mark.parametrize(("height", "width"), SIZES, ids=["500x375", "2000x2000"])
def test_power_background(benchmark: Any, height: int, width: int) -> None:
    image, maps, step = picture(height, width), blobs(height, width, seed=1), PowerBackground()

    found = benchmark.pedantic(lambda: step.refine(image, maps), rounds=10, warmup_rounds=1)

    assert found.background is not None


@pytest.mark.parametrize("preset", ["psa", "edam"])
def test_dense_crf(benchmark: Any, note: Callable[..., None], preset: str) -> None:
    pytest.importorskip("pydensecrf.densecrf")
    image, maps = picture(375, 500), PowerBackground().refine(picture(375, 500), blobs(375, 500, seed=1))
    step = DenseCrf(DenseCrf.Parameters(preset))

    benchmark.pedantic(lambda: step.refine(image, maps), rounds=3)

    note(benchmark, longest_step_ms=longest_step(step, image, maps))


def longest_step(step: DenseCrf, image: NDArray[np.uint8], maps: ActivationMaps) -> float:
    """Return the longest time in ms that the interpreter is held without a chance to cancel."""
    longest, start = 0.0, time.perf_counter()
    for _ in step.steps(image, maps):
        now = time.perf_counter()
        longest, start = max(longest, now - start), now
    return round(longest * 1000, 1)
