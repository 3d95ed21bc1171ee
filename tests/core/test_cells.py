"""Cells on an image: their size, their means, and the way back."""

from __future__ import annotations

import numpy as np
import pytest

from napari_wsss.core.cells import Cells, working_cells


@pytest.mark.parametrize(
    ("size", "grid", "step"),
    [((61, 83), (8, 11), 8), ((64, 64), (16, 16), 4), ((33, 65), (3, 5), 16), ((9, 9), (9, 9), 1)],
)
def test_cells_have_the_stride_that_fits(size: tuple[int, int], grid: tuple[int, int], step: int) -> None:
    assert Cells(size, grid).steps == (step, step)


def test_other_grids_lie_in_equal_parts() -> None:
    assert Cells((50, 70), (20, 30)).steps == (2.5, 70 / 30)


def test_cells_are_means_and_enlarging_keeps_a_ramp() -> None:
    grid = Cells((32, 48), (4, 6))
    ramp = np.broadcast_to(np.arange(48, dtype=np.float32), (1, 32, 48))

    cells = grid.averaged(ramp)
    back = grid.enlarged(cells)

    np.testing.assert_allclose(cells[0, 0], np.arange(6) * 8 + 3.5)
    np.testing.assert_allclose(back[0, :, 4:-4], ramp[0, :, 4:-4], atol=1e-4)
    np.testing.assert_allclose(back[0, :, :3], 3.5)


def test_cut_cells_are_means_of_what_is_there() -> None:
    ones = np.ones((1, 61, 83), np.float32)
    grid = Cells((61, 83), (8, 11))

    np.testing.assert_allclose(grid.averaged(ones), 1)
    assert grid.averaged(ones, count_outside=True)[0, -1, -1] == pytest.approx(5 * 3 / 64)


@pytest.mark.parametrize(("long", "side"), [(150, 150), (319, 319), (320, 160), (500, 167), (4000, 1334)])
def test_the_working_grid_keeps_160_pixels_and_a_third_at_least(long: int, side: int) -> None:
    assert max(working_cells(long // 2, long).grid) == side
    assert working_cells(long, long // 2, shrink=2).grid[0] == -(-long // 2)
