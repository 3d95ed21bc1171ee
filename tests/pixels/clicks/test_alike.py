"""Regions that look alike, and were taken for the same, are found; numbers may be any."""

import numpy as np

from napari_wsss.pixels.clicks import alike
from napari_wsss.pixels.clicks.alike import alike_regions

BIG = 2**31 - 1


def cells() -> tuple[np.ndarray, np.ndarray]:
    """Return four cells on nothing: two greens, one slightly and one much redder."""
    numbers, pixels = np.zeros((40, 40), np.int32), np.full((40, 40, 3), 90, np.uint8)
    for number, place, colour in (
        (3, np.s_[2:10, 2:10], (40, 160, 60)),
        (BIG, np.s_[2:10, 20:30], (42, 158, 64)),
        (8, np.s_[20:30, 2:10], (46, 152, 58)),
        (9, np.s_[20:30, 20:30], (190, 60, 40)),
    ):
        numbers[place], pixels[place] = number, colour
    return numbers, pixels


def test_what_looks_alike_is_found_and_nothing_else() -> None:
    numbers, pixels = cells()
    nothing = np.zeros_like(numbers, np.uint8)
    assert alike_regions(numbers, pixels, np.array([3], np.int32), nothing).tolist() == [3, 8, BIG]
    assert alike_regions(numbers, pixels, np.array([9], np.int32), nothing).tolist() == [9]
    assert alike_regions(numbers, pixels, np.array([8, 9], np.int32), nothing).tolist() == [3, 8, 9, BIG]


def test_what_was_taken_for_another_class_is_left_alone() -> None:
    numbers, pixels = cells()
    taken_for = np.where(numbers == BIG, 2, 0).astype(np.uint8)
    assert alike_regions(numbers, pixels, np.array([3], np.int32), taken_for).tolist() == [3, 8]


def test_a_large_picture_is_looked_at_sparsely_and_what_is_meant_stays(monkeypatch) -> None:
    numbers, pixels = cells()
    numbers[1, 1] = 77  # between the pixels that are looked at
    monkeypatch.setattr(alike, "LOOKED_AT", numbers.size // 4)
    nothing = np.zeros_like(numbers, np.uint8)
    assert alike_regions(numbers, pixels, np.array([3, 77], np.int32), nothing).tolist() == [3, 8, 77, BIG]
