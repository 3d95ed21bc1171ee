"""Run lengths mean what those who read them take them for."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from napari_wsss.pixels.run_lengths import brush_runs, coco_counts, run_lengths

PICTURES = arrays(bool, st.tuples(st.integers(1, 30), st.integers(1, 30)))


@given(PICTURES)
@settings(max_examples=100, deadline=None)
def test_pycocotools_reads_and_writes_the_same(where: np.ndarray) -> None:
    from pycocotools import mask

    size = list(where.shape)
    counts = coco_counts(where)
    assert mask.encode(np.asfortranarray(where.astype(np.uint8)))["counts"].decode() == counts
    np.testing.assert_array_equal(mask.decode({"size": size, "counts": counts}).astype(bool), where)


@given(PICTURES)
@settings(max_examples=50, deadline=None)
def test_runs_stand_for_the_pixels_in_turn(where: np.ndarray) -> None:
    lengths = run_lengths(where)
    values = np.arange(len(lengths)) % 2 == 1
    np.testing.assert_array_equal(np.repeat(values, lengths).reshape(where.shape), where)
    assert all(lengths[1:])


def unpacked(data: list[int]) -> np.ndarray:
    """Return the bytes of thi.ng's run-length format, by its description: single values and runs."""
    bits, at = "".join(f"{one:08b}" for one in data), 0

    def read(count: int) -> int:
        nonlocal at
        at += count
        return int(bits[at - count : at], 2)

    count, word = read(32), read(5) + 1
    sizes, found = [read(4) + 1 for _ in range(4)], []
    while len(found) < count:
        is_run, length = read(1), read(sizes[read(2)]) + 1
        found += [read(word)] * length if is_run else [read(word) for _ in range(length)]
    return np.array(found, np.uint8)


@given(PICTURES)
@settings(max_examples=50, deadline=None)
def test_brush_runs_are_four_bytes_a_pixel(where: np.ndarray) -> None:
    found = unpacked(brush_runs(where)).reshape(*where.shape, 4)
    np.testing.assert_array_equal(found, np.repeat(where[..., None], 4, axis=2) * np.uint8(255))


def test_long_runs_are_cut_into_pieces() -> None:
    where = np.zeros((200, 300), bool)
    where[100:] = True
    np.testing.assert_array_equal(unpacked(brush_runs(where))[::4].reshape(where.shape) == 255, where)
