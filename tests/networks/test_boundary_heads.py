"""The heads of IRNet: sizes for taps of any stride, widths, and the mean displacement."""

from __future__ import annotations

import math

import pytest
import torch

from napari_wsss.networks.boundary_heads import DisplacementHead, EdgeHead

PUBLISHED = ((64, 4), (256, 4), (512, 8), (1024, 16), (2048, 16))


def _features(taps: tuple[tuple[int, int], ...], height: int, width: int) -> list[torch.Tensor]:
    return [torch.randn(2, c, math.ceil(height / s), math.ceil(width / s)) for c, s in taps]


@pytest.mark.parametrize("strides", [(4, 4, 8, 16, 16), (4, 4, 4, 8, 16), (4, 4, 8, 8, 8), (4, 4, 8, 16, 32)])
@pytest.mark.parametrize("size", [(64, 48), (61, 50)])
def test_results_have_a_cell_for_every_four_pixels(strides: tuple[int, ...], size: tuple[int, int]) -> None:
    taps = tuple((8, stride) for stride in strides)
    features, grid = _features(taps, *size), tuple(math.ceil(side / 4) for side in size)

    assert EdgeHead(taps, 1 / 8)(features).shape == (2, 1, *grid)
    assert DisplacementHead(taps, 1 / 8)(features).shape == (2, 2, *grid)


def test_parameter_counts_are_the_published_ones() -> None:
    edge, displacement = EdgeHead(PUBLISHED), DisplacementHead(PUBLISHED)

    assert sum(p.numel() for p in edge.parameters()) == 32 * 3904 + 5 * 64 + 160 + 1
    convolutions = 64 * 64 + 128 * 256 + 256 * (512 + 1024 + 2048 + 768 + 448) + 2 * 256
    norms = 2 * (64 + 128 + 5 * 256)
    assert sum(p.numel() for p in displacement.parameters()) == convolutions + norms


def test_the_mean_is_subtracted_outside_training_only() -> None:
    taps = tuple((8, stride) for _, stride in PUBLISHED)
    head, features = DisplacementHead(taps, 1 / 8), _features(taps, 32, 32)
    head.mean.copy_(torch.tensor([2.0, -1.0]))

    difference = head.train()(features) - head.eval()(features)

    torch.testing.assert_close(difference.mean((0, 2, 3)), head.mean)
    assert "mean" in head.state_dict()
