from __future__ import annotations

import pytest

from training.economy.curves import Row, area, common_span, curves_of, full_mask_figure, seconds_until


def row(policy: str = "clicks", images: int = 10, seed: int = 0, value: float = 0.5, **given: object) -> Row:
    facts = {"order": "random", "learner": True, "gestures": 10.0 * images, "waited": 1.0, "everything": value / 2}
    scored = {"held_out": value, "refined": None, "fit": 1.0, "cpu": 1.0}
    return Row(policy=policy, images=images, seed=seed, **{**facts, **scored, **given})


def test_waiting_counts_and_refined_masks_go_first() -> None:
    assert row().seconds == 101
    assert row().best == 0.5
    assert row(refined=0.6).best == 0.6


def test_a_curve_is_the_mean_of_its_seeds() -> None:
    rows = [row(images=i, seed=s, value=v) for i, s, v in [(20, 1, 0.8), (10, 0, 0.4), (10, 1, 0.6), (20, 0, 0.6)]]
    (curve,) = curves_of(rows)
    assert curve.images == (10, 20)
    assert curve.seconds == (101, 201)
    assert curve.held_out == pytest.approx((0.5, 0.7))
    assert curve.everything == pytest.approx((0.25, 0.35))


def test_points_that_some_seeds_lack_make_no_jump() -> None:
    rows = [row(images=10, seed=0), row(images=10, seed=1), row(images=20, seed=1, value=0.9)]
    assert curves_of(rows)[0].images == (10,)


def test_orders_and_learners_are_curves_of_their_own() -> None:
    names = [one.name for one in curves_of([row(), row(order="gain"), row(learner=False)])]
    assert names == ["clicks, gain", "clicks, no learner", "clicks"]


def test_the_area_is_the_mean_height() -> None:
    assert area((0, 10), (0.0, 1.0), (0, 10)) == pytest.approx(0.5)
    assert area((0, 10), (0.3, 0.3), (2, 5)) == pytest.approx(0.3)
    assert area((0, 10, 20), (0.0, 1.0, 1.0), (5, 20)) == pytest.approx((0.75 * 5 + 10) / 15)
    assert area((0, 10), (0.0, 1.0), (4, 4)) == pytest.approx(0.4)
    higher, lower = area((0, 5, 10), (0.2, 0.9, 1.0), (0, 10)), area((0, 5, 10), (0.2, 0.3, 1.0), (0, 10))
    assert higher > lower


def test_the_span_is_where_all_curves_are() -> None:
    curves = curves_of([row(images=5), row(images=30), row(order="gain", images=10), row(order="gain", images=20)])
    assert common_span(curves) == (101, 201)


@pytest.mark.parametrize(("wanted", "expected"), [(0.1, 10), (0.5, 15), (0.8, 20), (0.9, None)])
def test_when_a_curve_reaches_a_value(wanted: float, expected: float | None) -> None:
    assert seconds_until((10, 20), (0.2, 0.8), wanted) == (None if expected is None else pytest.approx(expected))


def test_the_full_mask_figure_is_that_of_most_masks_with_the_learner() -> None:
    rows = [row("masks", images=i, value=i / 100) for i in (10, 40)]
    assert full_mask_figure(curves_of([*rows, row(value=0.9), row("masks", learner=False, value=0.9)])) == 0.4
    assert full_mask_figure(curves_of([row()])) is None
