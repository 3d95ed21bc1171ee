"""Sharing scores among pixels with like features: what mixes, what stays, and how much is compared."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from napari_wsss.core.errors import StepError
from napari_wsss.core.maps import ActivationMaps
from napari_wsss.refine.pixel_correlation import PixelCorrelation
from tests.evidence import Given

pytest.importorskip("torch")

HEIGHT, WIDTH, STRIDE = 33, 65, 8
GRID = (5, 9)


def halves() -> NDArray[np.float32]:
    """Return features (2,h,w) of two kinds: the left four columns and the others."""
    left = np.broadcast_to(np.arange(GRID[1]) < 4, GRID)
    return np.stack([left, ~left]).astype(np.float32)


def picture() -> NDArray[np.uint8]:
    pixels = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    pixels[:, WIDTH // 2 :] = (200, 120, 90)
    return pixels


def maps(*scores: NDArray[np.floating], background: NDArray[np.float32] | None = None) -> ActivationMaps:
    return ActivationMaps(np.stack(scores).astype(np.float32), tuple(range(len(scores))), background)


def spot(row: int, column: int, height: float = 1.0) -> NDArray[np.float32]:
    """Return a score map (H,W) with a blurred spot."""
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    distance = (y - row) ** 2 + (x - column) ** 2
    return np.asarray(height * np.exp(-distance / 60), np.float32)


def refined(given: ActivationMaps, features: NDArray[np.float32] | None = None, **parameters: Any) -> ActivationMaps:
    step = PixelCorrelation(PixelCorrelation.Parameters(**parameters))
    return step.refine(picture(), given, Given(halves() if features is None else features))


def test_a_spot_fills_all_that_looks_like_it() -> None:
    found = refined(maps(spot(10, 10), spot(20, 55))).scores

    np.testing.assert_allclose(found[0, :, :24], 1, atol=1e-3)
    np.testing.assert_allclose(found[0, :, 33:], 0, atol=1e-3)
    np.testing.assert_allclose(found[1], 1 - found[0], atol=1e-3)


def test_each_class_keeps_its_range() -> None:
    given = maps(spot(10, 10, 0.6), 0.25 + spot(20, 55, 0.5), np.full((HEIGHT, WIDTH), 0.3))

    found = refined(given, np.random.default_rng(0).standard_normal((6, *GRID)).astype(np.float32), winners_only=False)

    for before, after in zip(given.scores[:2], found.scores, strict=False):
        np.testing.assert_allclose([after.min(), after.max()], [before.min(), before.max()], atol=1e-3)
    np.testing.assert_allclose(found.scores[2], 0.3, atol=1e-3)


def test_a_map_that_is_zero_stays_zero() -> None:
    assert not refined(maps(spot(10, 10), np.zeros((HEIGHT, WIDTH)))).scores[1].any()


def test_weaker_classes_give_nothing_away_unless_all_may() -> None:
    given = maps(spot(16, 10), 0.5 * spot(16, 10) + 0.5 * spot(16, 55), spot(16, 55))
    given = maps(given.scores[0], np.minimum(given.scores[1], 0.4), given.scores[2])

    features = np.random.default_rng(0).standard_normal((4, *GRID)).astype(np.float32)
    strict, lax = (refined(given, features, winners_only=only).scores for only in (True, False))
    assert np.abs(strict - lax).max() > 0.05


@pytest.mark.parametrize("parameters", [{"iterations": 0}, {"keep": 1.0}])
def test_nothing_is_changed_when_so_wished(parameters: dict[str, Any]) -> None:
    given = maps(spot(10, 10), spot(20, 55))

    np.testing.assert_allclose(refined(given, **parameters).scores, given.scores, atol=1e-6)


def test_keeping_mixes() -> None:
    given = maps(spot(10, 10), spot(20, 55))

    half, all_of_it = refined(given, keep=0.25).scores, refined(given).scores

    np.testing.assert_allclose(half, 0.25 * given.scores + 0.75 * all_of_it, atol=1e-5)


def test_the_background_stays() -> None:
    background = np.random.default_rng(0).random((HEIGHT, WIDTH), dtype=np.float32)

    found = refined(maps(spot(10, 10), background=background))

    assert found.background is background
    assert refined(maps(spot(10, 10))).background is None


def test_colours_tell_apart_what_features_do_not() -> None:
    same = np.ones((3, *GRID), np.float32)
    given = maps(spot(10, 10), spot(20, 55))

    blind, seeing = refined(given, same).scores, refined(given, same, colour_weight=3.0).scores

    assert np.ptp(blind[0]) < 0.5  # only rounding, stretched
    assert seeing[0, :, :24].min() > 0.9
    assert seeing[0, :, 45:].max() < 0.1


def test_a_flat_image_has_no_colours_to_weigh() -> None:
    step = PixelCorrelation(PixelCorrelation.Parameters(colour_weight=1.0))
    found = step.refine(np.full((HEIGHT, WIDTH, 3), 7, np.uint8), maps(spot(10, 10)), Given(halves()))

    assert np.isfinite(found.scores).all()


def test_iterations_and_power_go_both_ways() -> None:
    features = np.random.default_rng(0).random((4, *GRID)).astype(np.float32)
    given = maps(spot(10, 10))

    def distance(power: float) -> float:
        return float(np.abs(refined(given, features, iterations=1, affinity_power=power).scores - given.scores).mean())

    assert distance(64.0) < distance(8.0) < distance(1.0)


@pytest.mark.parametrize("cells", [16, 20])
def test_a_fine_grid_is_averaged(cells: int) -> None:
    fine = np.repeat(np.repeat(halves(), 4, axis=1), 4, axis=2)

    found = refined(maps(spot(10, 10), spot(20, 55)), fine, cells=cells).scores

    assert found[0, :, :10].min() > 0.8
    assert found[0, :, 55:].max() < 0.2


def test_features_are_at_multiples_of_the_stride() -> None:
    # One cell differs from all others: what it gives away must land on its own pixel, not half a cell beside it.
    features = np.stack([np.zeros(GRID), np.ones(GRID)]).astype(np.float32)
    features[:, 2, 5] = 1, 0

    found = refined(maps(spot(2 * STRIDE, 5 * STRIDE)), features).scores[0]

    assert np.unravel_index(found.argmax(), found.shape) == (2 * STRIDE, 5 * STRIDE)
    np.testing.assert_allclose(found[:, 5 * STRIDE - 4], found[:, 5 * STRIDE + 4], atol=1e-5)


def test_without_features_it_says_so() -> None:
    with pytest.raises(StepError, match="features of a trained localizer") as caught:
        PixelCorrelation().refine(picture(), maps(spot(10, 10)))

    assert caught.value.missing == ("features",)
