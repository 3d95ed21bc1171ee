from __future__ import annotations

import pytest

from napari_wsss.pixels.working_size import LARGEST, factor_to, seen, side_in_training


@pytest.mark.parametrize(
    ("size", "side", "expected"),
    [
        ((960, 720), 373, 373 / 960),
        ((720, 960), 373, 373 / 960),
        ((200, 200), 373, 373 / 200),
        ((320, 240), 373, 1.0),
        ((460, 300), 373, 1.0),
        ((50, 20), 373, LARGEST),
        ((960, 720), 0, 1.0),
    ],
)
def test_pictures_come_to_the_side_unless_they_nearly_fit(size: tuple[int, int], side: int, expected: float) -> None:
    assert factor_to(*size, side) == pytest.approx(expected)


@pytest.mark.parametrize(("low", "high", "side"), [(0.9, 1.5, 116), (0.5, 2.0, 100), (1.0, 1.0, 100)])
def test_the_middle_of_random_scales_is_geometric(low: float, high: float, side: int) -> None:
    told = {"preset": "auto", "scale_of": "crop", "crop": 100, "scale_low": low, "scale_high": high}
    assert side_in_training(told) == side


@pytest.mark.parametrize(
    ("pictures", "words"), [(960, "reduced to 373"), (200, "enlarged to 373"), (320, "seen as they are")]
)
def test_it_says_what_becomes_of_pictures(pictures: int, words: str) -> None:
    assert words in str(seen(pictures, 373))
    assert f"about {pictures} pixels" in str(seen(pictures, 373))
