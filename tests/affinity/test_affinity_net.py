"""AffinityNet: features of three depths on one grid, and what its loss teaches."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from napari_wsss.affinity.affinity_net import AffinityNet
from napari_wsss.affinity.base import AffinityBatch
from napari_wsss.core.trunk_choice import TRUNKS
from napari_wsss.networks.trunk import build_trunk

NARROW = 1 / 16


def build(trunk: str = "mobilenet_v2", output_stride: int = 16, **parameters: object) -> AffinityNet:
    torch.manual_seed(0)
    settings = AffinityNet.Parameters(**parameters)  # type: ignore[arg-type]
    return AffinityNet(build_trunk(trunk, output_stride=output_stride, width=NARROW), settings)


@pytest.mark.parametrize("trunk", TRUNKS)
def test_it_stands_on_any_trunk(trunk: str) -> None:
    network = build(trunk).eval()
    with torch.no_grad():
        dense = network.dense(torch.randn(1, 3, 65, 83))
        found = network.pair_affinities(dense)

    assert dense.shape[2:] == (9, 11)
    assert found.shape == (1, 34, 9, 11)
    assert found.min() >= 0
    assert found.max() <= 1


def test_published_widths_on_the_published_trunk() -> None:
    with torch.device("meta"):
        network = AffinityNet(build_trunk("resnet38", output_stride=8))

    shapes = [tuple(layer.weight.shape[:2]) for layer in (network.shallow, network.deep, network.last, network.joined)]
    assert shapes == [(64, 512), (128, 1024), (256, 4096), (448, 448)]


@pytest.mark.parametrize(("trunk", "kind"), [("vgg16", nn.GroupNorm), ("resnet18", nn.Identity)])
def test_only_trunks_without_batch_norm_get_a_norm(trunk: str, kind: type[nn.Module]) -> None:
    assert all(isinstance(norm, kind) for norm in build(trunk).norms)


@pytest.mark.parametrize(("stride", "cells"), [(4, 16), (8, 8), (16, 4)])
def test_the_grid_does_not_depend_on_the_trunks_stride(stride: int, cells: int) -> None:
    for output_stride in (8, 16):
        network = build(output_stride=output_stride, grid_stride=stride).eval()
        assert network.dense(torch.zeros(1, 3, 64, 64)).shape[2:] == (cells, cells)


def test_the_loss_pulls_one_thing_together_and_two_apart() -> None:
    network = build(radius=3).train()
    network.trunk.freeze_batch_norm()
    labels = torch.zeros(2, 8, 8, dtype=torch.uint8)
    labels[:, :, 4:] = 2
    batch = AffinityBatch(torch.randn(2, 3, 64, 64), labels)
    rate = torch.optim.Adam(network.parameters(), lr=0.01)

    values = []
    for _ in range(8):
        loss = torch.stack(list(network.loss(batch).values())).sum()
        rate.zero_grad()
        loss.backward()
        rate.step()
        values.append(float(loss.detach()))

    assert values[-1] < 0.9 * values[0]


def test_undecided_cells_teach_nothing() -> None:
    network = build()
    batch = AffinityBatch(torch.randn(1, 3, 64, 64), torch.full((1, 8, 8), 255, dtype=torch.uint8))

    assert all(float(loss.detach()) == 0 for loss in network.loss(batch).values())
