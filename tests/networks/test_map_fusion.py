"""Which maps count, and how much."""

from __future__ import annotations

import torch

from napari_wsss.networks.map_fusion import fused


def test_maps_count_by_their_shape_not_their_size() -> None:
    one = torch.rand(3, 4)

    torch.testing.assert_close(fused(torch.stack([one, 5 * one])), one / one.max() * 255)


def test_what_does_not_show_the_class_still_divides() -> None:
    one = torch.rand(3, 4) + 0.1
    absent = torch.full((3, 4), -9.0)
    absent[0, 0] = 3.0

    found = fused(torch.stack([one, absent]))

    torch.testing.assert_close(found, one / one.max() * 255 / 2)


def test_the_first_map_always_counts() -> None:
    first = torch.full((3, 4), -9.0)
    first[0, 0] = 3.0

    assert fused(first[None])[0, 0] == 255


def test_a_map_that_fires_nowhere_is_zero() -> None:
    assert not fused(torch.full((2, 3, 4), -1.0)).any()


def test_classes_are_added_up_apart() -> None:
    maps = torch.randn(5, 3, 4, 6)

    torch.testing.assert_close(fused(maps)[1], fused(maps[:, 1]))
