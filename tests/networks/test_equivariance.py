"""The terms of SEAM's loss by small numbers."""

from __future__ import annotations

import pytest
import torch

from napari_wsss.networks.equivariance import (
    hardest_mean,
    lowest_mean,
    mean_inside,
    stretched,
    strongest_only,
    with_background,
)

HALF = torch.tensor([[True, True, False, False]])[None, None]  # (1, 1, 1, 4)


def row(*channels: list[float]) -> torch.Tensor:
    return torch.tensor(channels)[None, :, None]  # (1, C, 1, W)


def test_stretching_goes_from_zero_to_one() -> None:
    found = stretched(row([1.0, 2, 3, -5], [7, 8, 9, 9]))

    torch.testing.assert_close(found, row([1 / 3, 2 / 3, 1, 0], [0, 0.5, 1, 1]), atol=2e-5, rtol=0)


def test_a_constant_map_is_zero() -> None:
    assert not stretched(torch.full((1, 2, 3, 4), 3.0)).any()


def test_what_lies_outside_does_not_stretch() -> None:
    found = stretched(row([2.0, 4, 0, 100]), HALF)

    torch.testing.assert_close(found[..., :2], row([0.0, 1]), atol=2e-5, rtol=0)


def test_the_background_is_what_the_strongest_class_leaves() -> None:
    found = with_background(row([9.0, 9], [0.25, 0.5], [0.75, 0]))

    torch.testing.assert_close(found, row([0.25, 0.5], [0.25, 0.5], [0.75, 0]))
    torch.testing.assert_close(strongest_only(found), row([0.25, 0.5], [0, 0.5], [0.75, 0]))


def test_the_mean_counts_what_is_inside() -> None:
    difference = row([1.0, 3, 9, 9], [5, 7, 9, 9])

    assert float(mean_inside(difference, 2)) == pytest.approx(52 / 8)
    assert float(mean_inside(difference, 2, HALF)) == 4
    assert float(mean_inside(difference, 2, HALF & False)) == 0


@pytest.mark.parametrize(("share", "expected"), [(1.0, 52 / 8), (0.5, 9.0), (0.74, 8.6), (0.001, 9.0)])
def test_the_hardest_are_rounded_down_but_never_none(share: float, expected: float) -> None:
    assert float(hardest_mean(row([1.0, 3, 9, 9], [5, 7, 9, 9]), 2, share)) == pytest.approx(expected)


def test_each_image_has_its_own_hardest() -> None:
    two = torch.cat([row([1.0, 2, 3, 4]), row([10.0, 20, 30, 40])])

    assert float(hardest_mean(two, 1, 0.25)) == 22
    assert float(hardest_mean(two, 1, 0.5, HALF.expand(2, -1, -1, -1))) == 11
    assert float(hardest_mean(two, 1, 0.25, torch.ones_like(HALF).expand(2, -1, -1, -1))) == 22


@pytest.mark.parametrize("inside", [None, HALF])
@pytest.mark.parametrize("share", [0.01, 0.2, 0.5, 1.0])
def test_channels_left_out_count_as_zero(share: float, inside: torch.Tensor | None) -> None:
    given = row([1.0, 3, 9, 9], [5, 7, 9, 9])
    everything = torch.cat([given, torch.zeros(1, 5, 1, 4)], 1)

    assert float(mean_inside(given, 7, inside)) == pytest.approx(float(mean_inside(everything, 7, inside)))
    assert float(hardest_mean(given, 7, share, inside)) == pytest.approx(
        float(hardest_mean(everything, 7, share, inside))
    )


def test_the_lowest_quarter_of_the_strongest_class() -> None:
    maps = row([1.0, -2, 0, 8, 8, 8, 8, 8], [3, -1, 8, 0, 8, 8, 8, 8])

    assert float(lowest_mean(maps)) == 1.5  # of 3 and -1, which counts as 0
    assert float(lowest_mean(row([4.0, 5]))) == 4
