"""Tiles cover an image once and join to what the whole image gives; modes are put back."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import nn

from napari_wsss.networks.dense import as_batch, evaluating, run_tiled


@pytest.mark.parametrize(("height", "width"), [(300, 420), (97, 613), (321, 353), (33, 33)])
@pytest.mark.parametrize("stride", [1, 8, 16])
def test_tiles_of_a_small_network_join_without_a_seam(height: int, width: int, stride: int) -> None:
    torch.manual_seed(0)
    layers = [nn.Conv2d(2, 2, 3, stride=2, padding=1) for _ in range(int(math.log2(stride)))]
    network = nn.Sequential(*layers, nn.Conv2d(2, 2, 3, padding=1))
    image = torch.rand(2, height, width)

    def run(rows: slice, columns: slice) -> torch.Tensor:
        result: torch.Tensor = network(image[None, :, rows, columns])[0]
        return result

    with torch.no_grad():
        whole = network(image[None])[0]
        joined = run_tiled(run, height, width, stride=stride, pixel_budget=40_000, overlap=128)

    torch.testing.assert_close(joined, whole, atol=1e-6, rtol=0)


def test_a_stride_that_tiles_cannot_join_is_refused() -> None:
    with pytest.raises(ValueError, match="does not divide"):
        run_tiled(lambda rows, columns: torch.zeros(1, 1, 1), 64, 64, stride=24, pixel_budget=100, overlap=0)


def test_images_become_a_batch() -> None:
    planes = [np.full((3, 4, 5), value, np.float32) for value in (1, 2)]

    batch = as_batch(planes, torch.device("cpu"))

    assert batch.shape == (2, 3, 4, 5)
    assert batch.is_contiguous(memory_format=torch.channels_last)
    assert batch[:, 0, 0, 0].tolist() == [1, 2]


@pytest.mark.parametrize("fails", [False, True])
def test_each_part_gets_its_own_mode_back(fails: bool) -> None:
    network = nn.Sequential(nn.BatchNorm2d(2), nn.Dropout(), nn.Sequential(nn.BatchNorm2d(2))).train()
    network[2][0].eval()  # frozen
    before = [part.training for part in network.modules()]

    try:
        with evaluating(network):
            assert not any(part.training for part in network.modules())
            if fails:
                raise KeyError
    except KeyError:
        pass

    assert [part.training for part in network.modules()] == before
