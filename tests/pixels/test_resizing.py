"""Image sizes and bicubic resizing."""

from __future__ import annotations

import numpy as np
import pytest

from napari_wsss.pixels.resizing import resize, scaled_size


@pytest.mark.parametrize(
    ("size", "scale", "expected"),
    [((375, 500), 0.5, (188, 250)), ((65, 83), 1.5, (98, 124)), ((5, 1000), 0.5, (32, 500)), ((61, 83), 0.5, (32, 42))],
)
def test_sizes_are_rounded_half_to_even_and_never_too_small(
    size: tuple[int, int], scale: float, expected: tuple[int, int]
) -> None:
    assert scaled_size(*size, scale) == expected


def test_the_same_size_is_the_same_image() -> None:
    image = np.zeros((4, 5, 3), np.uint8)

    assert resize(image, 4, 5) is image


def test_shrinking_is_anti_aliased() -> None:
    stripes = np.zeros((64, 64, 3), np.uint8)
    stripes[:, ::2] = 255  # one pixel wide: without a low-pass this would shrink to all black or all white

    small = resize(stripes, 16, 16)

    assert small.shape == (16, 16, 3)
    assert abs(small[2:-2, 2:-2].astype(int) - 128).max() <= 4
