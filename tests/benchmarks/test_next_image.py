"""From the key to the next image, when it was read ahead, beyond napari's own refresh; and copying a proposal."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

IMAGES = {375: 24, 2000: 10, 4000: 5}
LIMIT_MS = 100.0
SIZES = pytest.mark.parametrize(
    ("height", "width"), [(375, 500), (2000, 2000), (4000, 4000)], ids=["500x375", "2000x2000", "4000x4000"]
)


@pytest.mark.gui
@pytest.mark.timeout(600)
@SIZES
def test_next_image(
    benchmark: Any,
    note: Callable[..., None],
    project_with_maps: Callable[..., Path],
    window: Callable[[Path], Any],
    height: int,
    width: int,
) -> None:
    """`next` through the dock's own action, photograph, three maps, proposal and mask included."""
    shown = window(project_with_maps(IMAGES[height], height, width))
    session, sync = shown.session, shown.dock.sync
    beyond: list[float] = []
    own: list[float] = []
    refreshes: list[float] = []

    def go() -> None:
        following = session.navigation.queue.neighbour(session.table.image_id, 1)
        assert session.table.prefetch.holds(following)
        refresh = shown.painted(sync.mask.refresh)
        own_refresh = shown.own
        took = shown.painted(lambda: shown.dock.actions_.run("next"))
        own.append(shown.own - own_refresh)
        assert session.table.image_id == following
        assert sync.mask.data is session.table.mask
        refreshes.append(refresh)
        beyond.append(took - refresh)

    rounds = len(session.navigation.queue) - 2
    benchmark.pedantic(go, setup=shown.settle, rounds=rounds)
    p95 = float(np.percentile(beyond, 95)) * 1000
    note(
        benchmark,
        refresh_ms=round(float(np.median(refreshes)) * 1000, 2),
        beyond_p50_ms=round(float(np.median(beyond)) * 1000, 2),
        beyond_p95_ms=round(p95, 2),
        own_beyond_p95_ms=round(float(np.percentile(own, 95)) * 1000, 2),
        target_beyond=f"beyond_p95_ms < {LIMIT_MS:g}",
        met_beyond="yes" if p95 < LIMIT_MS else "NO",
    )


@pytest.mark.gui
@pytest.mark.timeout(600)
@SIZES
@pytest.mark.parametrize("grain", [1, 8], ids=["noise", "things"])
def test_copy_of_a_proposal(
    benchmark: Any,
    note: Callable[..., None],
    project_with_maps: Callable[..., Path],
    window: Callable[[Path], Any],
    grain: int,
    height: int,
    width: int,
) -> None:
    """Shift+Y into an empty mask, journaled when it returns; taken back before each round."""
    shown = window(project_with_maps(2, height, width, grain))
    session, sync = shown.session, shown.dock.sync
    own: list[float] = []

    def take_back() -> None:
        sync.mask.undo()
        sync.commit()
        shown.settle()
        assert not session.table.mask.any()

    def copy() -> None:
        busy = time.thread_time()
        shown.dock.actions_.run("copy_all")
        own.append(time.thread_time() - busy)
        assert np.array_equal(session.table.mask, session.table.proposal)

    benchmark.pedantic(copy, setup=take_back, rounds=4)
    note(benchmark, target_ms=LIMIT_MS, of="p95_ms", own_p95_ms=round(float(np.percentile(own, 95)) * 1000, 2))


@pytest.mark.timeout(600)
@SIZES
def test_journal_of_a_copy(
    benchmark: Any,
    note: Callable[..., None],
    project_with_maps: Callable[..., Path],
    tmp_path: Path,
    height: int,
    width: int,
) -> None:
    """The session's share of a copy, without a window: chosen, noted for undo, journaled; and taken back."""
    from napari_wsss.session.session import Session

    session = Session(config_folder=tmp_path / "config")
    session.open_project(project_with_maps(1, height, width))
    table, decisions = session.table, session.decisions
    assert table is not None
    copies: list[float] = []
    undos: list[float] = []

    def take_back() -> None:
        empty, busy = np.zeros_like(table.mask), time.thread_time()
        table.record_change(empty)
        undos.append(time.thread_time() - busy)

    def copy() -> None:
        busy = time.thread_time()
        copied = decisions.copied_pixels()
        values = decisions.copy_proposal()
        table.record_change(values, decisions.proposal_source(), copied)
        copies.append(time.thread_time() - busy)

    copy()
    benchmark.pedantic(copy, setup=take_back, rounds=7)
    middle = [round(float(np.median(found)) * 1000, 1) for found in (copies, undos)]
    note(benchmark, own_p50_ms=middle[0], own_undo_p50_ms=middle[1])
    session.close_project()
