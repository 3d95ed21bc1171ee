"""From a click to the new mask by colours and maps, on an image whose superpixels are known."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

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


@pytest.mark.gui
@pytest.mark.timeout(600)
def test_a_click_in_the_window(
    benchmark: Any,
    note: Callable[..., None],
    project_with_maps: Callable[..., Path],
    window: Callable[[Path], Any],
) -> None:
    """From the click to the canvas painted with its answer, superpixels ready; each round on a thing of its own."""
    shown = window(project_with_maps(1, 375, 500))
    session, sync = shown.session, shown.dock.sync
    sync.pointing.toggle("things")
    shown.settle()
    proposal = session.table.proposal
    value = int(np.unique(proposal[proposal > 0])[0])
    places = np.argwhere(proposal == value)
    clicks = iter([Click(int(row), int(column)) for row, column in places[:: max(1, len(places) // 24)]])
    own: list[float] = []
    answered: list[float] = []

    def begin() -> None:
        session.pointing.end()
        shown.settle()

    def point() -> None:
        start, busy = time.perf_counter(), time.thread_time()
        assert session.pointing.click(next(clicks), value)

        def answer() -> None:
            while session.pointing.busy:
                shown.work()
            answered.append(time.perf_counter() - start)

        shown.painted(answer)
        own.append(time.thread_time() - busy)

    benchmark.pedantic(point, setup=begin, rounds=15)
    middle = {name: round(float(np.median(found)) * 1000, 1) for name, found in (("answer", answered), ("own", own))}
    note(benchmark, target_ms=150.0, of="p50_ms", answer_p50_ms=middle["answer"], own_p50_ms=middle["own"])
