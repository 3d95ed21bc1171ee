"""Strokes as bytes: exact, small, and those of older projects still read."""

from __future__ import annotations

import zlib

import numpy as np
import pytest

from napari_wsss.core.sources import PERSON
from napari_wsss.project import strokes
from napari_wsss.project.strokes import pack, unpack


def test_any_order_of_positions_is_kept() -> None:
    indices = np.array([5, 6, 7, 3, 3, 2, 100, 101], np.int64)
    values, sources = np.arange(8, dtype=np.uint8), np.arange(8, 16, dtype=np.uint8)
    for found, given in zip(unpack(pack(indices, values, sources)), (indices, values, sources), strict=True):
        np.testing.assert_array_equal(found, given)


def test_a_whole_mask_is_small() -> None:
    count = 1_000_000
    whole = np.arange(count), np.repeat(np.arange(4, dtype=np.uint8), count // 4), np.full(count, 2, np.uint8)
    assert len(pack(*whole)) < 20_000


def test_strokes_from_before_sources_are_a_persons() -> None:
    old = zlib.compress(np.array([3, 1], "<i8").tobytes() + np.array([2, 7], np.uint8).tobytes())
    indices, values, sources = unpack(old)
    assert (indices.tolist(), values.tolist(), sources.tolist()) == ([3, 4], [2, 7], [PERSON, PERSON])


@pytest.mark.parametrize("part", [1, 3, 7, strokes.PART])
@pytest.mark.parametrize("count", [0, 1, 700])
def test_a_stroke_compared_in_parts_is_read_back(part: int, count: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(strokes, "PART", part)
    random = np.random.default_rng(count)
    indices = np.flatnonzero(random.random(2 * count) < 0.6)
    values, sources = random.integers(0, 9, (2, len(indices)), dtype=np.uint8)
    read = strokes.unpack(strokes.pack(indices, values, sources))
    assert all(np.array_equal(one, other) for one, other in zip(read, (indices, values, sources), strict=True))
