"""Strokes as bytes: exact, small, and those of older projects still read."""

from __future__ import annotations

import zlib

import numpy as np
import pytest

from napari_wsss.core.errors import ProjectError
from napari_wsss.core.sources import PERSON, uniform
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


@pytest.mark.parametrize("part", [5, strokes.PART])
def test_regions_are_what_a_list_would_be(part: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(strokes, "PART", part)
    where = np.zeros((20, 30), bool)
    where[2:18, 3:29] = True
    where[7, 9] = False
    values = np.zeros(where.shape, np.uint8)
    values[5:12] = 3
    sources = np.where(values, 2, 1).astype(np.uint8)
    packed = strokes.pack_regions(where, values, sources)
    assert packed is not None
    indices = np.flatnonzero(where)
    read = strokes.unpack(packed)
    wanted = indices, values.ravel()[indices], sources.ravel()[indices]
    assert all(np.array_equal(one, other) for one, other in zip(read, wanted, strict=True))


def test_what_is_no_region_is_left_to_the_list() -> None:
    values = np.arange(600, dtype=np.int64).astype(np.uint8).reshape(20, 30)
    assert strokes.pack_regions(np.ones((20, 30), bool), values, values) is None


@pytest.mark.parametrize(
    ("gap", "length", "count"), [(2**31, 5, 1), (3, 2**31, 1), (3, 0, 1), (3, 5, 2**40), (3, 5, -1)]
)
def test_damaged_regions_are_refused(gap: int, length: int, count: int) -> None:
    numbers = np.array([gap, length], "<u4").tobytes()  # of one region each byte is a plane
    plain = np.array([count], "<i8").tobytes() + numbers + b"\1\1"
    with pytest.raises(ProjectError, match="damaged"):
        unpack(strokes.REGIONS + zlib.compress(plain))


@pytest.mark.parametrize("part", [None, (slice(2, 30), slice(3, 40))])
def test_one_value_everywhere_packs_as_a_whole_array_does(part: tuple[slice, slice] | None) -> None:
    shape = (40, 50)
    values = np.repeat(np.arange(4, dtype=np.uint8), 500).reshape(shape)
    where = uniform(shape, np.True_) if part is None else np.zeros(shape, bool)
    if part is not None:
        where[part] = True
    plain = strokes.pack_regions(where.copy(), values, np.full(shape, 2, np.uint8))
    assert plain is not None
    assert strokes.pack_regions(where, values, uniform(shape, np.uint8(2))) == plain
    assert strokes.pack_regions(where, uniform(shape, np.uint8(5)), uniform(shape, np.uint8(2))) is not None
