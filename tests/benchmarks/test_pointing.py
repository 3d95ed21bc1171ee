"""From a click to the new mask by colours and maps, on an image whose superpixels are known."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from napari_wsss.pixels.clicks.pointing import Scene, answer_by_colour, region_meant
from napari_wsss.pixels.clicks.prompts import Click, Prompt
from napari_wsss.pixels.superpixels import find_superpixels
from tests.benchmarks.conftest import blobs, photograph


def test_a_click_on_a_proposal(benchmark: Any, note: Callable[..., None]) -> None:
    height, width = 375, 500
    image, maps = np.asarray(photograph(height, width, 0)), blobs(height, width, seed=1)
    before, patches = maps.to_mask(0.4), find_superpixels(image)
    value = int(np.unique(before[before > 0])[0])
    click = Click(*map(int, np.argwhere(before == value)[0]))

    def point() -> np.ndarray:
        scene = Scene(image, value, before, np.zeros(before.shape, bool), maps)
        assert region_meant(before, value, click) is not None
        return answer_by_colour(scene, Prompt((click,)), patches)

    found = benchmark.pedantic(point, rounds=9, warmup_rounds=1)
    assert found[click.row, click.column] == value
    note(benchmark, target_ms=150.0, of="p50_ms")
