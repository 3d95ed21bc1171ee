"""Strokes as bytes: exact, small, and those of older projects still read."""

from __future__ import annotations

import zlib

import numpy as np

from napari_wsss.core.sources import PERSON
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
