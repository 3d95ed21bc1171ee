"""Random walks: the same as the dense matrix, means of what is connected, and steps that can be cancelled."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from numpy.typing import NDArray

from napari_wsss.core.affinities import Affinities
from napari_wsss.core.cells import Cells
from napari_wsss.core.errors import StepError
from napari_wsss.core.maps import ActivationMaps
from napari_wsss.core.progress import finish
from napari_wsss.refine import random_walk
from napari_wsss.refine._transition import Transition, chebyshev_coefficients
from napari_wsss.refine.random_walk import RandomWalk, walk, walking
from tests.evidence import Given

CLOSE = 2e-4


def offsets(radius: int) -> NDArray[np.intp]:
    reach = range(-radius + 1, radius)
    found = [(dy, dx) for dy in range(radius) for dx in reach if (dy or dx > 0) and dy * dy + dx * dx < radius**2]
    return np.array(found, np.intp)


def affinities(height: int, width: int, radius: int = 5, seed: int = 0, low: float = 0.0) -> Affinities:
    """Return random affinities, 0 where a partner lies outside."""
    pairs = offsets(radius)
    values = np.random.default_rng(seed).uniform(low, 1, (len(pairs), height, width)).astype(np.float32)
    rows, columns = np.mgrid[:height, :width]
    for plane, (dy, dx) in zip(values, pairs, strict=True):
        plane[(rows + dy >= height) | (columns + dx < 0) | (columns + dx >= width)] = 0
    return Affinities(values, pairs)


def blobs(count: int, height: int, width: int) -> NDArray[np.float32]:
    return np.random.default_rng(1).random((count, height, width), dtype=np.float32)


def by_matrix(maps: NDArray[np.float32], given: Affinities, power: float, steps: int) -> NDArray[np.float64]:
    """Return the walk by a dense matrix, squared as often as needed."""
    height, width = given.grid
    matrix = np.eye(height * width)
    for plane, (dy, dx) in zip(given.values.astype(np.float64), given.offsets, strict=True):
        for y, x in zip(*np.nonzero(plane), strict=True):
            here, there = y * width + x, (y + dy) * width + x + dx
            matrix[here, there] = matrix[there, here] = plane[y, x] ** power
    transition = np.linalg.matrix_power(matrix / matrix.sum(0), steps)
    return (maps.reshape(len(maps), -1) @ transition).reshape(maps.shape)


@pytest.mark.parametrize(("power", "steps"), [(8.0, 256), (1.0, 7), (10.0, 1), (2.0, 64), (8.0, 1024)])
@pytest.mark.parametrize("radius", [2, 5])
def test_it_is_what_the_dense_matrix_gives(power: float, steps: int, radius: int) -> None:
    given, maps = affinities(9, 13, radius, low=0.5), blobs(3, 9, 13)

    found = walk(maps, given, power=power, steps=steps)

    assert np.abs(found - by_matrix(maps, given, power, steps)).max() < CLOSE
    assert found.dtype == np.float32


def test_cells_that_hardly_belong_together_need_no_less_accuracy() -> None:
    given, maps = affinities(8, 8), blobs(2, 8, 8)
    given.values[:, :, 4] *= 1e-3

    found = walk(maps, given, power=8.0, steps=256)

    assert np.abs(found - by_matrix(maps, given, 8.0, 256)).max() < CLOSE


def test_no_steps_change_nothing_and_constants_stay() -> None:
    given, maps = affinities(6, 7), blobs(2, 6, 7)

    np.testing.assert_allclose(walk(maps, given, power=8.0, steps=0), maps, atol=1e-6)
    np.testing.assert_allclose(walk(np.full_like(maps, 0.3), given, power=8.0, steps=256), 0.3, atol=1e-5)


def test_nothing_passes_where_nothing_belongs_together() -> None:
    given = affinities(6, 8, radius=3, low=0.9)
    for plane, (_, dx) in zip(given.values, given.offsets, strict=True):
        for x in range(8):
            if (x < 4) != (x + dx < 4):
                plane[:, x] = 0
    maps = np.zeros((1, 6, 8), np.float32)
    maps[0, 2, 1] = 1

    found = walk(maps, given, power=2.0, steps=512)

    assert found[0, :, :4].min() > 0.01
    assert np.abs(found[0, :, 4:]).max() < 1e-6


def test_cells_on_a_boundary_give_nothing_on() -> None:
    open_, maps = affinities(5, 5), blobs(1, 5, 5)
    boundary = np.zeros((5, 5), np.float32)
    boundary[2] = 0.75
    closed = Affinities(open_.values, open_.offsets, boundary)

    np.testing.assert_allclose(
        walk(maps, closed, power=4.0, steps=16), walk(maps * (1 - boundary), open_, power=4.0, steps=16)
    )


def test_opposite_directions_are_the_same_pairs() -> None:
    forward, maps = affinities(7, 9, radius=3), blobs(2, 7, 9)
    values = np.zeros_like(forward.values)
    for plane, given, (dy, dx) in zip(values, forward.values, forward.offsets, strict=True):
        for y, x in zip(*np.nonzero(given), strict=True):
            plane[y + dy, x + dx] = given[y, x]
    backward = Affinities(values, -forward.offsets)

    first, second = (walk(maps, given, power=3.0, steps=32) for given in (forward, backward))

    np.testing.assert_allclose(first, second, atol=1e-5)


@pytest.mark.parametrize("grid", [(1, 1), (1, 6), (3, 1), (2, 2)])
def test_tiny_grids(grid: tuple[int, int]) -> None:
    given, maps = affinities(*grid, radius=10), blobs(2, *grid)

    assert np.abs(walk(maps, given, power=2.0, steps=16) - by_matrix(maps, given, 2.0, 16)).max() < CLOSE


def test_another_grid_is_refused() -> None:
    with pytest.raises(ValueError, match="grid"):
        walk(blobs(1, 4, 4), affinities(4, 5), power=1.0, steps=1)


def test_it_needs_no_matrix_of_all_pairs_of_cells() -> None:
    given, maps = affinities(64, 64), blobs(3, 64, 64)
    tracemalloc.start()
    walk(maps, given, power=8.0, steps=256)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert most < 10e6


def test_it_reports_and_can_be_cancelled() -> None:
    steps = walking(blobs(1, 8, 8), affinities(8, 8), power=8.0, steps=256)

    reports = [next(steps) for _ in range(3)]
    steps.close()

    assert [report.done for report in reports] == [8, 16, 24]
    assert reports[0].total >= 80


def test_a_matrix_on_a_device_gives_the_same() -> None:
    pytest.importorskip("torch")
    given, maps = affinities(9, 13, low=0.5), blobs(3, 9, 13)
    here = walk(maps, given, power=8.0, steps=64)

    transition = Transition(given.values, given.offsets, 8.0)
    rows = finish(random_walk._on_gpu(transition, transition.flat(maps), chebyshev_coefficients(64), "cpu"))

    np.testing.assert_allclose(transition.unflat(rows), here, atol=1e-5)


def test_a_gpu_is_used_for_large_walks_only(monkeypatch: pytest.MonkeyPatch) -> None:
    torch = pytest.importorskip("torch")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)

    assert random_walk._gpu_pays(10**9)
    assert not random_walk._gpu_pays(10**7)


# -- the refiner ------------------------------------------------------------------------------------------

SIZE = (61, 83)
IMAGE = np.zeros((*SIZE, 3), np.uint8)


def evidence() -> Given:
    return Given(known_affinity=affinities(8, 11, low=0.7))


def maps_of(background: bool = False) -> ActivationMaps:
    scores = blobs(2, *SIZE) * np.array([0.8, 0.4], np.float32)[:, None, None]
    return ActivationMaps(scores, (1, 4), blobs(1, *SIZE)[0] if background else None)


def test_classes_alone_are_brought_to_a_maximum_of_one() -> None:
    found = RandomWalk(RandomWalk.Parameters(log2_steps=3)).refine(IMAGE, maps_of(), evidence())

    assert found.background is None
    assert found.scores.max() == pytest.approx(1)
    assert found.scores[1].max() < 0.8


def test_a_background_walks_along_unscaled() -> None:
    given = maps_of(background=True)
    assert given.background is not None
    found = RandomWalk(RandomWalk.Parameters(log2_steps=3)).refine(IMAGE, given, evidence())

    assert found.background is not None
    assert np.ptp(found.background) < np.ptp(given.background)
    assert found.scores.max() < 0.8


def test_it_makes_a_background_where_wanted() -> None:
    step = RandomWalk(RandomWalk.Parameters(with_background=True, background_power=4.0))
    nowhere = Affinities(np.zeros((1, 8, 11), np.float32), np.array([[0, 1]], np.intp))

    found = step.refine(IMAGE, maps_of(background=True), Given(known_affinity=nowhere))

    assert step.gives == {"background"}
    assert not RandomWalk.gives
    assert found.background is not None
    cells = Cells(SIZE, (8, 11))
    expected = cells.enlarged(cells.averaged(((1 - maps_of().scores.max(0)) ** 4)[None]))[0]
    np.testing.assert_allclose(found.background, expected, atol=1e-4)


def test_maps_that_are_zero_stay_zero() -> None:
    nothing = ActivationMaps(np.zeros((1, *SIZE), np.float32), (0,))

    assert not RandomWalk().refine(IMAGE, nothing, evidence()).scores.any()


def test_without_affinities_it_says_what_to_do() -> None:
    with pytest.raises(StepError, match="affinity network"):
        RandomWalk().refine(IMAGE, maps_of())
