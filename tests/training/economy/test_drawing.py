from __future__ import annotations

import numpy as np
import pytest

from training.economy.drawing import boxed, brush_stroke, brushed, length_of, middle_line, outlined


def region(*parts: tuple[slice, slice]) -> np.ndarray:
    found = np.zeros((60, 90), bool)
    for part in parts:
        found[part] = True
    return found


BAR = region((slice(20, 31), slice(10, 80)))
BENT = region((slice(5, 15), slice(5, 80)), (slice(5, 55), slice(70, 80)))


@pytest.mark.parametrize("shape", [BAR, BENT])
def test_the_middle_line_goes_through_the_region_from_end_to_end(shape: np.ndarray) -> None:
    line = middle_line(shape)
    assert shape[line[:, 0], line[:, 1]].all()
    assert np.abs(np.diff(line, axis=0)).max() == 1  # step by step
    assert len(np.unique(line, axis=0)) == len(line)
    assert length_of(line) > 55


def test_it_takes_the_longer_arm_of_a_branch() -> None:
    line = middle_line(region((slice(28, 33), slice(5, 85)), (slice(15, 30), slice(40, 44))))
    assert np.ptp(line[:, 1]) > 60
    assert line[:, 0].min() > 22  # not up the short arm


@pytest.mark.parametrize("pixels", [1, 2])
def test_specks_have_a_line_too(pixels: int) -> None:
    line = middle_line(region((slice(3, 4), slice(7, 7 + pixels))))
    assert 1 <= len(line) <= pixels
    assert length_of(line) <= 1


def test_a_brush_covers_what_is_near_its_line() -> None:
    covered = brushed(np.asarray([[30, 20], [30, 21]]), 5.0, (60, 90))
    rows, columns = np.nonzero(covered)
    assert (rows.min(), rows.max()) == (25, 35)
    assert (columns.min(), columns.max()) == (15, 26)


def test_the_first_stroke_covers_most_of_a_bar_and_little_else() -> None:
    line, radius = brush_stroke(BAR)
    covered = brushed(line, radius, BAR.shape)
    assert covered[BAR].mean() > 0.8
    assert covered[~BAR].mean() < 0.05
    assert 4 <= radius <= 6


def test_a_brush_for_the_wide_part_stays_out_of_the_narrow_one() -> None:
    lollipop = region((slice(15, 45), slice(10, 60)), (slice(29, 31), slice(60, 88)))
    covered = brushed(*brush_stroke(lollipop), lollipop.shape)
    assert not covered[:, 75:].any()
    assert covered[lollipop].mean() > 0.5


def test_a_polygon_has_few_corners_and_covers_its_thing() -> None:
    corners, covered = outlined(BENT, 1.0)
    assert corners == 6
    assert (covered & BENT).sum() / (covered | BENT).sum() > 0.9
    exact, _ = outlined(brushed(np.asarray([[30, 40]]), 20, (60, 90)), 0.3)
    rough, _ = outlined(brushed(np.asarray([[30, 40]]), 20, (60, 90)), 3.0)
    assert rough < exact


def test_a_box_is_the_smallest_around_a_region() -> None:
    assert boxed(BENT) == (slice(5, 55), slice(5, 80))
