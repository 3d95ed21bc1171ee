from __future__ import annotations

import pytest

from training.loop.schedule import learning_rate_factor


def test_poly_falls_from_one_towards_zero() -> None:
    factors = [learning_rate_factor(step, 10) for step in range(10)]
    assert factors[0] == 1
    assert factors == sorted(factors, reverse=True)
    assert factors[5] == pytest.approx(0.5**0.9)
    assert factors[-1] > 0


def test_warm_up_rises_linearly_then_poly_starts_at_one() -> None:
    assert learning_rate_factor(0, 20, warm_up=10) == pytest.approx(0.1)
    assert learning_rate_factor(5, 20, warm_up=10) == pytest.approx(0.55)
    assert learning_rate_factor(10, 20, warm_up=10) == 1


def test_power_zero_keeps_the_rate() -> None:
    assert {learning_rate_factor(step, 5, power=0) for step in range(5)} == {1.0}


def test_a_step_beyond_the_end_is_not_negative() -> None:
    assert learning_rate_factor(12, 10) == 0
